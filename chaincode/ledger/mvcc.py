"""Whether what a transaction read still holds, and what a block changes.

Source: `core/ledger/kvledger/txmgmt/validation`. Transactions are judged in their order in the block; the writes of a
valid one are seen by those after it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from chaincode.ledger import merkle_summary, read_write_set
from chaincode.ledger.read_write_set import NamespaceSet, RangeQuery
from chaincode.ledger.state import StateReader, Version, VersionedValue


class Conflict(Enum):
    """Why a transaction's reads no longer hold."""

    MVCC_READ_CONFLICT = "MVCC_READ_CONFLICT"
    PHANTOM_READ_CONFLICT = "PHANTOM_READ_CONFLICT"


@dataclass
class Updates:
    """What a block changes: per key the new value, or None for a deletion, with the version of the writer.

    Attributes:
        public: by namespace and key; `metadata` of a value is the key's serialised metadata after the block.
        hashed: by namespace, collection and key hash; the value is the value's hash, the metadata the private key's.
        deleted_public, deleted_hashed: the versions of the deletions.
        purged: the private keys whose past values go too, with the version of the purge.
    """

    public: dict[tuple[str, str], VersionedValue | None] = field(default_factory=dict)
    hashed: dict[tuple[str, str, bytes], VersionedValue | None] = field(default_factory=dict)
    deleted_public: dict[tuple[str, str], Version] = field(default_factory=dict)
    deleted_hashed: dict[tuple[str, str, bytes], Version] = field(default_factory=dict)
    purged: dict[tuple[str, str, bytes], Version] = field(default_factory=dict)


class BlockValidator:
    """Judges a block's transactions one after the other.

    Args:
        state: the state that all blocks before this one made.
        block: the block's number.
    """

    def __init__(self, state: StateReader, block: int) -> None:
        self._state = state
        self._block = block
        self.updates = Updates()

    def validate(self, transaction: int, sets: Mapping[str, NamespaceSet]) -> Conflict | None:
        """Judge the transaction at this place of the block; without a conflict its writes join the updates.

        Returns:
            The conflict, or None when the transaction is valid.
        """
        for namespace, part in sets.items():
            for key, version in part.reads.items():
                if self._version(namespace, key) != version or (namespace, key) in self.updates.public:
                    return Conflict.MVCC_READ_CONFLICT
            for query in part.range_queries:
                if not self._holds(namespace, query):
                    return Conflict.PHANTOM_READ_CONFLICT
            for name, collection in part.collections.items():
                for digest, version in collection.reads.items():
                    known = self._state.get_private_hash(namespace, name, digest)
                    changed = (namespace, name, digest) in self.updates.hashed
                    if changed or (known.version if known else None) != version:
                        return Conflict.MVCC_READ_CONFLICT
        self._apply(transaction, sets)
        return None

    def _version(self, namespace: str, key: str) -> Version | None:
        found = self._state.get(namespace, key)
        return found.version if found else None

    def _holds(self, namespace: str, query: RangeQuery) -> bool:
        rows = self._rows(namespace, query)
        if query.merkle:
            now = merkle_summary.summarise(rows, query.merkle.max_degree)
            return now == query.merkle
        return list(rows) == list(query.reads)

    def _rows(self, namespace: str, query: RangeQuery) -> Iterator[tuple[str, Version]]:
        """The range as it is now, the block's earlier writes included. An unfinished range includes its end."""
        end = query.end if query.exhausted else query.end + "\0"
        changed = sorted(
            (
                key
                for space, key in self.updates.public
                if space == namespace and query.start <= key and (not end or key < end)
            ),
            key=str.encode,
        )
        if not changed:
            for key, found in self._state.range(namespace, query.start, end):
                yield key, found.version
            return
        rows = {key: found.version for key, found in self._state.range(namespace, query.start, end)}
        for key in changed:
            value = self.updates.public[namespace, key]
            if value is None:
                rows.pop(key, None)
            else:
                rows[key] = value.version
        yield from ((key, rows[key]) for key in sorted(rows, key=str.encode))

    def _apply(self, transaction: int, sets: Mapping[str, NamespaceSet]) -> None:
        """Source: `txmgmt/validation/tx_ops.go`: what a transaction leaves out of value and metadata stays."""
        version = Version(self._block, transaction)
        for namespace, part in sets.items():
            for key, write in part.writes.items():
                self._put((namespace, key), None if write.is_delete else write.value, version)
            for key, entries in part.metadata_writes.items():
                self._put_metadata((namespace, key), read_write_set.encode_metadata(entries), version)
            for name, collection in part.collections.items():
                for digest, hashed in collection.writes.items():
                    place = (namespace, name, digest)
                    self._put_hash(place, None if hashed.is_delete else hashed.value_hash, version)
                    if hashed.is_purge:
                        self.updates.purged[place] = version
                for digest, entries in collection.metadata_writes.items():
                    self._put_hash_metadata((namespace, name, digest), read_write_set.encode_metadata(entries), version)

    def _put(self, place: tuple[str, str], value: bytes | None, version: Version) -> None:
        if value is None:
            self.updates.public[place] = None
            self.updates.deleted_public[place] = version
            return
        old = self._current(place)
        self.updates.public[place] = VersionedValue(value, version, old.metadata if old else b"")

    def _put_metadata(self, place: tuple[str, str], metadata: bytes, version: Version) -> None:
        # Metadata of an absent key is dropped.
        if old := self._current(place):
            self.updates.public[place] = VersionedValue(old.value, version, metadata)

    def _put_hash(self, place: tuple[str, str, bytes], value_hash: bytes | None, version: Version) -> None:
        if value_hash is None:
            self.updates.hashed[place] = None
            self.updates.deleted_hashed[place] = version
            return
        old = self._current_hash(place)
        self.updates.hashed[place] = VersionedValue(value_hash, version, old.metadata if old else b"")

    def _put_hash_metadata(self, place: tuple[str, str, bytes], metadata: bytes, version: Version) -> None:
        if old := self._current_hash(place):
            self.updates.hashed[place] = VersionedValue(old.value, version, metadata)

    def _current(self, place: tuple[str, str]) -> VersionedValue | None:
        return self.updates.public[place] if place in self.updates.public else self._state.get(*place)

    def _current_hash(self, place: tuple[str, str, bytes]) -> VersionedValue | None:
        return self.updates.hashed[place] if place in self.updates.hashed else self._state.get_private_hash(*place)
