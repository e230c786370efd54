"""Committed state in memory, for tests of contracts and of these rules."""

from collections.abc import Iterator

from chaincode.ledger.mvcc import Updates
from chaincode.ledger.state import KeyModification, VersionedValue


class MemoryState:
    """A `StateReader` that holds everything in memory, private values included."""

    def __init__(self) -> None:
        self._public: dict[str, dict[str, VersionedValue]] = {}
        self._hashed: dict[tuple[str, str, bytes], VersionedValue] = {}
        self._private: dict[tuple[str, str, str], VersionedValue] = {}
        self._history: dict[tuple[str, str], list[KeyModification]] = {}

    def get(self, namespace: str, key: str) -> VersionedValue | None:
        return self._public.get(namespace, {}).get(key)

    def range(self, namespace: str, start: str, end: str) -> Iterator[tuple[str, VersionedValue]]:
        rows = self._public.get(namespace, {})
        for key in sorted(rows, key=str.encode):
            # Code points and UTF-8 bytes order alike.
            if key >= start and (not end or key < end):
                yield key, rows[key]

    def history(self, namespace: str, key: str) -> Iterator[KeyModification]:
        yield from reversed(self._history.get((namespace, key), []))

    def get_private(self, namespace: str, collection: str, key: str) -> VersionedValue | None:
        return self._private.get((namespace, collection, key))

    def private_range(
        self, namespace: str, collection: str, start: str, end: str
    ) -> Iterator[tuple[str, VersionedValue]]:
        for place in sorted(self._private, key=lambda place: place[2].encode()):
            if place[:2] == (namespace, collection) and place[2] >= start and (not end or place[2] < end):
                yield place[2], self._private[place]

    def get_private_hash(self, namespace: str, collection: str, key_hash: bytes) -> VersionedValue | None:
        return self._hashed.get((namespace, collection, key_hash))

    def apply(self, updates: Updates) -> None:
        """Make a block's changes."""
        for (namespace, key), value in updates.public.items():
            rows = self._public.setdefault(namespace, {})
            if value is None:
                rows.pop(key, None)
            else:
                rows[key] = value
        for hashed_key, value in updates.hashed.items():
            if value is None:
                self._hashed.pop(hashed_key, None)
            else:
                self._hashed[hashed_key] = value

    def put_private(self, namespace: str, collection: str, key: str, value: VersionedValue | None) -> None:
        """Make one private change."""
        if value is None:
            self._private.pop((namespace, collection, key), None)
        else:
            self._private[namespace, collection, key] = value

    def add_history(self, namespace: str, key: str, modification: KeyModification) -> None:
        """Remember one write of a key."""
        self._history.setdefault((namespace, key), []).append(modification)
