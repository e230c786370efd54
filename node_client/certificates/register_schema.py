"""The register's tables, and how registers of earlier versions become ones of this version.

Certificates that were issued one by one are rows of `certificates`. Those of batches are rows of `members`, which are
made by the million: a row has nothing that another one has too, is added at the table's end, and is found through two
indexes that are filled in the order of their keys when a run has been read to its end. What the rows of a batch have in
common is in `batches`, what their statements have in common in `kinds`.
"""

import sqlite3

FORMAT = 2

_CERTIFICATES = """
CREATE TABLE certificates (
    id TEXT PRIMARY KEY,
    reference TEXT NOT NULL UNIQUE,
    statement BLOB NOT NULL,
    salt BLOB NOT NULL,
    supersedes TEXT,
    state TEXT NOT NULL,
    transaction_id TEXT,
    envelope BLOB,
    attestation BLOB,
    created TEXT NOT NULL
) WITHOUT ROWID;
"""

_BATCHES = """
CREATE TABLE runs (
    run INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    source TEXT,
    options TEXT NOT NULL,
    issued_on TEXT NOT NULL,
    state TEXT NOT NULL,
    members INTEGER NOT NULL,
    left_out INTEGER NOT NULL,
    created TEXT NOT NULL
);
-- How far a run has read its source; gone when it has read all of it.
CREATE TABLE segments (
    run INTEGER NOT NULL,
    segment INTEGER NOT NULL,
    digest BLOB NOT NULL,
    members INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    problems TEXT NOT NULL,
    PRIMARY KEY (run, segment)
) WITHOUT ROWID;
CREATE TABLE kinds (
    kind INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    head TEXT NOT NULL,
    tail TEXT NOT NULL,
    UNIQUE (head, tail)
);
-- member: the run, times 2^32, and the certificate's place in the run. body: the document's digest, the certificate's
-- id, its salt, and its leaf's hash, for one column is filled in half the time of four. Of an erased one only the leaf
-- is left, no kind, and line 0.
CREATE TABLE members (
    member INTEGER PRIMARY KEY,
    line INTEGER NOT NULL,
    kind INTEGER,
    size INTEGER,
    body BLOB NOT NULL,
    reference TEXT
);
CREATE TABLE by_id (id BLOB PRIMARY KEY, member INTEGER NOT NULL) WITHOUT ROWID;
-- A reference as text, or the bytes of a document's digest and its type where there is none.
CREATE TABLE by_reference (key PRIMARY KEY, member INTEGER NOT NULL) WITHOUT ROWID;
-- Members that are not erased, with their key in by_reference, and what they go by.
CREATE VIEW keyed AS
    SELECT member, line,
        COALESCE(reference, CAST(substr(body, 1, 32) || type AS BLOB)) AS key,
        COALESCE(reference, lower(hex(substr(body, 1, 32))) || ':' || type) AS name
    FROM members JOIN kinds USING (kind);
CREATE TABLE batches (
    first INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    id TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    root BLOB NOT NULL,
    state TEXT NOT NULL,
    transaction_id TEXT,
    envelope BLOB,
    attestation BLOB
);
-- The hashes of a batch's tree above its leaves, 256 of a level in a row.
CREATE TABLE tiles (
    first INTEGER NOT NULL,
    level INTEGER NOT NULL,
    tile INTEGER NOT NULL,
    hashes BLOB NOT NULL,
    PRIMARY KEY (first, level, tile)
) WITHOUT ROWID;
"""

# What leads from each version to the next; an empty file has version 0.
_STEPS = {0: _CERTIFICATES, 1: _BATCHES}


def prepare(connection: sqlite3.Connection) -> bool:
    """Make the tables, or add what this version has more than the file's.

    Returns:
        Whether the register is of this version now; one of a later version is left as it is.
    """
    while (version := _version(connection)) < FORMAT:
        # Another process may do the same: who comes second finds it done.
        step = f"BEGIN IMMEDIATE;{_STEPS[version]}PRAGMA user_version = {version + 1};COMMIT;"
        try:
            connection.executescript(step)
        except sqlite3.OperationalError:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if _version(connection) == version:
                raise
    return version == FORMAT


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)
