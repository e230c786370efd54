"""The ledger's files: one SQLite database, in which a block is one transaction, durable before anyone hears of it.

Public state is kept once, for it is the same at every organisation; private data is each organisation's own. Readers
see the state as it was when they began (WAL snapshots), whatever is committed meanwhile.
"""

import sqlite3
from collections.abc import Hashable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from chaincode.ledger.mvcc import Updates
from chaincode.ledger.state import KeyModification
from network.embedded import private_rows
from network.embedded.database import LedgerUnavailable, Log, Snapshots, open_reader, open_writer, unavailable
from network.embedded.private_rows import Expired, Granted, PrivateSet, PrivateWrite
from network.embedded.state_view import StateView

FORMAT = "3"
ABSENT = 10_000  # ids of transactions that are not looked for again until the next commit

SCHEMA = """
CREATE TABLE about (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
INSERT INTO about VALUES ('format', '3');
CREATE TABLE blocks (number INTEGER PRIMARY KEY, hash BLOB NOT NULL, data BLOB NOT NULL);
CREATE INDEX blocks_by_hash ON blocks (hash);
CREATE TABLE transactions (
    id TEXT PRIMARY KEY, block INTEGER NOT NULL, position INTEGER NOT NULL, code INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE state (
    namespace TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, block INTEGER NOT NULL,
    position INTEGER NOT NULL, metadata BLOB NOT NULL, PRIMARY KEY (namespace, key)
) WITHOUT ROWID;
CREATE TABLE history (
    namespace TEXT NOT NULL, key BLOB NOT NULL, block INTEGER NOT NULL, position INTEGER NOT NULL,
    tx_id TEXT NOT NULL, value BLOB NOT NULL, seconds INTEGER NOT NULL, nanos INTEGER NOT NULL,
    is_delete INTEGER NOT NULL, PRIMARY KEY (namespace, key, block, position)
) WITHOUT ROWID;
"""


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
    expired: Sequence[Expired] = ()
    granted: Sequence[Granted] = ()


class Store:
    """The database.

    Args:
        path: its file; made when it is not there.

    Raises:
        LedgerUnavailable: it cannot be opened, or is of another format.
    """

    def __init__(self, path: Path) -> None:
        with ExitStack() as opened, unavailable():
            self._writer = opened.enter_context(closing(open_writer(path)))
            if not self._writer.execute("SELECT 1 FROM sqlite_master WHERE name = 'about'").fetchone():
                self._writer.executescript(f"BEGIN; {SCHEMA} {private_rows.SCHEMA} COMMIT;")
            (found,) = self._writer.execute("SELECT value FROM about WHERE name = 'format'").fetchone()
            if found != FORMAT:
                raise LedgerUnavailable(
                    f"the ledger in {path} is of format {found}, this program knows {FORMAT}",
                    "use the version of certledger that made it, or another folder",
                )
            self._reader = opened.enter_context(closing(open_reader(path)))
            self._memo: dict[Hashable, object] = {}
            self._absent: set[str] = set()  # ids that no transaction had since the last commit
            opened.pop_all()
        self._snapshots = Snapshots(lambda: open_reader(path))
        self._log = Log(self._writer, self._snapshots)

    def close(self) -> None:
        """Close every connection."""
        self._snapshots.close()
        self._reader.close()
        self._writer.close()

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
        if tx_id in self._absent:
            return None
        row = self._reader.execute("SELECT block, position, code FROM transactions WHERE id = ?", (tx_id,)).fetchone()
        if row is None and len(self._absent) < ABSENT:
            self._absent.add(tx_id)
        return TransactionPlace(*row) if row else None

    def private_sets(self, organisation: str, block: int) -> list[PrivateSet]:
        """The private write sets of a block's transactions that an organisation holds, in the block's order."""
        return private_rows.sets_of(self._reader, organisation, block)

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

    def state(self, organisation: str) -> StateView:
        """The newest state, as this organisation sees it; not a snapshot."""
        return StateView(self._reader, organisation, self._memo)

    def state_between_blocks(self) -> StateView:
        """The newest public state, for use until the next commit: what it has read once it does not read again."""
        return StateView(self._reader, "", self._memo, {})

    @contextmanager
    def snapshot(self, organisation: str) -> Iterator[StateView]:
        """The state as it is now, for as long as the context is open."""
        with self._snapshots.open() as snapshot:
            yield StateView(snapshot.connection, organisation, self._memo, snapshot.seen)

    def commit(self, commit: Commit) -> None:
        """Make a block durable with everything that it changes, or nothing of it. May run in another thread.

        Raises:
            LedgerUnavailable: the disk is full or cannot be written.
        """
        with unavailable():
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                self._write(commit)
                self._writer.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._writer.execute("ROLLBACK")
                raise

    def committed(self, commit: Commit) -> None:
        """Let new snapshots see a block that `commit` has written."""
        self._absent.clear()
        self._snapshots.renew()
        self._log.grew(len(commit.data))

    def forget(self) -> None:
        """Give up what readers made of values that have changed since."""
        self._memo.clear()

    async def shorten_log(self) -> None:
        """Do from time to time, between two commits, what keeps the database's log short."""
        await self._log.shorten()

    def _write(self, commit: Commit) -> None:
        run = self._writer.execute
        many = self._writer.executemany
        number = commit.number
        private_rows.expire(self._writer, commit.expired)
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
            "INSERT OR REPLACE INTO hashed VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (*place, new.value, new.version.block, new.version.transaction, new.metadata)
                for place, new in commit.updates.hashed.items()
                if new is not None
            ],
        )
        many(
            "DELETE FROM hashed WHERE namespace = ? AND collection = ? AND key_hash = ?",
            [place for place, new in commit.updates.hashed.items() if new is None],
        )
        private_rows.purge(self._writer, commit.updates.purged)
        private_rows.write(self._writer, commit.private)
        private_rows.keep_sets(self._writer, number, commit.private_sets)
        private_rows.grant(self._writer, commit.granted)
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
