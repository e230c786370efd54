"""Values that the lifecycle spreads over keys, one for each field and one that says what they are.

What is read and what is written is exactly what Fabric reads and writes, since endorsers must come to the same: a
field that stays as it is is not written again. Source: Fabric's `core/chaincode/lifecycle/serializer.go`.
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Protocol

from fabric_protos.peer.lifecycle import db_pb2
from google.protobuf.message import DecodeError

from chaincode.ledger.simulator import Simulator
from network.embedded.system import Refused
from network.embedded.unpacking import UNREADABLE
from node_client.protocol import definitions
from node_client.protocol.definitions import LIFECYCLE, field_key, metadata_key

END_OF_RANGE = "\x7f"


class Place(Protocol):
    """Where values are kept."""

    def get(self, key: str) -> bytes | None: ...

    def put(self, key: str, value: bytes) -> None: ...

    def range(self, start: str, end: str) -> Iterator[tuple[str, bytes]]: ...


class PublicPlace:
    """The lifecycle's own keys, which everyone reads."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def get(self, key: str) -> bytes | None:
        return self._simulator.get(LIFECYCLE, key)

    def put(self, key: str, value: bytes) -> None:
        self._simulator.put(LIFECYCLE, key, value)

    def range(self, start: str, end: str) -> Iterator[tuple[str, bytes]]:
        return iter(self._simulator.range(LIFECYCLE, start, end))


class PrivatePlace:
    """An organisation's implicit collection, of which everyone else sees the hashes."""

    def __init__(self, simulator: Simulator, msp_id: str) -> None:
        self._simulator = simulator
        self._collection = definitions.implicit_collection(msp_id)

    def get(self, key: str) -> bytes | None:
        return self._simulator.get_private(LIFECYCLE, self._collection, key)

    def put(self, key: str, value: bytes) -> None:
        self._simulator.put_private(LIFECYCLE, self._collection, key, value)

    def range(self, start: str, end: str) -> Iterator[tuple[str, bytes]]:
        return self._simulator.private_range(LIFECYCLE, self._collection, start, end)

    def differences(self, space: str, name: str, kind: str, fields: Mapping[str, bytes]) -> list[str]:
        """In which fields the value differs from this one, judged by the hashes (`IsSerialized`).

        The kind's own name stands for a value that is not there or is of another kind.
        """
        keys = [metadata_key(space, name), *(field_key(space, name, field) for field in fields)]
        values = [definitions.metadata(kind, list(fields)), *fields.values()]
        hashes = [self._simulator.get_private_hash(LIFECYCLE, self._collection, key) for key in keys]
        differs = [found != sha256(value).digest() for found, value in zip(hashes, values, strict=True)]
        if differs[0]:
            return [kind]
        return [field for field, differs_here in zip(fields, differs[1:], strict=True) if differs_here]


def described(place: Place, space: str, name: str) -> db_pb2.StateMetadata | None:
    """What a value is, or None when it is not there (`DeserializeMetadata`)."""
    found = place.get(metadata_key(space, name))
    if found is None:
        return None
    try:
        return db_pb2.StateMetadata.FromString(found)
    except DecodeError as error:
        raise Refused(f"could not unmarshal metadata for namespace {space}/{name}: {UNREADABLE}") from error


def write(place: Place, space: str, name: str, kind: str, fields: Mapping[str, bytes]) -> None:
    """Write a value, as far as it differs from what is there (`Serialize`).

    Args:
        fields: every field, serialised, in the kind's order.
    """
    metadata = described(place, space, name) or db_pb2.StateMetadata()
    existing = {field: place.get(field_key(space, name, field)) for field in metadata.fields}
    for field, value in fields.items():
        if existing.pop(field, None) != value:
            place.put(field_key(space, name, field), value)
    if existing or metadata.datatype != kind or len(metadata.fields) != len(fields):
        place.put(metadata_key(space, name), definitions.metadata(kind, list(fields)))
    for field in existing:
        place.put(field_key(space, name, field), b"")


def names(place: Place, space: str) -> dict[str, db_pb2.StateMetadata]:
    """Every value's name, and what it is (`DeserializeAllMetadata`)."""
    prefix = metadata_key(space, "")
    found = {}
    for key, value in place.range(prefix, prefix + END_OF_RANGE):
        found[key.removeprefix(prefix)] = db_pb2.StateMetadata.FromString(value)
    return found
