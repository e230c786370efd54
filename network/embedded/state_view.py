"""Committed state as one organisation sees it, over one connection to the ledger's database."""

import sqlite3
from collections.abc import Hashable, Iterator

from chaincode.ledger.state import KeyModification, Version, VersionedValue

SEEN = 1000  # keys of one snapshot that are not read again
SMALL = 4096  # bytes of a value that is kept for that

Place = tuple[str | bytes, ...]  # namespace and key, or namespace, collection and the key's hash


class StateView:
    """A `chaincode.ledger.state.StateReader`.

    Args:
        connection: reads the database as it was when its transaction began, or as it is when it has none.
        organisation: whose private data it gives, by MSP id; no one else's.
        memo: where readers keep what they made of values, by the versions of these; shared by all views of a ledger.
        seen: public values and hashes that were read of a state that does not change meanwhile, whoever read them; None
            where it may, so that everything is read anew.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        organisation: str,
        memo: dict[Hashable, object] | None = None,
        seen: dict[Place, VersionedValue | None] | None = None,
    ) -> None:
        self._connection = connection
        self._organisation = organisation
        self.memo: dict[Hashable, object] = {} if memo is None else memo
        self._seen = seen

    def get(self, namespace: str, key: str) -> VersionedValue | None:
        return self._public(
            "SELECT value, block, position, metadata FROM state WHERE namespace = ? AND key = ?",
            (namespace, key.encode()),
        )

    def range(self, namespace: str, start: str, end: str) -> Iterator[tuple[str, VersionedValue]]:
        return self._range(
            "SELECT key, value, block, position, metadata FROM state WHERE namespace = ?", [namespace], start, end
        )

    def history(self, namespace: str, key: str) -> Iterator[KeyModification]:
        rows = self._connection.execute(
            "SELECT tx_id, value, seconds, nanos, is_delete FROM history WHERE namespace = ? AND key = ?"
            " ORDER BY block DESC, position DESC",
            (namespace, key.encode()),
        )
        for tx_id, value, seconds, nanos, is_delete in rows:
            yield KeyModification(tx_id, value, seconds, nanos, bool(is_delete))

    def get_private(self, namespace: str, collection: str, key: str) -> VersionedValue | None:
        row = self._connection.execute(
            "SELECT value, block, position, x'' FROM private"
            " WHERE organisation = ? AND namespace = ? AND collection = ? AND key = ?",
            (self._organisation, namespace, collection, key.encode()),
        ).fetchone()
        return _value(row)

    def private_range(
        self, namespace: str, collection: str, start: str, end: str
    ) -> Iterator[tuple[str, VersionedValue]]:
        query = (
            "SELECT key, value, block, position, x'' FROM private"
            " WHERE organisation = ? AND namespace = ? AND collection = ?"
        )
        return self._range(query, [self._organisation, namespace, collection], start, end)

    def get_private_hash(self, namespace: str, collection: str, key_hash: bytes) -> VersionedValue | None:
        return self._public(
            "SELECT value_hash, block, position, metadata FROM hashed"
            " WHERE namespace = ? AND collection = ? AND key_hash = ?",
            (namespace, collection, key_hash),
        )

    def _public(self, query: str, place: Place) -> VersionedValue | None:
        """What is at a place that all organisations see."""
        if self._seen is not None and place in self._seen:
            return self._seen[place]
        found = _value(self._connection.execute(query, place).fetchone())
        is_small = found is None or len(found.value) + len(found.metadata) <= SMALL
        if self._seen is not None and is_small and len(self._seen) < SEEN:
            self._seen[place] = found
        return found

    def _range(
        self, query: str, values: list[str | bytes], start: str, end: str
    ) -> Iterator[tuple[str, VersionedValue]]:
        query, values = query + " AND key >= ?", [*values, start.encode()]
        if end:
            query, values = query + " AND key < ?", [*values, end.encode()]
        for key, *rest in self._connection.execute(query + " ORDER BY key", values):
            yield key.decode(), VersionedValue(rest[0], Version(rest[1], rest[2]), rest[3])


def _value(row: tuple[bytes, int, int, bytes] | None) -> VersionedValue | None:
    return VersionedValue(row[0], Version(row[1], row[2]), row[3]) if row else None
