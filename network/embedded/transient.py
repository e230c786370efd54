"""Private data between endorsement and commit: what endorsers simulated, until its transaction is in a block.

Every organisation's peer has a store of its own, durable before an endorsement is given: a transaction may be submitted
long after, and nobody could recover what was private in it. Source: Fabric's `core/transientstore/store.go`.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

from node_client.durable import make_folder

RETENTION = 20_000  # blocks after which what was never committed goes, `transientstoreMaxBlockRetention`

PrivateSets = Mapping[tuple[str, str], bytes]  # the serialised KVRWSet by namespace and collection
Row = tuple[str, str, str, bytes, int, bytes]

SCHEMA = """
CREATE TABLE IF NOT EXISTS sets (
    tx_id TEXT NOT NULL, namespace TEXT NOT NULL, collection TEXT NOT NULL, digest BLOB NOT NULL,
    height INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (tx_id, namespace, collection, digest)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sets_by_height ON sets (height);
"""


class TransientStore:
    """Private write sets at one organisation, by transaction id.

    Args:
        path: its database; made when it is not there.

    Raises:
        sqlite3.Error: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        make_folder(path.parent)
        path.touch(mode=0o600)
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
        for setting in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
            self._connection.execute(f"PRAGMA {setting}")
        self._connection.executescript(SCHEMA)
        self._lock = threading.Lock()
        self._turn = asyncio.Lock()
        self._rows: list[Row] = []
        self._next: asyncio.Task[None] | None = None

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    async def put(self, tx_id: str, sets: PrivateSets, height: int) -> None:
        """Keep what a simulation of this transaction would write; durable when this returns.

        Calls that come together are made durable together.

        Args:
            height: the ledger's height.

        Raises:
            sqlite3.Error: it could not be written.
        """
        self._rows += [
            (tx_id, namespace, collection, sha256(data).digest(), height, data)
            for (namespace, collection), data in sets.items()
        ]
        if self._next is None:
            self._next = asyncio.create_task(self._flush())
        # Who gives up waiting takes nothing from the others.
        await asyncio.shield(self._next)

    async def _flush(self) -> None:
        async with self._turn:
            rows, self._rows, self._next = self._rows, [], None
            await asyncio.to_thread(self._write, rows)

    def _write(self, rows: list[Row]) -> None:
        with self._lock, self._connection:
            self._connection.execute("BEGIN")
            self._connection.executemany("INSERT OR REPLACE INTO sets VALUES (?, ?, ?, ?, ?, ?)", rows)

    def find(self, tx_id: str, namespace: str, collection: str, digest: bytes) -> bytes | None:
        """The private set with this hash, of this transaction."""
        with self._lock:
            row = self._connection.execute(
                "SELECT data FROM sets WHERE tx_id = ? AND namespace = ? AND collection = ? AND digest = ?",
                (tx_id, namespace, collection, digest),
            ).fetchone()
        return row[0] if row else None

    def forget(self, tx_ids: Iterable[str], below: int | None = None) -> None:
        """Remove what was kept for these transactions, and what was endorsed below a height.

        Raises:
            sqlite3.Error: it could not be removed.
        """
        with self._lock, self._connection:
            self._connection.execute("BEGIN")
            self._connection.executemany("DELETE FROM sets WHERE tx_id = ?", [(tx_id,) for tx_id in tx_ids])
            if below is not None:
                self._connection.execute("DELETE FROM sets WHERE height < ?", (below,))
