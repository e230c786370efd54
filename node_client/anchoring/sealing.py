"""Sealing a run: its references are taken, and its batches and trees are made, in one transaction of the caller's.

Computing a tree's hashes and filling the indexes take as long as each other; they are done at the same time, for SQLite
works without Python's lock. The indexes are filled in the order of their keys, so that each of their pages is changed
once, however many certificates the register has.
"""

import sqlite3
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from chaincode.registry.model.ids import new_id
from node_client.anchoring.tree import WIDTH, TreeBuilder, root_of
from node_client.certificates.register import PREPARED

MOST_PROBLEMS = 1000  # that are told of a run

_FILL_IDS = """
INSERT INTO by_id SELECT substr(body, 33, 16) AS id, member FROM members WHERE member BETWEEN ? AND ? ORDER BY id
"""
_FILL_REFERENCES = """
INSERT OR IGNORE INTO by_reference SELECT key, member FROM keyed WHERE member BETWEEN ? AND ? ORDER BY key, member
"""
_LEAVES = """
SELECT substr(body, -32) FROM members WHERE member BETWEEN ? AND ? ORDER BY member
"""
_TAKEN = """
SELECT m.line, m.member, r.member, w.line
FROM keyed m JOIN by_reference r ON r.key = m.key LEFT JOIN members w ON w.member = r.member
WHERE m.member BETWEEN ?1 AND ?2 AND r.member != m.member
UNION ALL
SELECT m.line, m.member, -1, -1
FROM keyed m CROSS JOIN certificates c ON c.reference = m.name WHERE m.member BETWEEN ?1 AND ?2
ORDER BY 1, 2, 3 DESC
"""
_TAKEN_ELSEWHERE = """
SELECT m.line, m.member FROM keyed m JOIN other.by_reference r ON r.key = m.key
UNION
SELECT m.line, m.member FROM keyed m CROSS JOIN other.certificates c ON c.reference = m.name
ORDER BY line
"""
# Of everything that belongs to the certificates of a span of numbers, which is a batch.
_REMOVALS = (
    "DELETE FROM by_reference WHERE key IN (SELECT key FROM keyed WHERE member BETWEEN ? AND ?)",
    "DELETE FROM by_id WHERE id IN (SELECT substr(body, 33, 16) FROM members WHERE member BETWEEN ? AND ?)",
    "DELETE FROM members WHERE member BETWEEN ? AND ?",
    "DELETE FROM tiles WHERE first BETWEEN ? AND ?",
    "DELETE FROM batches WHERE first BETWEEN ? AND ?",
)


@dataclass(frozen=True)
class Conflicts:
    """Certificates whose references are taken.

    Attributes:
        problems: the lines of the first ones, and by what they are taken.
        count: how many there are.
    """

    problems: Sequence[tuple[int, str]] = ()
    count: int = 0


def take(db: sqlite3.Connection, first: int, last: int, *, skip: bool) -> Conflicts:
    """Enter a run's certificates into the indexes.

    Args:
        first, last: the span of their numbers.
        skip: whether to remove those whose references are taken; without it they stay, and the caller rolls back.
    """
    db.execute("SAVEPOINT indexes")
    problems, losers = _enter(db, first, last)
    if losers and skip:
        db.execute("ROLLBACK TO indexes")
        _remove(db, losers, last)
        _enter(db, first, last)
    db.execute("RELEASE indexes")
    return Conflicts(problems, len(losers))


def _enter(db: sqlite3.Connection, first: int, last: int) -> tuple[list[tuple[int, str]], Sequence[int]]:
    """Returns the first lines whose references are taken and by what, and the numbers of them all, in order."""
    members = db.execute(_FILL_IDS, (first, last)).rowcount
    entered = db.execute(_FILL_REFERENCES, (first, last)).rowcount
    problems: list[tuple[int, str]] = []
    losers = array("q")
    if entered == members and not db.execute("SELECT EXISTS (SELECT 1 FROM certificates)").fetchone()[0]:
        return problems, losers
    for line, member, winner, winners_line in db.execute(_TAKEN, (first, last)):
        if losers and losers[-1] == member:
            continue
        losers.append(member)
        if len(problems) < MOST_PROBLEMS:
            text = f"the same reference as line {winners_line}" if first <= winner <= last else _IN_REGISTER
            problems.append((line, text))
    return problems, losers


