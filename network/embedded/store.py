"""The ledger's files: one SQLite database, in which a block is one transaction, durable before anyone hears of it.

Public state is kept once, for it is the same at every organisation; private data is each organisation's own. Readers
see the state as it was when they began (WAL snapshots), whatever is committed meanwhile.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from chaincode.ledger.mvcc import Updates
from chaincode.ledger.state import KeyModification, Version, VersionedValue

FORMAT = "2"

SCHEMA = """
BEGIN;
CREATE TABLE about (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
INSERT INTO about VALUES ('format', '2');
CREATE TABLE blocks (number INTEGER PRIMARY KEY, hash BLOB NOT NULL, data BLOB NOT NULL);
CREATE INDEX blocks_by_hash ON blocks (hash);
CREATE TABLE transactions (
    id TEXT PRIMARY KEY, block INTEGER NOT NULL, position INTEGER NOT NULL, code INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE state (
    namespace TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, block INTEGER NOT NULL,
    position INTEGER NOT NULL, metadata BLOB NOT NULL, PRIMARY KEY (namespace, key)
) WITHOUT ROWID;
CREATE TABLE hashed (
    namespace TEXT NOT NULL, collection TEXT NOT NULL, key_hash BLOB NOT NULL, value_hash BLOB NOT NULL,
    block INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (namespace, collection, key_hash)
) WITHOUT ROWID;
CREATE TABLE private (
    organisation TEXT NOT NULL, namespace TEXT NOT NULL, collection TEXT NOT NULL, key BLOB NOT NULL,
    value BLOB NOT NULL, block INTEGER NOT NULL, position INTEGER NOT NULL,
    PRIMARY KEY (organisation, namespace, collection, key)
) WITHOUT ROWID;
CREATE TABLE private_sets (
    block INTEGER NOT NULL, organisation TEXT NOT NULL, position INTEGER NOT NULL, namespace TEXT NOT NULL,
    collection TEXT NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (block, organisation, position, namespace, collection)
) WITHOUT ROWID;
CREATE TABLE history (
    namespace TEXT NOT NULL, key BLOB NOT NULL, block INTEGER NOT NULL, position INTEGER NOT NULL,
    tx_id TEXT NOT NULL, value BLOB NOT NULL, seconds INTEGER NOT NULL, nanos INTEGER NOT NULL,
    is_delete INTEGER NOT NULL, PRIMARY KEY (namespace, key, block, position)
) WITHOUT ROWID;
COMMIT;
"""


class LedgerUnavailable(Exception):
    """The ledger's files cannot be used: a full disk, a read-only one, another format. Nothing was half written."""


@dataclass(frozen=True)
class TransactionPlace:
    """Where a transaction stands, and how it was judged."""

    block: int
    position: int
    code: int


@dataclass(frozen=True)
class HistoryEntry:
    """One write of a key by a valid transaction."""

    namespace: str
    key: str
    position: int
    change: KeyModification


@dataclass(frozen=True)
class PrivateWrite:
    """One private write at one organisation; None deletes."""

    organisation: str
    namespace: str
    collection: str
    key: str
    value: bytes | None
    version: Version


@dataclass(frozen=True)
class PrivateSet:
    """One transaction's private write set of a collection, as one organisation holds it: a `KVRWSet`."""

    organisation: str
    position: int
    namespace: str
    collection: str
    data: bytes


@dataclass(frozen=True)
class Commit:
    """Everything that a block changes."""

    number: int
    hash: bytes
    data: bytes
    transactions: Sequence[tuple[str, int, int]]  # id, position, code
    updates: Updates
    history: Sequence[HistoryEntry]
    private: Sequence[PrivateWrite]
    private_sets: Sequence[PrivateSet]
    commit_hash: bytes


class Store:
    """The database.

    Args:
        path: its file; made when it is not there.

    Raises:
        LedgerUnavailable: it cannot be opened, or is of another format.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: list[sqlite3.Connection] = []
        with _unavailable():
            self._writer = self._connect()
            self._reader = self._connect()
            if not self._reader.execute("SELECT 1 FROM sqlite_master WHERE name = 'about'").fetchone():
                self._writer.executescript(SCHEMA)
            (found,) = self._reader.execute("SELECT value FROM about WHERE name = 'format'").fetchone()
        if found != FORMAT:
            raise LedgerUnavailable(f"the ledger in {path} is of format {found}, this program knows {FORMAT}")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=30)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    def close(self) -> None:
        """Close every connection."""
        for connection in (*self._idle, self._reader, self._writer):
            connection.close()

    @property
    def height(self) -> int:
        """The number of blocks."""
        (number,) = self._reader.execute("SELECT max(number) FROM blocks").fetchone()
        return 0 if number is None else int(number) + 1

    def block(self, number: int) -> bytes | None:
        """A block by its number."""
        row = self._reader.execute("SELECT data FROM blocks WHERE number = ?", (number,)).fetchone()
        return row[0] if row else None

    def block_hash(self, number: int) -> bytes:
        """A block's hash."""
        row = self._reader.execute("SELECT hash FROM blocks WHERE number = ?", (number,)).fetchone()
        return bytes(row[0]) if row else b""

    def block_number(self, block_hash: bytes) -> int | None:
        """The number of the block with this hash."""
        row = self._reader.execute("SELECT number FROM blocks WHERE hash = ?", (block_hash,)).fetchone()
        return int(row[0]) if row else None

    def transaction(self, tx_id: str) -> TransactionPlace | None:
        """Where the transaction with this id stands: the first one, where an id came twice."""
        row = self._reader.execute("SELECT block, position, code FROM transactions WHERE id = ?", (tx_id,)).fetchone()
        return TransactionPlace(*row) if row else None

    def private_sets(self, organisation: str, block: int) -> list[PrivateSet]:
        """The private write sets of a block's transactions that an organisation holds, in the block's order."""
        rows = self._reader.execute(
            "SELECT organisation, position, namespace, collection, data FROM private_sets"
            " WHERE block = ? AND organisation = ? ORDER BY position, namespace, collection",
            (block, organisation),
        )
        return [PrivateSet(*row) for row in rows]

    def values_before(self, namespace: str, key: str, block: int) -> Iterator[bytes]:
        """The values that a key was given before a block, the last one first."""
        rows = self._reader.execute(
            "SELECT value FROM history WHERE namespace = ? AND key = ? AND block < ? AND NOT is_delete"
            " ORDER BY block DESC, position DESC",
            (namespace, key.encode(), block),
        )
        for (value,) in rows:
            yield value

    @property
    def commit_hash(self) -> bytes:
        """The last block's commit hash."""
        row = self._reader.execute("SELECT value FROM about WHERE name = 'commit hash'").fetchone()
        return bytes(row[0]) if row else b""

    def state(self, organisation: str) -> "StateView":
        """The newest state, as this organisation sees it; not a snapshot."""
        return StateView(self._reader, organisation)

    @contextmanager
    def snapshot(self, organisation: str) -> Iterator["StateView"]:
        """The state as it is now, for as long as the context is open."""
        with _unavailable():
            connection = self._idle.pop() if self._idle else self._connect()
            connection.execute("BEGIN")
            connection.execute("SELECT 1 FROM about").fetchone()
        try:
            yield StateView(connection, organisation)
        finally:
            connection.execute("ROLLBACK")
            self._idle.append(connection)

    def commit(self, commit: Commit) -> None:
        """Make a block durable with everything that it changes, or nothing of it. May run in another thread.

        Raises:
            LedgerUnavailable: the disk is full or cannot be written.
        """
        with _unavailable():
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                self._write(commit)
                self._writer.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._writer.execute("ROLLBACK")
                raise

    def _write(self, commit: Commit) -> None:
        run = self._writer.execute
        many = self._writer.executemany
        number = commit.number
        run("INSERT INTO blocks VALUES (?, ?, ?)", (number, commit.hash, commit.data))
        run("INSERT OR REPLACE INTO about VALUES ('commit hash', ?)", (commit.commit_hash,))
        many(
            "INSERT OR IGNORE INTO transactions VALUES (?, ?, ?, ?)",
            [(tx_id, number, position, code) for tx_id, position, code in commit.transactions],
        )
        many(
            "INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?, ?, ?)",
            [
                (space, key.encode(), new.value, new.version.block, new.version.transaction, new.metadata)
                for (space, key), new in commit.updates.public.items()
                if new is not None
            ],
        )
        many(
            "DELETE FROM state WHERE namespace = ? AND key = ?",
            [(space, key.encode()) for (space, key), new in commit.updates.public.items() if new is None],
        )
        many(
            "INSERT OR REPLACE INTO hashed VALUES (?, ?, ?, ?, ?, ?)",
            [
                (*place, new.value, new.version.block, new.version.transaction)
                for place, new in commit.updates.hashed.items()
                if new is not None
            ],
        )
        many(
            "DELETE FROM hashed WHERE namespace = ? AND collection = ? AND key_hash = ?",
            [place for place, new in commit.updates.hashed.items() if new is None],
        )
        for write in commit.private:
            place = (write.organisation, write.namespace, write.collection, write.key.encode())
            if write.value is None:
                run(
                    "DELETE FROM private WHERE organisation = ? AND namespace = ? AND collection = ? AND key = ?",
                    place,
                )
            else:
                row = (*place, write.value, write.version.block, write.version.transaction)
                run("INSERT OR REPLACE INTO private VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        many(
            "INSERT INTO private_sets VALUES (?, ?, ?, ?, ?, ?)",
            [
                (number, one.organisation, one.position, one.namespace, one.collection, one.data)
                for one in commit.private_sets
            ],
        )
        many(
            "INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    entry.namespace,
                    entry.key.encode(),
                    number,
                    entry.position,
                    entry.change.tx_id,
                    entry.change.value,
                    entry.change.seconds,
                    entry.change.nanos,
                    entry.change.is_delete,
                )
                for entry in commit.history
            ],
        )


