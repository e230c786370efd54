"""The state that a channel's blocks make, kept by the auditor: in a file that a later audit goes on from, or for once.

It is made of blocks alone; no peer's word is in it.
"""

import sqlite3
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from chaincode.ledger.mvcc import Updates
from chaincode.ledger.state import KeyModification, Version, VersionedValue
from node_client.errors import AuditError

FORMAT = 1
SCHEMA = """
BEGIN;
CREATE TABLE state (
    namespace TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, block INTEGER NOT NULL,
    position INTEGER NOT NULL, metadata BLOB NOT NULL, PRIMARY KEY (namespace, key)
) WITHOUT ROWID;
CREATE TABLE hashed (
    namespace TEXT NOT NULL, collection TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, block INTEGER NOT NULL,
    position INTEGER NOT NULL, metadata BLOB NOT NULL, PRIMARY KEY (namespace, collection, key)
) WITHOUT ROWID;
CREATE TABLE transactions (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE place (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
PRAGMA user_version = 1;
COMMIT;
"""


@dataclass(frozen=True)
class Place:
    """How far an audit has come.

    Attributes:
        first_block: the ledger's id.
        block: the last block, encoded.
        config: the block of the configuration in force, encoded.
        commit_hash: the hash over all changes so far.
        kept: what has been counted and found so far, as JSON.
    """

    first_block: str
    block: bytes
    config: bytes
    commit_hash: bytes
    kept: bytes = b"{}"


class AuditState:
    """Committed state, a `StateReader`; private values are not in blocks, and history is not needed.

    Args:
        path: the file; made when it is not there. None for a state that is gone with this object.

    Raises:
        AuditError: the file cannot be used, or is none.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.memo: dict[Hashable, object] = {}
        self._path = path
        with self._usable():
            self._connection = sqlite3.connect(path or "", isolation_level=None)
            self._connection.execute("PRAGMA journal_mode = WAL" if path else "PRAGMA journal_mode = OFF")
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            if not version:
                self._connection.executescript(SCHEMA)
                (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version != FORMAT:
            self._connection.close()
            raise AuditError(f"{path} is no audit's checkpoint of this version", "name another file, or remove it")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    @property
    def place(self) -> Place | None:
        """How far the audit has come; None at the beginning."""
        with self._usable():
            found = dict(self._connection.execute("SELECT name, value FROM place").fetchall())
        return Place(**found) if found else None

    def get(self, namespace: str, key: str) -> VersionedValue | None:
        row = self._connection.execute(
            "SELECT value, block, position, metadata FROM state WHERE namespace = ? AND key = ?",
            (namespace, key.encode()),
        ).fetchone()
        return VersionedValue(row[0], Version(row[1], row[2]), row[3]) if row else None

    def range(self, namespace: str, start: str, end: str) -> Iterator[tuple[str, VersionedValue]]:
        query = "SELECT key, value, block, position, metadata FROM state WHERE namespace = ? AND key >= ?"
        bounds: tuple[str | bytes, ...] = (namespace, start.encode())
        if end:
            query, bounds = f"{query} AND key < ?", (*bounds, end.encode())
        for key, value, block, position, metadata in self._connection.execute(f"{query} ORDER BY key", bounds):
            yield key.decode(), VersionedValue(value, Version(block, position), metadata)

    def history(self, namespace: str, key: str) -> Iterator[KeyModification]:
        raise NotImplementedError("an audit's state has no history")

    def get_private(self, namespace: str, collection: str, key: str) -> VersionedValue | None:
        return None

    def private_range(
        self, namespace: str, collection: str, start: str, end: str
    ) -> Iterator[tuple[str, VersionedValue]]:
        return iter(())

    def get_private_hash(self, namespace: str, collection: str, key_hash: bytes) -> VersionedValue | None:
        row = self._connection.execute(
            "SELECT value, block, position, metadata FROM hashed WHERE namespace = ? AND collection = ? AND key = ?",
            (namespace, collection, key_hash),
        ).fetchone()
        return VersionedValue(row[0], Version(row[1], row[2]), row[3]) if row else None

    def has_transaction(self, transaction_id: str) -> bool:
        """Whether a transaction of this id is in a block so far."""
        found = self._connection.execute("SELECT 1 FROM transactions WHERE id = ?", (transaction_id,))
        return found.fetchone() is not None

    @contextmanager
    def change(self) -> Iterator[None]:
        """Blocks taken inside are kept together, or not at all."""
        with self._usable():
            self._connection.execute("BEGIN")
            try:
                yield
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                self.memo.clear()
                raise
            self._connection.execute("COMMIT")

    def apply(self, updates: Updates, transaction_ids: Iterable[str], expired: Iterable[tuple[str, str, int]]) -> None:
        """Make a block's changes.

        Args:
            expired: chaincode, collection and the last block whose private values are gone now.
        """
        execute, many = self._connection.execute, self._connection.executemany
        many("DELETE FROM hashed WHERE namespace = ? AND collection = ? AND block <= ?", expired)
        for place, value in updates.public.items():
            key = (place[0], place[1].encode())
            if value is None:
                execute("DELETE FROM state WHERE namespace = ? AND key = ?", key)
            else:
                execute("REPLACE INTO state VALUES (?, ?, ?, ?, ?, ?)", (*key, *_columns(value)))
        for hashed, value in updates.hashed.items():
            if value is None:
                execute("DELETE FROM hashed WHERE namespace = ? AND collection = ? AND key = ?", hashed)
            else:
                execute("REPLACE INTO hashed VALUES (?, ?, ?, ?, ?, ?, ?)", (*hashed, *_columns(value)))
        many("INSERT OR IGNORE INTO transactions VALUES (?)", ((one,) for one in transaction_ids))

    def keep(self, place: Place) -> None:
        """Keep how far the audit has come."""
        self._connection.executemany("REPLACE INTO place VALUES (?, ?)", vars(place).items())

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise AuditError(
                f"the audit's state {self._path or ''} cannot be used: {error}", "name another file, or make room"
            ) from error


def _columns(value: VersionedValue) -> tuple[bytes, int, int, bytes]:
    return value.value, value.version.block, value.version.transaction, value.metadata
