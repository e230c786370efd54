"""The ledger's database file: how it is opened, how readers share snapshots of it, and how its log is kept short.

A commit is appended to SQLite's write-ahead log and synced there. Now and then the log is copied into the database, and
begins anew; what a reader still reads of it cannot be overwritten.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from chaincode.ledger.state import VersionedValue
from network.embedded.state_view import Place

logger = logging.getLogger(__name__)

BUSY = 30_000  # milliseconds that a connection waits for another program's lock
COPY_AFTER = 1 << 20  # bytes of blocks after which the log is copied
LONG = 2048  # pages of the log, from which on readers are waited for
SHORTEST_WAIT, LONGEST_WAIT = 250, 2000  # milliseconds; the longer the log, the longer
HEADER = 100  # bytes of a database's header
KEPT = 4  # connections that are kept for the next snapshots


class LedgerUnavailable(Exception):
    """The ledger's files cannot be used: a full disk, a read-only one, another format. Nothing was half written.

    Args:
        message: what happened.
        next_step: what to do about it.
    """

    def __init__(self, message: str, next_step: str = "make room on the disk, or look at its permissions") -> None:
        super().__init__(message)
        self.next_step = next_step


DAMAGED = "put a copy back, or remove the network with all its data: certledger network down --purge"
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


@contextmanager
def unavailable() -> Iterator[None]:
    """Let what SQLite says of the ledger's files be LedgerUnavailable."""
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE:
            raise LedgerUnavailable(f"the ledger is damaged: {error}", DAMAGED) from error
        name = f" ({error.sqlite_errorname})" if str(error) == "disk I/O error" else ""  # the text says too little
        raise LedgerUnavailable(f"the ledger cannot be used: {error}{name}") from error


def require_whole(path: Path, companions: Sequence[Path]) -> None:
    """Check that what comes after a database is not there without it: a new ledger would begin.

    Args:
        companions: what is made when the database has content.

    Raises:
        LedgerUnavailable: it is missing, or empty, or shorter than it says.
    """
    log = path.with_name(path.name + "-wal")  # SQLite throws it away when it finds no database
    if path.exists() and path.stat().st_size:
        if not log.exists():
            _require_length(path)
        return
    for found in (log, *companions):
        if found.exists():
            raise LedgerUnavailable(f"the ledger {path} is missing or empty, though {found.name} is there", DAMAGED)


def _require_length(path: Path) -> None:
    """Check a database's length, of which SQLite only notices what it comes upon (its file format, §1.3)."""
    with path.open("rb") as file:
        header = file.read(HEADER)
    size, pages = int.from_bytes(header[16:18]), int.from_bytes(header[28:32])
    if len(header) < HEADER or path.stat().st_size < (65536 if size == 1 else size) * pages:
        raise LedgerUnavailable(f"the ledger is damaged: {path} is shorter than it was", DAMAGED)


def open_writer(path: Path) -> sqlite3.Connection:
    """The connection that writes: what it commits is on the disk when COMMIT returns."""
    connection = _connect(path)
    for setting in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "wal_autocheckpoint = 0",  # `Log` does it, when nobody waits for it
        "secure_delete = ON",  # what is purged is gone from the file
    ):
        connection.execute(f"PRAGMA {setting}")
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that only reads."""
    connection = _connect(path)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout = {BUSY}")
    return connection


@dataclass
class Snapshot:
    """A read transaction.

    Attributes:
        seen: public values and hashes that were read, by their places; None where nothing is.
        users: how many read it.
    """

    connection: sqlite3.Connection
    seen: dict[Place, VersionedValue | None] = field(default_factory=dict)
    users: int = 0


class Snapshots:
    """Read transactions, one for all readers who begin between two blocks: they see the same.

    Args:
        connect: opens another connection.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._idle: list[sqlite3.Connection] = []
        self._newest: Snapshot | None = None
        self._kept = KEPT

    def close(self) -> None:
        """Close the connections; those that are read, when their readers have ended."""
        self._kept = 0
        for connection in self._idle:
            connection.close()

    def renew(self) -> None:
        """Let who begins from now on see what has been committed."""
        self._newest = None

    @contextmanager
    def open(self) -> Iterator[Snapshot]:
        """The database as it was after the last `renew`, or later.

        Raises:
            LedgerUnavailable: it cannot be read.
        """
        snapshot = self._newest or self._begin()
        snapshot.users += 1
        try:
            yield snapshot
        finally:
            snapshot.users -= 1
            if not snapshot.users:
                self._end(snapshot)

    def _begin(self) -> Snapshot:
        with unavailable():
            connection = self._idle.pop() if self._idle else self._connect()
            connection.execute("BEGIN")
            connection.execute("SELECT 1 FROM about").fetchone()  # from here on it sees no later commit
        self._newest = Snapshot(connection)
        return self._newest

    def _end(self, snapshot: Snapshot) -> None:
        # A snapshot that nobody uses would keep the log from beginning anew.
        if self._newest is snapshot:
            self._newest = None
        snapshot.connection.execute("ROLLBACK")
        if len(self._idle) < self._kept:
            self._idle.append(snapshot.connection)
        else:
            snapshot.connection.close()


class Log:
    """The database's write-ahead log, kept short.

    Args:
        writer: the connection that writes; nothing else may use it while the log is shortened.
        snapshots: those that may still read the log.
    """

    def __init__(self, writer: sqlite3.Connection, snapshots: Snapshots) -> None:
        self._writer = writer
        self._snapshots = snapshots
        self._written = 0

    def grew(self, size: int) -> None:
        """Take note of a block of this size."""
        self._written += size

    async def shorten(self) -> None:
        """Copy the log into the database when it has grown; let it begin anew when it is long.

        For that, readers of older states must have ended. They are waited for, a moment each: those who began before
        all is copied, then those who began before the log is needed no more. A transaction that takes longer lets the
        log grow until the next attempt.
        """
        if self._written < COPY_AFTER:
            return
        self._written = 0
        pages = await asyncio.to_thread(self._copy, "PASSIVE", 0)
        if pages < LONG:
            return
        wait = min(SHORTEST_WAIT * pages // LONG, LONGEST_WAIT)
        for mode in ("FULL", "RESTART"):
            if await asyncio.to_thread(self._copy, mode, wait) < 0:
                return
            self._snapshots.renew()

    def _copy(self, mode: str, wait: int) -> int:
        """Copy the log. Returns its pages; -1 when something is in the way."""
        try:
            self._writer.execute(f"PRAGMA busy_timeout = {wait}")
            try:
                busy, pages, _ = self._writer.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
            finally:
                self._writer.execute(f"PRAGMA busy_timeout = {BUSY}")
        except sqlite3.Error as error:
            # What has been committed is safe in the log.
            logger.warning("the ledger's log cannot be copied into the database yet: %s", error)
            return -1
        return -1 if busy else int(pages)
