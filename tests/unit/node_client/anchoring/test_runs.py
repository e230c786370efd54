"""Runs in the register: entries of any iterable, going on where a run stopped, and what is found afterwards."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from threading import Event

import psutil
import pytest

from chaincode.registry.model.merkle import certificate_leaf, leaf_hash
from node_client.anchoring.folder_source import FolderSource
from node_client.anchoring.manifest import Manifest
from node_client.anchoring.members import Members
from node_client.anchoring.options import Control, Options, Progress, Stage
from node_client.anchoring.reading import Tally
from node_client.anchoring.run import Run
from node_client.anchoring.runs import RunStore
from node_client.anchoring.source import Entry
from node_client.certificates.errors import RegisterError, RowsRefused, SourceChanged, SourceError, Stopped
from node_client.certificates.register import Register
from node_client.certificates.statement import Statement
from tests.unit.node_client.anchoring.registers import (
    HEADER,
    digest,
    lines,
    members,
    read,
    read_manifest,
    reader,
    rows,
)


@pytest.fixture
def register(tmp_path: Path) -> Path:
    return tmp_path / "register.db"


def entry(number: int) -> Entry:
    return Entry(sha256=digest(number), size=number + 1, reference=f"R{number}")


def given(register: Path, run: Run) -> list[str | None]:
    return [one.given for one in members(register, run)]


def count(register: Path, table: str) -> int:
    with sqlite3.connect(register) as db:
        (found,) = db.execute(f"SELECT count(*) FROM {table}").fetchone()
    db.close()
    return int(found)


# Entries


async def test_any_iterable_is_a_source(register: Path) -> None:
    async def asynchronous() -> AsyncIterator[Entry]:
        for number in range(5000):
            yield entry(number)

    run, tally = await reader(register).entries(asynchronous())
    assert (run.members, tally.rows) == (5000, 5000)
    assert given(register, run) == [f"R{number}" for number in range(5000)]
    again, _ = await reader(register).entries(entry(number) for number in range(5000))
    assert again == run
    assert count(register, "runs") == 1
    assert count(register, "members") == 5000


async def test_an_entry_says_what_its_statement_says(register: Path, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"document")
    entries = [
        Entry(path=tmp_path / "a.pdf", type="taxation", issued_on=date(2026, 4, 1), valid_until=date(2026, 9, 30)),
        Entry(sha256=digest(1), size=5, media_type="text/plain"),
    ]
    run, _ = await reader(register).entries(entries)
    first, second = (Statement.from_bytes(one.statement) for one in members(register, run))
    assert (first.type, first.issue_date, first.valid_until) == ("taxation", date(2026, 4, 1), date(2026, 9, 30))
    assert (first.document.size, first.document.media_type) == (8, "application/pdf")
    assert (second.type, second.document.media_type) == ("income", "text/plain")


async def test_bad_entries_are_said_by_their_number(register: Path) -> None:
    with pytest.raises(RowsRefused) as refused:
        await reader(register).entries([entry(1), Entry(sha256="x", size=1), entry(1)])
    assert [line for line, _ in refused.value.problems] == [2]
    with pytest.raises(RowsRefused) as refused:
        await reader(register).entries([entry(1), entry(2), entry(1)])
    assert refused.value.problems == ((3, "the same reference as line 1"),)
    assert count(register, "runs") == count(register, "members") == 0


async def test_an_iterable_that_breaks_leaves_a_named_run_to_go_on_with(register: Path) -> None:
    def breaking() -> Iterator[Entry]:
        for number in range(5000):
            yield entry(number)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await reader(register, run="night").entries(breaking())
    kept = count(register, "members")
    assert kept
    run, _ = await reader(register, run="night").entries(entry(number) for number in range(6000))
    assert (run.name, run.members) == ("night", 6000)
    with pytest.raises(SourceError, match="not the one with which the run night began"):
        await reader(register, run="night").entries(entry(number) for number in range(10))


async def test_an_iterable_that_is_another_is_noticed(register: Path) -> None:
    def breaking() -> Iterator[Entry]:
        for number in range(5000):
            yield entry(number)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await reader(register, run="night").entries(breaking())
    with pytest.raises(SourceChanged, match="changed in the middle"):
        await reader(register, run="night").entries(entry(number) for number in range(1, 6000))
    assert count(register, "members") == 0


async def test_nothing_is_no_source(register: Path) -> None:
    with pytest.raises(SourceError, match="nothing to anchor"):
        await reader(register).entries([])


# Stopping and going on


def stopping_after(segments: int) -> Control:
    stop, seen = Event(), 0

    def told(progress: Progress) -> None:
        nonlocal seen
        seen += progress.stage is Stage.READING
        if seen == segments:
            stop.set()

    return Control(told, stop)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_stopped_run_goes_on_where_it_stopped(register: Path, jobs: int) -> None:
    path = register.parent / "manifest.csv"
    path.write_bytes(lines(HEADER, *rows(range(20_000))))
    options = Options(jobs=jobs)
    with Manifest(path) as manifest, pytest.raises(Stopped):
        reader(register, options, control=stopping_after(2)).source(manifest)
    with sqlite3.connect(register) as db:
        before = db.execute("SELECT member, body FROM members ORDER BY member").fetchall()
    db.close()
    assert 0 < len(before) < 20_000
    with Manifest(path) as manifest:
        run, tally = read(register, manifest, options)
    assert (run.members, tally.members, tally.before[1]) == (20_000, 20_000, len(before))
    assert 0 < tally.before[0] < tally.done == path.stat().st_size
    with sqlite3.connect(register) as db:
        after = db.execute("SELECT member, body FROM members ORDER BY member").fetchall()
    db.close()
    assert after[: len(before)] == before  # their salts stay
    assert given(register, run) == [f"R{number}" for number in range(20_000)]


async def test_entries_can_be_stopped(register: Path) -> None:
    control = stopping_after(1)

    def endless() -> Iterator[Entry]:
        number = 0
        while True:
            yield entry(number)
            number += 1

    with pytest.raises(Stopped):
        await asyncio.wait_for(reader(register, run="endless", control=control).entries(endless()), 60)
    assert count(register, "members") > 0


def test_what_processes_prepare_is_in_the_order_of_the_source(register: Path) -> None:
    (register.parent / "manifest").write_bytes(lines(HEADER, *rows(range(30_000)), "bad"))
    with Manifest(register.parent / "manifest") as manifest:
        run, tally = read(register, manifest, Options(jobs=3, skip_invalid=True))
    assert given(register, run) == [f"R{number}" for number in range(30_000)]
    assert tally.problems == [(30_002, "1 cells instead of 3")]


def test_a_process_that_dies_ends_the_run_which_can_go_on(register: Path) -> None:
    (register.parent / "manifest").write_bytes(lines(HEADER, *rows(range(200_000))))
    killed: list[int] = []

    def told(progress: Progress) -> None:
        workers = [one for one in psutil.Process().children() if "spawn_main" in " ".join(one.cmdline())]
        if workers and not killed:
            killed.append(workers[0].pid)
            os.kill(workers[0].pid, signal.SIGKILL)

    with Manifest(register.parent / "manifest") as manifest:
        with pytest.raises(SourceError, match="a process that prepared certificates ended"):
            reader(register, Options(jobs=2), control=Control(told)).source(manifest)
        assert killed
        run, _ = read(register, manifest, Options(jobs=2))
    assert run.members == 200_000


# Batches and receipts


def test_batches_have_the_roots_of_their_certificates(register: Path) -> None:
    run, _ = read_manifest(register, lines(HEADER, *rows(range(1000))), Options(batch_size=300))
    with Register(register) as opened:
        found = Members(opened)
        batches = found.batches.of_run(run.run)
        assert [batch.size for batch in batches] == [300, 300, 300, 100]
        for batch in batches:
            assert found.root(batch) == batch.root
            for index, member in enumerate(found.of_batch(batch)):
                leaf = leaf_hash(certificate_leaf(member.certificate_id, commitment_of(member.statement, member.salt)))
                inclusion = found.inclusion(member)
                assert member.leaf == leaf
                assert (inclusion.batch_id, inclusion.index, inclusion.size) == (batch.batch_id, index, batch.size)
                assert inclusion.shows(leaf, batch.root)


def commitment_of(statement: bytes, salt: bytes) -> str:
    return Statement.from_bytes(statement).commitment(salt)


def test_a_receipt_of_what_is_not_on_the_ledger_is_none(register: Path) -> None:
    read_manifest(register, lines(HEADER, *rows(range(3))))
    with Register(register) as opened:
        found = Members(opened)
        member = found.find("R1")
        assert member is not None
        with pytest.raises(RegisterError, match="not on the ledger yet"):
            found.receipt(member)


def test_certificates_are_found_by_id_and_by_what_they_go_by(register: Path) -> None:
    run, _ = read_manifest(register, lines(HEADER, *rows(range(3)), f"{digest(9)},1,"))
    with Register(register) as opened:
        found = Members(opened)
        for member in members(register, run):
            assert found.find(member.certificate_id) == found.find(member.reference) == member
        for name in ("R3", "", "0" * 32, f"{digest(1)}:income", f"{digest(9)}:taxation"):
            assert found.find(name) is None


def test_an_erased_certificate_leaves_its_leaf(register: Path) -> None:
    run, _ = read_manifest(register, lines(HEADER, *rows(range(600)), f"{digest(900)},1,"))
    before = members(register, run)
    with Register(register) as opened:
        found = Members(opened)
        for place in (7, 600):
            found.erase(before[place])
            assert found.find(before[place].reference) is None
            assert found.find(before[place].certificate_id) is None
        (batch,) = found.batches.of_run(run.run)
        assert found.root(batch) == batch.root
        for member in (before[6], before[8], before[599]):
            assert found.inclusion(member).shows(member.leaf, batch.root)
    left = members(register, run)
    assert left == [*before[:7], *before[8:600]]
    for path in register.parent.glob("register.db*"):
        assert before[7].salt not in path.read_bytes()
    with closing(sqlite3.connect(register)) as db:
        query = "SELECT line, kind, size, length(body), reference FROM members WHERE member = ?"
        for place in (7, 600):
            assert db.execute(query, (before[place].member,)).fetchone() == (0, None, None, 32, None)
    # What an erased one went by can be given again.
    again, _ = read_manifest(register, lines(HEADER, *rows([7])))
    assert given(register, again) == ["R7"]


# The register itself


def test_a_register_of_the_first_version_becomes_one_of_this(register: Path) -> None:
    Register(register).close()
    with sqlite3.connect(register) as db:
        for name in ("runs", "segments", "kinds", "members", "by_id", "by_reference", "batches", "tiles"):
            db.execute(f"DROP TABLE {name}")
        db.execute("DROP VIEW keyed")
        db.execute("INSERT INTO certificates VALUES ('id', 'R1', x'', x'', NULL, 'attested', 'tx', NULL, x'', '')")
        db.execute("PRAGMA user_version = 1")
    db.close()
    with pytest.raises(RowsRefused) as refused:
        read_manifest(register, lines(HEADER, *rows(range(3))))
    assert refused.value.problems == ((3, "the reference is in the register already"),)


def test_a_run_that_was_given_up_is_said(register: Path) -> None:
    path = register.parent / "manifest.csv"
    path.write_bytes(lines(HEADER, *rows(range(20_000))))

    def told(progress: Progress) -> None:
        with RunStore(register) as store:
            for run, _ in store.all():
                store.discard(run)

    with Manifest(path) as manifest, pytest.raises(RegisterError, match="given up by another command"):
        reader(register, control=Control(told)).source(manifest)


def test_two_runs_take_turns(register: Path) -> None:
    """What a run keeps in the middle of another one's does not mix with it."""
    one, other = register.parent / "one.csv", register.parent / "other.csv"
    one.write_bytes(lines(HEADER, *rows(range(20_000))))
    other.write_bytes(lines(HEADER, *rows(range(50_000, 51_000))))
    found: list[Run] = []

    def told(progress: Progress) -> None:
        if not found:
            with Manifest(other) as manifest:
                found.append(read(register, manifest)[0])

    with Manifest(one) as manifest:
        run, _ = reader(register, control=Control(told)).source(manifest)
    assert given(register, run) == [f"R{number}" for number in range(20_000)]
    assert given(register, found[0]) == [f"R{number}" for number in range(50_000, 51_000)]


def test_a_folder_is_named_by_what_is_in_it(register: Path) -> None:
    folder = register.parent / "documents"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.pdf").write_bytes(b"%d" % number)
    first, tally = read(register, FolderSource(folder))
    assert (first.members, tally.rows) == (5, 5)
    assert read(register, FolderSource(folder))[0] == first
    (folder / "5.pdf").write_bytes(b"5")
    with pytest.raises(RowsRefused) as refused:
        read(register, FolderSource(folder))
    assert refused.value.count == 5
    second, _ = read(register, FolderSource(folder), Options(skip_invalid=True))
    assert (second.members, second.left_out) == (1, 5)
    empty = register.parent / "empty"
    empty.mkdir()
    with pytest.raises(SourceError, match="has no documents"):
        read(register, FolderSource(empty))


def test_a_tally_tells_what_was_there(register: Path) -> None:
    content = lines(HEADER, *rows(range(10)), "bad")
    _, tally = read_manifest(register, content, Options(skip_invalid=True))
    assert replace(tally, done=0) == Tally(0, 11, 10, [(12, "1 cells instead of 3")], 1, set())
