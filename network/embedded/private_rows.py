"""Private data in the ledger's database: every organisation's own rows.

Beside the values that are in force, the write sets of past blocks are kept, which block events with private data give.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chaincode.ledger import read_write_set
from chaincode.ledger.hashed_set import key_hash
from chaincode.ledger.state import Version

SCHEMA = """
CREATE TABLE hashed (
    namespace TEXT NOT NULL, collection TEXT NOT NULL, key_hash BLOB NOT NULL, value_hash BLOB NOT NULL,
    block INTEGER NOT NULL, position INTEGER NOT NULL, metadata BLOB NOT NULL,
    PRIMARY KEY (namespace, collection, key_hash)
) WITHOUT ROWID;
CREATE INDEX hashed_by_block ON hashed (block);
CREATE TABLE private (
    organisation TEXT NOT NULL, namespace TEXT NOT NULL, collection TEXT NOT NULL, key BLOB NOT NULL,
    key_hash BLOB NOT NULL, value BLOB NOT NULL, block INTEGER NOT NULL, position INTEGER NOT NULL,
    PRIMARY KEY (organisation, namespace, collection, key)
) WITHOUT ROWID;
CREATE INDEX private_by_block ON private (block);
CREATE INDEX private_by_hash ON private (key_hash);
CREATE TABLE private_sets (
    block INTEGER NOT NULL, organisation TEXT NOT NULL, position INTEGER NOT NULL, namespace TEXT NOT NULL,
    collection TEXT NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (block, organisation, position, namespace, collection)
) WITHOUT ROWID;
CREATE INDEX private_sets_by_collection ON private_sets (namespace, collection);
"""


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
class Expired:
    """What a block last wrote in a collection has lived as long as the collection's definition lets it."""

    namespace: str
    collection: str
    block: int


@dataclass(frozen=True)
class Granted:
    """An organisation that has become a member of a collection, and gets what the members hold."""

    organisation: str
    namespace: str
    collection: str


def expire(connection: sqlite3.Connection, expired: Iterable[Expired]) -> None:
    """Remove what has expired, hashes included; to be done before the block's own changes, which stay.

    Source: Fabric's `core/ledger/kvledger/txmgmt/pvtstatepurgemgmt/purge_mgr.go`.
    """
    for one in expired:
        place = (one.block, one.namespace, one.collection)
        for table in ("hashed", "private", "private_sets"):
            connection.execute(
                f"DELETE FROM {table} WHERE block = ? AND namespace = ? AND collection = ?",  # noqa: S608
                place,
            )


def purge(connection: sqlite3.Connection, purged: Mapping[tuple[str, str, bytes], Version]) -> None:
    """Remove private keys, their past values included, at every organisation."""
    for (namespace, collection, digest), version in purged.items():
        connection.execute(
            "DELETE FROM private WHERE key_hash = ? AND namespace = ? AND collection = ?",
            (digest, namespace, collection),
        )
        sets = connection.execute(
            "SELECT block, organisation, position, data FROM private_sets WHERE namespace = ? AND collection = ?"
            " AND (block, position) < (?, ?)",
            (namespace, collection, version.block, version.transaction),
        ).fetchall()
        for block, organisation, position, data in sets:
            left = read_write_set.without_private_key(data, digest)
            if left != data:
                connection.execute(
                    "UPDATE private_sets SET data = ? WHERE block = ? AND organisation = ? AND position = ?"
                    " AND namespace = ? AND collection = ?",
                    (left, block, organisation, position, namespace, collection),
                )


def write(connection: sqlite3.Connection, writes: Iterable[PrivateWrite]) -> None:
    """Make changes of private values, in their order."""
    for one in writes:
        place = (one.organisation, one.namespace, one.collection, one.key.encode())
        if one.value is None:
            connection.execute(
                "DELETE FROM private WHERE organisation = ? AND namespace = ? AND collection = ? AND key = ?", place
            )
        else:
            row = (*place, key_hash(one.key), one.value, one.version.block, one.version.transaction)
            connection.execute("INSERT OR REPLACE INTO private VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)


def keep_sets(connection: sqlite3.Connection, block: int, sets: Iterable[PrivateSet]) -> None:
    """Keep the private write sets of a block."""
    connection.executemany(
        "INSERT INTO private_sets VALUES (?, ?, ?, ?, ?, ?)",
        [(block, one.organisation, one.position, one.namespace, one.collection, one.data) for one in sets],
    )


def sets_of(connection: sqlite3.Connection, organisation: str, block: int) -> list[PrivateSet]:
    """The private write sets of a block's transactions that an organisation holds, in the block's order."""
    rows = connection.execute(
        "SELECT organisation, position, namespace, collection, data FROM private_sets"
        " WHERE block = ? AND organisation = ? ORDER BY position, namespace, collection",
        (block, organisation),
    )
    return [PrivateSet(*row) for row in rows]


def grant(connection: sqlite3.Connection, granted: Sequence[Granted]) -> None:
    """Give new members what the others hold, as far as it is still the newest.

    Fabric's peers ask each other for it (`gossip/privdata/reconcile.go`).
    """
    for one in granted:
        place = (one.organisation, one.namespace, one.collection)
        connection.execute(
            "INSERT OR IGNORE INTO private"
            " SELECT ?, namespace, collection, key, key_hash, value, block, position FROM private AS held"
            " WHERE namespace = ? AND collection = ? AND EXISTS (SELECT 1 FROM hashed WHERE"
            " hashed.namespace = held.namespace AND hashed.collection = held.collection"
            " AND hashed.key_hash = held.key_hash AND hashed.block = held.block AND hashed.position = held.position)",
            place,
        )
        connection.execute(
            "INSERT OR IGNORE INTO private_sets"
            " SELECT block, ?, position, namespace, collection, data FROM private_sets"
            " WHERE namespace = ? AND collection = ?",
            place,
        )
