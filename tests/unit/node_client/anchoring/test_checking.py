"""A dry run: it says what anchoring would do, and nothing of it stays."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from node_client.anchoring.batches import Batch, Batches
from node_client.anchoring.checking import Checked, check
from node_client.anchoring.giving_up import give_up
from node_client.anchoring.manifest import Manifest
from node_client.anchoring.options import Control, Options
from node_client.anchoring.runs import RunStore
from node_client.certificates.errors import RowsRefused, SourceError, Stopped
from node_client.certificates.register import Register
from node_client.certificates.statement import Ledger
from tests.unit.node_client.anchoring.registers import HEADER, ISSUER, LEDGER, lines, reader, rows

OPTIONS = Options(batch_size=4)


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Path]:
    """Where a register is, or may be; a dry run leaves nothing beside it."""
    folder = tmp_path / "City"
    folder.mkdir()
    yield folder / "register.db"
    assert {path.name for path in folder.iterdir()} <= {"register.db", "register.db-shm", "register.db-wal"}


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "manifest.csv"
    path.write_bytes(lines(HEADER, *rows(range(10))))
    return path


def dry(register: Path, manifest: Path, options: Options = OPTIONS, run: str = "", ledger: Ledger = LEDGER) -> Checked:
    """A dry run, which must leave the register as it was."""
    before = content(register)
    try:
        with Manifest(manifest) as source:
            return check(source, register, ISSUER, ledger, options, Control(), run=run)
    finally:
        assert content(register) == before


def content(register: Path) -> list[str] | None:
    """Everything that a register holds; None where there is none."""
    if not register.exists():
        return None
    with closing(sqlite3.connect(register)) as db:
        return list(db.iterdump())


def anchor(register: Path, manifest: Path, run: str = "", control: Control | None = None) -> list[Batch]:
    """A real run until it is ready to be sent."""
    with Manifest(manifest) as source:
        found, _ = reader(register, OPTIONS, run=run, control=control).source(source)
    with Register(register) as opened:
        return Batches(opened).of_run(found.run)


def test_a_new_run_makes_no_register(register: Path, manifest: Path) -> None:
    checked = dry(register, manifest)
    with Manifest(manifest) as source:
        assert checked.run == source.digest()
    assert (checked.members, checked.batches, checked.state, checked.already) == (10, 3, "", False)
    assert not list(register.parent.iterdir())


def test_what_a_real_run_does_is_what_was_said(register: Path, manifest: Path) -> None:
    Register(register).close()
    said = dry(register, manifest, run="night")
    batches = anchor(register, manifest, run="night")
    assert (said.batches, said.members) == (len(batches), sum(batch.size for batch in batches))


def test_a_run_that_stopped_while_it_was_read_would_go_on(register: Path, tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_bytes(lines(HEADER, *rows(range(9000))))
    control = Control()
    control.progress = lambda _: control.stop.set()
    with pytest.raises(Stopped):
        anchor(register, path, control=control)
    checked = dry(register, path)
    assert (checked.state, checked.members, checked.already) == ("reading", 9000, False)


def test_the_day_on_which_a_run_began_holds_for_what_is_left_of_it(register: Path, tmp_path: Path) -> None:
    path = tmp_path / "manifest.csv"
    yesterday = date.today() - timedelta(days=1)
    path.write_bytes(lines(f"{HEADER},valid_until", *(f"{row},{yesterday}" for row in rows(range(3)))))
    Register(register).close()
    with RunStore(register) as store, Manifest(path) as source:
        store.begin("night", source.digest(), OPTIONS.text(ISSUER, LEDGER), yesterday)
    assert dry(register, path, run="night").members == 3
    with pytest.raises(RowsRefused):
        dry(register, path, run="another night")


async def test_a_run_of_which_some_is_sent_would_go_on(register: Path, manifest: Path) -> None:
    batches = anchor(register, manifest)
    checked = dry(register, manifest)
    assert (checked.state, checked.members, checked.batches, checked.already) == ("sending", 10, 3, False)
    await attested(register, batches[0])
    assert dry(register, manifest).state == "sending"
    for batch in batches[1:]:
        await attested(register, batch)
    checked = dry(register, manifest)
    assert (checked.state, checked.already) == ("done", True)


async def attested(register: Path, batch: Batch) -> None:
    with Register(register) as opened:
        await Batches(opened).committed(batch, "11" * 32)
        await Batches(opened).attested(batch, b"attestation")


async def test_of_a_run_that_was_given_up_only_what_was_sent_is_there(register: Path, manifest: Path) -> None:
    first, *_ = anchor(register, manifest, run="night")
    await attested(register, first)
    with Register(register) as opened:
        await give_up(opened, "night", pytest.fail)
    checked = dry(register, manifest, run="night")
    assert (checked.state, checked.members, checked.batches, checked.already) == ("given-up", 4, 1, True)


@pytest.mark.parametrize("stopped", [False, True], ids=["ready to be sent", "not read to its end"])
def test_a_changed_source_and_other_options_are_refused_as_a_run_refuses_them(
    register: Path, manifest: Path, tmp_path: Path, stopped: bool
) -> None:
    control = Control()
    if stopped:
        control.stop.set()
        with pytest.raises(Stopped):
            anchor(register, manifest, run="night", control=control)
    else:
        anchor(register, manifest, run="night")
    other = tmp_path / "other.csv"
    other.write_bytes(lines(HEADER, *rows(range(20, 22))))
    with pytest.raises(SourceError, match="not the one with which the run night began"):
        dry(register, other, run="night")
    with pytest.raises(SourceError, match="not the one with which the run night began"):
        anchor(register, other, run="night")
    with pytest.raises(SourceError, match="begun with other options"):
        dry(register, manifest, replace(OPTIONS, type="taxation"), run="night")
    with pytest.raises(SourceError, match="begun with other options"):
        dry(register, manifest, run="night", ledger=replace(LEDGER, channel="other"))


def test_references_that_are_taken_are_refused_or_left_out(register: Path, manifest: Path, tmp_path: Path) -> None:
    anchor(register, manifest)
    other = tmp_path / "other.csv"
    other.write_bytes(lines(HEADER, *rows(range(8, 12))))
    with pytest.raises(RowsRefused) as refused:
        dry(register, other)
    assert [line for line, _ in refused.value.problems] == [2, 3]
    checked = dry(register, other, replace(OPTIONS, skip_invalid=True))
    assert (checked.members, checked.left_out, checked.batches) == (2, 2, 1)
    assert [line for line, _ in checked.problems] == [2, 3]
