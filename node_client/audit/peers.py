"""What the peers of a channel say: their blocks beside each other, and their records beside the ledger's."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from chaincode.ledger.composite_key import composite_range, split_composite_key
from chaincode.ledger.state import StateReader
from chaincode.registry.model import codes, keys
from node_client.audit.findings import Finding, What
from node_client.audit.reading import read_blocks
from node_client.certificates.errors import RegistryRefusal, refusals
from node_client.errors import GatewayError
from node_client.gateway._sync.network import Network
from node_client.protocol.block import COMMIT_HASH, Block, data_hash

PAGE = 1000
PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)  # seconds that a peer gets to have what another one has


@dataclass(frozen=True)
class Peer:
    """An organisation's peer.

    Attributes:
        name: as the connection profile has it.
        msp_id: the organisation's.
        network: the channel, over this peer.
    """

    name: str
    msp_id: str
    network: Network


class Beside:
    """Reads another peer's blocks beside those that are audited, and says where they differ.

    Args:
        first: the peer whose blocks are audited.
        height: how many blocks are audited.
    """

    def __init__(self, peer: Peer, first: str, start: int, height: int) -> None:
        self.findings: list[Finding] = []
        self._peer = peer
        self._first = first
        self._blocks: Iterator[Block] | None = None
        try:
            reached = self._reached(height)
        except GatewayError as error:
            self._lost(error)
            return
        if reached < height:
            detail = f"it has {reached} blocks, and {first} {height}"
            self.findings.append(Finding(what=What.HEIGHT, detail=detail, peer=peer.name))
        self._blocks = read_blocks(peer.network, start, min(height, reached))

    def take(self, block: Block) -> None:
        """Compare the peer's next block with this one."""
        if self._blocks is None:
            return
        try:
            other = next(self._blocks, None)
        except GatewayError as error:
            self._lost(error)
            return
        if other is None:
            self._blocks = None
        elif difference := _difference(block, other):
            detail = f"{difference} than {self._first}'s"
            finding = Finding(what=What.PEER, detail=detail, block=block.number, peer=self._peer.name)
            self.findings.append(finding)

    def _reached(self, height: int) -> int:
        for pause in PAUSES:
            reached = self._peer.network.height()
            if reached >= height:
                return reached
            self._peer.network.pause(pause)
        return self._peer.network.height()

    def _lost(self, error: GatewayError) -> None:
        self._blocks = None
        self.findings.append(Finding(what=What.UNREACHABLE, detail=error.message, peer=self._peer.name))


def _difference(block: Block, other: Block) -> str:
    """What of a peer's block differs; orderers may have signed it for each peer on their own."""
    if other.header_bytes != block.header_bytes:
        return "its block is another one"
    if data_hash(other.envelopes) != other.data_hash:
        return "its block holds other transactions"
    if other.validation_codes != block.validation_codes:
        return "its validation codes are others"
    if other.metadata[COMMIT_HASH : COMMIT_HASH + 1] != block.metadata[COMMIT_HASH : COMMIT_HASH + 1]:
        return "its commit hash is another one"
    return ""


@dataclass(frozen=True)
class Records:
    """The registry's records as one peer answers, beside what the blocks come to.

    Args:
        state: the state that the blocks make.
    """

    peer: Peer
    chaincode: str
    state: StateReader

    def differences(self) -> Iterator[str]:
        """The keys of the records that the peer has otherwise, does not have, or has alone. Raises GatewayError."""
        batches: list[str] = []
        for function, kind in (("ListCertificates", keys.CERTIFICATE), ("ListBatches", keys.BATCH)):
            for key, mine, theirs in _beside(self._kept(kind, []), self._listed(function, kind)):
                if mine != theirs:
                    yield key
                if kind == keys.BATCH and theirs is not None:
                    batches += split_composite_key(key)[1]
        for batch_id in batches:
            for key, mine, theirs in _beside(self._kept(keys.STATUS, [batch_id]), self._statuses(batch_id)):
                if mine != theirs:
                    yield key

    def still_differs(self, key: str) -> bool:
        """Whether a record differs when it alone is asked for. Raises GatewayError."""
        found = self.state.get(self.chaincode, key)
        return self._one(key) != (found.value if found else None)

    def _kept(self, kind: str, attributes: list[str]) -> Iterator[tuple[str, bytes]]:
        for key, found in self.state.range(self.chaincode, *composite_range(kind, attributes)):
            yield key, found.value

    def _listed(self, function: str, kind: str) -> Iterator[tuple[str, bytes]]:
        bookmark = ""
        while True:
            page = json.loads(self._ask(function, str(PAGE), bookmark))
            name = "certificateId" if kind == keys.CERTIFICATE else "batchId"
            for record in page["records"]:
                key = keys.certificate_key if kind == keys.CERTIFICATE else keys.batch_key
                yield key(record[name]), _encoded(record)
            bookmark = page["bookmark"]
            if not bookmark:
                return

    def _statuses(self, batch_id: str) -> Iterator[tuple[str, bytes]]:
        for record in json.loads(self._ask("ReadStatusList", batch_id))["statuses"]:
            yield keys.status_key(batch_id, record["leaf"]), _encoded(record)

    def _one(self, key: str) -> bytes | None:
        kind, attributes = split_composite_key(key)
        try:
            if kind == keys.CERTIFICATE:
                return self._ask("ReadCertificate", *attributes)
            if kind == keys.BATCH:
                return self._ask("ReadBatch", *attributes)
            status = json.loads(self._ask("ReadMember", *attributes))["status"]
            return _encoded(status) if status else None
        except RegistryRefusal as refusal:
            if refusal.code != codes.NOT_FOUND:
                raise
            return None

    def _ask(self, function: str, *args: str) -> bytes:
        with refusals():
            contract = self.peer.network.get_contract(self.chaincode)
            return contract.evaluate(function, *args, organizations=[self.peer.msp_id])


def _beside(
    mine: Iterator[tuple[str, bytes]], theirs: Iterator[tuple[str, bytes]]
) -> Iterator[tuple[str, bytes | None, bytes | None]]:
    """Two lists in the order of their keys: every key once, with what each list has."""
    one, other = next(mine, None), next(theirs, None)
    while one or other:
        if other is None or (one and one[0].encode() < other[0].encode()):
            assert one  # noqa: S101 - for the type checker
            yield one[0], one[1], None
            one = next(mine, None)
        elif one is None or other[0].encode() < one[0].encode():
            yield other[0], None, other[1]
            other = next(theirs, None)
        else:
            yield one[0], one[1], other[1]
            one, other = next(mine, None), next(theirs, None)


def _encoded(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
