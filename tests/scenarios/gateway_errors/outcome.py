"""What a call came to, in a form that does not depend on the run."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from fabric_protos.gateway import gateway_pb2
from google.rpc import status_pb2

VECTORS = Path(__file__).resolve().parent.parent.parent / "vectors" / "gateway_errors"
DETAILS_KEY = "grpc-status-details-bin"

# What differs from run to run without being a name or an address that the scene knows.
_VOLATILE = (
    (re.compile(r"\b[0-9a-f]{100,}\b"), "{hex}"),  # a creator
    (re.compile(r"\b[0-9a-f]{64}\b"), "{hash}"),  # a transaction's or a package's
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "{time}"),
    (re.compile(r"(?<=payload is )\d+"), "{size}"),
    (re.compile(r"127\.0\.0\.1:\d+"), "{address}"),
    # Go's protobuf puts one or the other after its name, so that nobody relies on its texts.
    (re.compile(r"proto:[ \u00a0]"), "proto: "),
)


@dataclass(frozen=True)
class Outcome:
    """What a call came to.

    Attributes:
        rpc: the service's method.
        code: the gRPC status code's name.
        message: its message.
        details: what each peer or orderer said, by address, MSP id and message.
        answer: what a call with code OK answered, as far as it is about failing.
    """

    rpc: str
    code: str
    message: str = ""
    details: tuple[Mapping[str, str], ...] = ()
    answer: Mapping[str, Any] | None = None

    @classmethod
    def of_error(cls, rpc: str, error: grpc.RpcError) -> "Outcome":
        """What a failed call came to."""
        trailers = dict(error.trailing_metadata() or ())  # type: ignore[attr-defined]
        details = []
        for packed in status_pb2.Status.FromString(trailers.get(DETAILS_KEY, b"")).details:
            detail = gateway_pb2.ErrorDetail()
            assert packed.Unpack(detail)
            details.append({"address": detail.address, "mspId": detail.msp_id, "message": detail.message})
        return cls(rpc, error.code().name, error.details(), tuple(details))  # type: ignore[attr-defined]

    def record(self, names: Mapping[str, str]) -> dict[str, Any]:
        """The outcome as vectors keep it: names and addresses by what they stand for, details in order of MSP id.

        Args:
            names: what to write instead of a name or an address of this run.
        """

        def plain(text: str) -> str:
            for name in sorted(names, key=len, reverse=True):
                text = text.replace(name, names[name])
            for pattern, replacement in _VOLATILE:
                text = pattern.sub(replacement, text)
            return text

        details = [{key: plain(value) for key, value in detail.items()} for detail in self.details]
        record: dict[str, Any] = {
            "rpc": self.rpc,
            "code": self.code,
            "message": plain(self.message),
            "details": sorted(details, key=lambda one: (one["mspId"], one["message"])),
        }
        if self.answer is not None:
            record["answer"] = {
                key: plain(value) if isinstance(value, str) else value for key, value in self.answer.items()
            }
        return record


def load_vectors() -> dict[str, dict[str, Any]]:
    """The recorded cases by name."""
    found = {}
    for path in sorted(VECTORS.glob("*.json")):
        for record in json.loads(path.read_text(encoding="utf-8")):
            found[record["name"]] = record
    return found


def write_vectors(records: Mapping[str, Mapping[str, Any]]) -> None:
    """Write recorded cases, one file for each group; the cases that are not given stay as they are."""
    everything = {**load_vectors(), **records}
    for group in {name.partition("/")[0] for name in records}:
        chosen = [everything[name] for name in sorted(everything) if name.partition("/")[0] == group]
        text = json.dumps(chosen, indent=2, ensure_ascii=False)
        (VECTORS / f"{group}.json").write_text(text + "\n", encoding="utf-8")
