"""Sealing a run: its references are taken, and its batches and trees are made, in one transaction of the caller's.

The indexes are filled in the order of their keys, so that each of their pages is changed once, however many
certificates the register has.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chaincode.registry.model.ids import new_id
from node_client.anchoring.tree import WIDTH, TreeBuilder, root_of
from node_client.certificates.register import PREPARED

MOST_PROBLEMS = 1000  # that are told of a run

_FILL_IDS = """
INSERT INTO by_id SELECT id, member FROM members WHERE member BETWEEN ? AND ? ORDER BY id
"""
_FILL_REFERENCES = """
INSERT OR IGNORE INTO by_reference SELECT key, member FROM keyed WHERE member BETWEEN ? AND ? ORDER BY key, member
"""
_TAKEN = """
SELECT m.line, m.member, r.member, w.line
FROM keyed m JOIN by_reference r ON r.key = m.key LEFT JOIN members w ON w.member = r.member
WHERE m.member BETWEEN ? AND ? AND r.member != m.member
"""
_TAKEN_BY_SINGLE = """
SELECT m.line, m.member FROM keyed m CROSS JOIN certificates c ON c.reference = m.name WHERE m.member BETWEEN ? AND ?
"""

_TAKEN_ELSEWHERE = """
SELECT m.line, m.member FROM keyed m JOIN other.by_reference r ON r.key = m.key
UNION
SELECT m.line, m.member FROM keyed m CROSS JOIN other.certificates c ON c.reference = m.name
ORDER BY line
"""


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
    found = _enter(db, first, last)
    losers = sorted({member for _, member, _ in found})
    if losers and skip:
        db.execute("ROLLBACK TO indexes")
        _remove(db, losers, last)
        _enter(db, first, last)
    db.execute("RELEASE indexes")
    return Conflicts([(line, text) for line, _, text in found[:MOST_PROBLEMS]], len(losers))


def _enter(db: sqlite3.Connection, first: int, last: int) -> list[tuple[int, int, str]]:
    """Returns the lines and numbers of those whose references are taken, and by what."""
    span = (first, last)
    members = db.execute(_FILL_IDS, span).rowcount
    entered = db.execute(_FILL_REFERENCES, span).rowcount
    found = []
    if entered < members:
        for line, member, winner, winners_line in db.execute(_TAKEN, span):
            text = f"the same reference as line {winners_line}" if first <= winner <= last else _IN_REGISTER
            found.append((line, member, text))
    if db.execute("SELECT EXISTS (SELECT 1 FROM certificates)").fetchone()[0]:
        found += [(line, member, _IN_REGISTER) for line, member in db.execute(_TAKEN_BY_SINGLE, span)]
    return sorted(found)


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


def build(db: sqlite3.Connection, run: int, first: int, last: int, batch_size: int) -> int:
    """Make a run's batches. Returns how many certificates they have together."""
    (members,) = db.execute("SELECT count(*) FROM members WHERE member BETWEEN ? AND ?", (first, last)).fetchone()
    for start in range(first, first + members, batch_size):
        _add_batch(db, run, start, min(batch_size, first + members - start))
    return int(members)


def _add_batch(db: sqlite3.Connection, run: int, first: int, size: int) -> None:
    def put(level: int, tile: int, hashes: bytes) -> None:
        db.execute("INSERT INTO tiles VALUES (?, ?, ?, ?)", (first, level, tile, hashes))

    builder = TreeBuilder(put)
    leaves = db.execute(
        "SELECT leaf FROM members WHERE member BETWEEN ? AND ? ORDER BY member", (first, first + size - 1)
    )
    while tile := leaves.fetchmany(WIDTH):
        builder.add(root_of([leaf for (leaf,) in tile]))
    db.execute(
        "INSERT INTO batches (first, run, id, size, root, state) VALUES (?, ?, ?, ?, ?, ?)",
        (first, run, new_id(), size, builder.finish(), PREPARED),
    )