_IN_REGISTER = "the reference is in the register already"


def taken_elsewhere(db: sqlite3.Connection, other: Path) -> Conflicts:
    """The certificates of one register whose references another one has taken."""
    db.execute("ATTACH ? AS other", (str(other),))
    rows = db.execute(_TAKEN_ELSEWHERE)
    problems = [(line, _IN_REGISTER) for line, _ in rows.fetchmany(MOST_PROBLEMS)]
    return Conflicts(problems, len(problems) + sum(1 for _ in rows))


def _remove(db: sqlite3.Connection, losers: Sequence[int], last: int) -> None:
    """Remove certificates, and close the gaps: a run's certificates are numbered without any."""
    db.executemany("DELETE FROM members WHERE member = ?", ((member,) for member in losers))
    free = losers[0]
    following = "SELECT member FROM members WHERE member > ? AND member <= ? ORDER BY member LIMIT 1"
    while (row := db.execute(following, (free, last)).fetchone()) is not None:
        db.execute("UPDATE members SET member = ? WHERE member = ?", (free, row[0]))
        free += 1


def tile_roots(db: sqlite3.Connection, first: int, last: int, batch_size: int) -> list[list[bytes]]:
    """The roots of every batch's tiles of leaves."""
    leaves = db.execute(_LEAVES, (first, last))
    roots: list[list[bytes]] = []
    left = 0
    while True:
        if not left:
            roots.append([])
            left = batch_size
        tile = leaves.fetchmany(min(WIDTH, left))
        if not tile:
            return [batch for batch in roots if batch]
        left -= len(tile)
        roots[-1].append(root_of([leaf for (leaf,) in tile]))


def build(
    db: sqlite3.Connection, run: int, first: int, last: int, batch_size: int, roots: Sequence[Sequence[bytes]]
) -> int:
    """Make a run's batches. Returns how many certificates they have together.

    Args:
        roots: what `tile_roots` gives.
    """
    (members,) = db.execute("SELECT count(*) FROM members WHERE member BETWEEN ? AND ?", (first, last)).fetchone()
    for start, tiles in zip(range(first, first + members, batch_size), roots, strict=True):
        _add_batch(db, run, start, min(batch_size, first + members - start), tiles)
    return int(members)


def remove_prepared(db: sqlite3.Connection, first: int, last: int) -> tuple[int, int, int]:
    """Remove a run's batches that are not even endorsed, with their certificates and references.

    Args:
        first, last: the span of the run's numbers.

    Returns:
        How many certificates and batches are gone, and how many certificates are left.
    """
    query = "SELECT first, first + size - 1 FROM batches WHERE first BETWEEN ? AND ? AND state = ?"
    spans = db.execute(query, (first, last, PREPARED)).fetchall()
    for span in spans:
        for removal in _REMOVALS:
            db.execute(removal, span)
    query = "SELECT COALESCE(sum(size), 0) FROM batches WHERE first BETWEEN ? AND ?"
    (left,) = db.execute(query, (first, last)).fetchone()
    return sum(end - start + 1 for start, end in spans), len(spans), left


def _add_batch(db: sqlite3.Connection, run: int, first: int, size: int, roots: Iterable[bytes]) -> None:
    def put(level: int, tile: int, hashes: bytes) -> None:
        db.execute("INSERT INTO tiles VALUES (?, ?, ?, ?)", (first, level, tile, hashes))

    builder = TreeBuilder(put)
    for root in roots:
        builder.add(root)
    db.execute(
        "INSERT INTO batches (first, run, id, size, root, state) VALUES (?, ?, ?, ?, ?, ?)",
        (first, run, new_id(), size, builder.finish(), PREPARED),
    )
