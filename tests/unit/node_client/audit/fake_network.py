"""A peer's channel, as far as audits look at it."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from chaincode.registry.model import codes
from chaincode.registry.model.records import BatchRecord, CertificateRecord, StatusRecord
from node_client.errors import EvaluateError, EventsError
from node_client.protocol.block import Block


@dataclass
class FakeNetwork:
    """Gives its blocks and its records, or fails; it is its own contract."""

    blocks: Sequence[Block]
    records: Sequence[CertificateRecord]
    batches: Sequence[BatchRecord] = ()
    statuses: Sequence[StatusRecord] = ()
    fails: bool = False
    breaks_at: int | None = None
    stalls_at: int | None = None
    ends_at: int | None = None
    paused: bool = False
    asked: list[str] = field(default_factory=list)

    def height(self) -> int:
        if self.fails:
            raise EvaluateError("UNAVAILABLE", "nobody answers")
        return len(self.blocks)

    def pause(self, seconds: float) -> None:
        self.paused = True

    @contextmanager
    def block_events(self, *, start_block: int, timeout: float) -> Iterator[Iterator[Block]]:
        def events() -> Iterator[Block]:
            for block in self.blocks[start_block:]:
                if block.number == self.breaks_at:
                    raise EventsError("UNAVAILABLE", "the connection was lost")
                if block.number == self.stalls_at:
                    raise EventsError("DEADLINE_EXCEEDED", "Deadline Exceeded")
                if block.number == self.ends_at:
                    return
                yield block

        yield events()

    def get_contract(self, chaincode: str) -> "FakeNetwork":
        return self

    def evaluate(self, function: str, *args: str, organizations: Sequence[str]) -> bytes:
        self.asked.append(function)
        if function == "ListCertificates":
            return self._page([one.to_dict() for one in self.records], "certificateId", *args)
        if function == "ListBatches":
            return self._page([one.to_dict() for one in self.batches], "batchId", *args)
        if function == "ReadStatusList":
            return json.dumps({"statuses": [one.to_dict() for one in self.statuses]}).encode()
        if function == "ReadMember":
            found = [one.to_dict() for one in self.statuses if one.leaf == args[1]]
            return json.dumps({"status": found[0] if found else None}).encode()
        every = [*self.records, *self.batches]
        for one in every:
            if args[0] in (getattr(one, "certificate_id", ""), getattr(one, "batch_id", "")):
                return one.to_bytes()
        raise EvaluateError("UNKNOWN", f"chaincode response 500, {codes.NOT_FOUND}: no such certificate")

    def _page(self, rows: list[dict[str, object]], name: str, size: str, bookmark: str) -> bytes:
        left = [row for row in rows if str(row[name]) >= bookmark]
        page, rest = left[:7], left[7:]
        return json.dumps({"records": page, "bookmark": rest[0][name] if rest else ""}).encode()
