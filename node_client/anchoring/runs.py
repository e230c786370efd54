"""Runs in the register: from a source's segments to batches that are ready to be sent.

A run is read segment by segment; each is kept once, in the order of the source, so that a run that was killed goes on
where it stopped, and two processes that do the same run help each other. When all is read the run is *sealed*, in one
transaction: references are taken, trees are built, and everything is synced. Only then anything is sent.
"""

import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from node_client.anchoring import sealing
from node_client.anchoring.preparing import BODY, Prepared
from node_client.anchoring.run import (
    GIVEN_UP,
    NAMELESS,
    READING,
    SEALED,
    SHIFT,
    Kept,
    Run,
    require_same_options,
    require_same_source,
)
from node_client.anchoring.sealing import MOST_PROBLEMS, Conflicts
from node_client.anchoring.template import Kind
from node_client.certificates.errors import NotInRegister, RegisterError, SourceChanged
from node_client.certificates.register import TIMEOUT, usable

_MOST_KINDS = 4096
_CACHE = 32 * 1024  # KiB of pages
_CHECKPOINT = 8000  # pages in the log before they move into the file


class RunStore:
    """The runs of a register's file, over a connection of its own. Use it in `with`, from one thread at a time.

    Args:
        path: the register, which is there and of this version.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kinds: dict[Kind, int] = {}
        with usable(path):
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=TIMEOUT)
            self._db.execute("PRAGMA secure_delete = ON")
            self._db.execute(f"PRAGMA cache_size = -{_CACHE}")
            self._db.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT}")

    def __enter__(self) -> "RunStore":
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def find(self, name: str) -> Run | None:
        """The run with this name."""
        with usable(self._path):
            row = self._db.execute("SELECT * FROM runs WHERE name = ?", (name,)).fetchone()
        return Run(*row) if row else None

    def require(self, name: str) -> Run:
        """The run with this name. Raises NotInRegister."""
        run = self.find(name)
        if run is None:
            raise NotInRegister(f"the register has no run {name}", "list the runs with: certledger anchor status")
        return run

    def all(self) -> list[tuple[Run, int]]:
        """Every run in the order of their making, and how many certificates it has so far."""
        query = (
            "SELECT r.*, COALESCE((SELECT max(members) FROM segments s WHERE s.run = r.run), r.members)"
            " FROM runs r ORDER BY r.run"
        )
        with usable(self._path):
            rows = self._db.execute(query).fetchall()
        return [(Run(*row[:-1]), row[-1]) for row in rows]

    def begin(self, name: str, source: str | None, options: str, issued_on: date | None = None) -> Run:
        """The run with this name, made when it is not there. A run that began with other options is refused.

        Args:
            issued_on: the day on which a new run begins; by default today.

        Raises:
            SourceError: the run that is there has another source, or other options.
        """
        with self._transaction(durable=False):
            created = datetime.now(UTC).isoformat(timespec="milliseconds")
            # Members are numbered by their run: a run's number is never used again while any is left.
            ((runs,), (members,)) = (
                self._one("SELECT COALESCE(max(run), 0) FROM runs"),
                self._one("SELECT COALESCE(max(member), 0) FROM members"),
            )
            number = max(runs, members >> SHIFT) + 1
            self._db.execute(
                "INSERT OR IGNORE INTO runs VALUES (?, ?, ?, ?, ?, ?, 0, 0, ?)",
                (number, name, source, options, (issued_on or date.today()).isoformat(), READING, created),
            )
        run = self.find(name)
        if run is None:
            raise self._given_up()
        require_same_source(run, source)
        require_same_options(run, options)
        return run

    def kept(self, run: Run, segment: int) -> Kept | None:
        """A segment, when it is in the register."""
        query = "SELECT digest, members, rows, problems FROM segments WHERE run = ? AND segment = ?"
        with usable(self._path):
            row = self._db.execute(query, (run.run, segment)).fetchone()
        return Kept(row[0], row[1], row[2], _problems(row[3])) if row else None

    def keep(self, run: Run, segment: int, digest: bytes, prepared: Prepared) -> Kept:
        """Keep a segment, the next one of its run. One that is there already, by another process, counts instead.

        Raises:
            SourceChanged: what is there is of another source.
        """
        with self._transaction(durable=False):
            self._require_reading(run)
            kept = self.kept(run, segment)
            if kept is None:
                before = self.kept(run, segment - 1) if segment else None
                start = before.members if before else 0
                kept = Kept(digest, start + prepared.count, prepared.rows, tuple(prepared.problems[:MOST_PROBLEMS]))
                self._insert(run.first + start, prepared)
                self._db.execute(
                    "INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?)",
                    (run.run, segment, digest, kept.members, kept.rows, json.dumps(kept.problems)),
                )
        self.require_same(kept, digest)
        return kept

    def require_same(self, kept: Kept, digest: bytes) -> None:
        """Raises SourceChanged when a segment of the source is not the one that was kept."""
        if kept.digest != digest:
            raise SourceChanged("the source changed in the middle of the run", "start again when it is complete")

    def _insert(self, first: int, prepared: Prepared) -> None:
        kinds = [self._kind(kind) for kind in prepared.kinds]
        rows = zip(
            range(first, first + prepared.count),
            prepared.lines,
            [kinds[place] for place in prepared.kind],
            prepared.sizes,
            [prepared.bodies[at : at + BODY] for at in range(0, len(prepared.bodies), BODY)],
            prepared.references,
            strict=True,
        )
        self._db.executemany("INSERT INTO members VALUES (?, ?, ?, ?, ?, ?)", rows)

    def _kind(self, kind: Kind) -> int:
        number = self._kinds.get(kind)
        if number is None:
            values = (kind.type, kind.head, kind.tail)
            self._db.execute("INSERT OR IGNORE INTO kinds (type, head, tail) VALUES (?, ?, ?)", values)
            query = "SELECT kind FROM kinds WHERE head = ? AND tail = ?"
            (number,) = self._db.execute(query, values[1:]).fetchone()
            if len(self._kinds) == _MOST_KINDS:
                self._kinds.clear()
            self._kinds[kind] = int(number)
        return int(number)

    def segments(self, run: Run) -> Iterator[Kept]:
        """A run's segments in their order."""
        query = "SELECT digest, members, rows, problems FROM segments WHERE run = ? ORDER BY segment"
        with usable(self._path):
            for digest, members, rows, problems in self._db.execute(query, (run.run,)):
                yield Kept(digest, members, rows, _problems(problems))

    def seal(self, run: Run, *, name: str, source: str, batch_size: int, left_out: int, skip: bool) -> Conflicts:
        """Take the references, build the trees, and sync everything.

        Args:
            name: what the run is called from now on.
            source: the source's digest.
            left_out: bad rows.
            skip: whether to leave out certificates whose references are taken; otherwise one of them refuses all.

        Raises:
            SealedMeanwhile: another process has done so, or another run has this name.

        Returns:
            The certificates whose references are taken. When these refuse it, the run is as it was.
        """
        conflicts = Conflicts()
        span = (run.first, run.last)
        with ThreadPoolExecutor(1) as aside, suppress(_Refused), self._transaction(durable=True):
            self._require_reading(run)
            # What was kept can be read over another connection, and nobody changes it while this transaction lasts.
            roots = aside.submit(self._tile_roots, run, batch_size)
            if self._one("SELECT EXISTS (SELECT 1 FROM runs WHERE name = ? AND run != ?)", name, run.run)[0]:
                raise SealedMeanwhile
            conflicts = sealing.take(self._db, *span, skip=skip)
            if conflicts.count and not skip:
                raise _Refused
            tiles = roots.result()
            if conflicts.count:
                tiles = sealing.tile_roots(self._db, *span, batch_size)
            members = sealing.build(self._db, run.run, *span, batch_size, tiles)
            self._db.execute(
                "UPDATE runs SET name = ?, source = ?, state = ?, members = ?, left_out = ? WHERE run = ?",
                (name, source, SEALED, members, left_out + conflicts.count, run.run),
            )
            self._db.execute("DELETE FROM segments WHERE run = ?", (run.run,))
        return conflicts

    def _tile_roots(self, run: Run, batch_size: int) -> list[list[bytes]]:
        with closing(sqlite3.connect(self._path, isolation_level=None, timeout=TIMEOUT)) as db:
            return sealing.tile_roots(db, run.first, run.last, batch_size)

    def taken_elsewhere(self, other: Path) -> Conflicts:
        """The certificates here whose references another register has taken."""
        with usable(self._path):
            return sealing.taken_elsewhere(self._db, other)

    def discard(self, run: Run) -> None:
        """Forget a run that was not sealed."""
        with self._transaction(durable=True):
            now = self._now(run)
            if now is None or now.state != READING:
                return
            self._remove(run)

    def give_up(self, run: Run) -> tuple[int, int]:
        """Forget what was never sent of a run: batches that are prepared, or all of it when it is not sealed.

        Raises:
            RegisterError: another command has given it up.

        Returns:
            How many certificates and batches are gone.
        """
        with self._transaction(durable=True):
            if self._require(run).state == READING:
                certificates, batches, left = self._remove(run), 0, 0
            else:
                certificates, batches, left = sealing.remove_prepared(self._db, run.first, run.last)
                if left and certificates:
                    change = "UPDATE runs SET state = ?, members = ? WHERE run = ?"
                    self._db.execute(change, (GIVEN_UP, left, run.run))
                elif not left:
                    self._remove(run)
        with usable(self._path):  # what was there is nowhere in the file then
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return certificates, batches

    def _remove(self, run: Run) -> int:
        members = self._db.execute("DELETE FROM members WHERE member BETWEEN ? AND ?", (run.first, run.last)).rowcount
        self._db.execute("DELETE FROM segments WHERE run = ?", (run.run,))
        self._db.execute("DELETE FROM runs WHERE run = ?", (run.run,))
        return members

    def discard_abandoned(self, before: str) -> None:
        """Forget nameless runs that nobody can go on with, begun before this moment."""
        query = "SELECT * FROM runs WHERE state = ? AND substr(name, 1, 1) = ? AND created < ?"
        with usable(self._path):
            rows = self._db.execute(query, (READING, NAMELESS, before)).fetchall()
        for row in rows:
            self.discard(Run(*row))

    def _now(self, run: Run) -> Run | None:
        row = self._db.execute("SELECT * FROM runs WHERE run = ?", (run.run,)).fetchone()
        return Run(*row) if row and row[-1] == run.created else None

    def _require(self, run: Run) -> Run:
        now = self._now(run)
        if now is None:
            raise self._given_up()
        return now

    def _require_reading(self, run: Run) -> None:
        if self._require(run).state != READING:
            raise SealedMeanwhile

    def _given_up(self) -> RegisterError:
        return RegisterError("the run was given up by another command meanwhile", "run the same command again")

    def _one(self, query: str, *values: Any) -> Any:
        return self._db.execute(query, values).fetchone()

    @contextmanager
    def _transaction(self, *, durable: bool) -> Iterator[None]:
        """One transaction; what is not durable yet becomes so with the next one that is."""
        with usable(self._path):
            self._db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self._kinds.clear()
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise


class SealedMeanwhile(Exception):
    """Another process has read the same run to its end."""


class _Refused(Exception):
    """The transaction is to be rolled back."""


def _problems(text: str) -> tuple[tuple[int, str], ...]:
    return tuple((line, message) for line, message in json.loads(text))
