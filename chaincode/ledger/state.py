"""Committed state as a simulation reads it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, order=True)
class Version:
    """The height at which a key was last written: block number and the transaction's place in the block."""

    block: int
    transaction: int


@dataclass(frozen=True)
class VersionedValue:
    """A key's value, the version that wrote it, and its metadata (serialised, empty without any)."""

    value: bytes
    version: Version
    metadata: bytes = b""


@dataclass(frozen=True)
class KeyModification:
    """One write of a key in its history. The timestamp is the transaction's, in seconds and nanoseconds."""

    tx_id: str
    value: bytes
    seconds: int
    nanos: int
    is_delete: bool


class StateReader(Protocol):
    """Committed state as one organisation's peer sees it: public state and the private data it may hold.

    Ranges are half open, in the byte order of the keys' UTF-8 form; an empty end means no bound.
    """

    def get(self, namespace: str, key: str) -> VersionedValue | None: ...

    def range(self, namespace: str, start: str, end: str) -> Iterator[tuple[str, VersionedValue]]: ...

    def history(self, namespace: str, key: str) -> Iterator[KeyModification]:
        """The key's writes, newest first."""
        ...

    def get_private(self, namespace: str, collection: str, key: str) -> VersionedValue | None: ...

    def private_range(
        self, namespace: str, collection: str, start: str, end: str
    ) -> Iterator[tuple[str, VersionedValue]]: ...

    def get_private_hash(self, namespace: str, collection: str, key_hash: bytes) -> VersionedValue | None:
        """The hash of a private value, with the key's metadata."""
        ...