class StateView:
    """Committed state over one connection: a `chaincode.ledger.state.StateReader`."""

    def __init__(self, connection: sqlite3.Connection, organisation: str) -> None:
        self._connection = connection
        self._organisation = organisation

    def get(self, namespace: str, key: str) -> VersionedValue | None:
        row = self._connection.execute(
            "SELECT value, block, position, metadata FROM state WHERE namespace = ? AND key = ?",
            (namespace, key.encode()),
        ).fetchone()
        return VersionedValue(row[0], Version(row[1], row[2]), row[3]) if row else None

    def range(self, namespace: str, start: str, end: str) -> Iterator[tuple[str, VersionedValue]]:
        query = "SELECT key, value, block, position, metadata FROM state WHERE namespace = ? AND key >= ?"
        values: list[object] = [namespace, start.encode()]
        if end:
            query += " AND key < ?"
            values.append(end.encode())
        for row in self._connection.execute(query + " ORDER BY key", values):
            yield row[0].decode(), VersionedValue(row[1], Version(row[2], row[3]), row[4])

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
            "SELECT value, block, position FROM private"
            " WHERE organisation = ? AND namespace = ? AND collection = ? AND key = ?",
            (self._organisation, namespace, collection, key.encode()),
        ).fetchone()
        return VersionedValue(row[0], Version(row[1], row[2])) if row else None

    def get_private_hash(self, namespace: str, collection: str, key_hash: bytes) -> VersionedValue | None:
        row = self._connection.execute(
            "SELECT value_hash, block, position FROM hashed WHERE namespace = ? AND collection = ? AND key_hash = ?",
            (namespace, collection, key_hash),
        ).fetchone()
        return VersionedValue(row[0], Version(row[1], row[2])) if row else None


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise LedgerUnavailable(f"the ledger cannot be used: {error}") from error
