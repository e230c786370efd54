"""Runs that are given up: what may be on the ledger stays, and of the rest nothing does."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from node_client.anchoring.batches import Batch, Batches
from node_client.anchoring.giving_up import GivenUp, give_up
from node_client.anchoring.options import Control, Options
from node_client.anchoring.runs import RunStore
from node_client.anchoring.source import Entry
from node_client.certificates.errors import NotInRegister, OutcomeUnknown, RegisterError, RowsRefused, Stopped
from node_client.certificates.register import Register
from tests.unit.node_client.anchoring.registers import digest, members, reader

OPTIONS = Options(batch_size=300)


@pytest.fixture
def register(tmp_path: Path) -> Path:
    return tmp_path / "register.db"


def entries(count: int) -> list[Entry]:
    return [Entry(sha256=digest(number), size=1, reference=f"R{number}") for number in range(count)]


def counts(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as db:
        tables = ("runs", "segments", "members", "by_id", "by_reference", "batches", "tiles")
        return {table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}


async def never(batch: Batch) -> Batch:
    raise AssertionError(batch)


async def forget(path: Path, resolve: object = never) -> GivenUp:
    with Register(path) as register:
        return await give_up(register, "night", resolve)  # type: ignore[arg-type]


async def sealed(path: Path, count: int = 900) -> list[Batch]:
    run, _ = await reader(path, OPTIONS, run="night").entries(entries(count))
    with Register(path) as register:
        return Batches(register).of_run(run.run)


async def test_of_a_run_that_was_never_sent_nothing_is_left(register: Path) -> None:
    await sealed(register)
    given_up = await forget(register)
    assert (given_up.certificates, given_up.batches, given_up.kept, given_up.unknown) == (900, 3, (), ())
    assert set(counts(register).values()) == {0}
    assert b"R170" not in register.read_bytes()
    run, _ = await reader(register, OPTIONS, run="night").entries(entries(900))
    assert run.members == 900


async def test_a_run_that_was_not_read_to_its_end(register: Path) -> None:
    control = Control()
    control.progress = lambda _: control.stop.set()
    with pytest.raises(Stopped):
        await reader(register, OPTIONS, run="night", control=control).entries(entries(9000))
    kept = counts(register)["members"]
    assert (await forget(register)).certificates == kept > 0
    assert set(counts(register).values()) == {0}


async def test_what_is_on_the_ledger_stays_and_the_rest_is_free_again(register: Path) -> None:
    _, second, third = await sealed(register)
    tiles = counts(register)["tiles"]
    assert tiles
    with Register(register) as opened:
        batches = Batches(opened)
        await batches.committed(second, "22" * 32)
        await batches.attested(second, b"attestation")
        await batches.endorsed(third, "33" * 32, b"envelope")

    async def committed(batch: Batch) -> Batch:
        with Register(register) as opened:
            await Batches(opened).committed(batch, "33" * 32)
            return await Batches(opened).attested(batch, b"attestation")

    given_up = await forget(register, committed)
    assert (given_up.certificates, given_up.batches, given_up.unknown) == (300, 1, ())
    assert [batch.batch_id for batch in given_up.kept] == [second.batch_id, third.batch_id]
    with RunStore(register) as store:
        run = store.find("night")
    assert run is not None
    assert (run.state, run.members) == ("given-up", 600)
    assert [one.given for one in members(register, run)] == [f"R{number}" for number in range(300, 900)]
    left = counts(register)
    assert (left["members"], left["by_id"], left["by_reference"]) == (600, 600, 600)
    assert (left["batches"], left["tiles"]) == (2, tiles * 2 // 3)
    found, tally = await reader(register, OPTIONS, run="night").entries(entries(900))
    assert (found, tally.members) == (run, 0)
    with pytest.raises(RowsRefused) as refused:
        await reader(register, OPTIONS, run="rest").entries(entries(900))
    assert refused.value.count == 600
    rest, _ = await reader(register, OPTIONS, run="rest").entries(entries(300))
    assert rest.members == 300
    assert (await forget(register)).certificates == 0  # again, it is harmless


async def test_a_batch_of_which_nobody_can_tell_stays(register: Path) -> None:
    _, second, _ = await sealed(register)
    with Register(register) as opened:
        await Batches(opened).endorsed(second, "22" * 32, b"envelope")
    asked = []

    async def unknown(batch: Batch) -> Batch:
        asked.append(batch.batch_id)
        raise OutcomeUnknown("22" * 32, "not known")

    given_up = await forget(register, unknown)
    assert (given_up.certificates, given_up.kept) == (600, ())
    assert [error.transaction_id for error in given_up.unknown] == ["22" * 32]
    again = await forget(register, unknown)
    assert (again.certificates, len(again.unknown)) == (0, 1)
    assert asked == [second.batch_id] * 2

    async def not_written(batch: Batch) -> Batch:
        with Register(register) as opened:
            return await Batches(opened).not_written(batch, "22" * 32)

    assert (await forget(register, not_written)).certificates == 300
    assert set(counts(register).values()) == {0}


async def test_when_nobody_can_be_asked_nothing_is_given_up(register: Path) -> None:
    first, *_ = await sealed(register)
    with Register(register) as opened:
        await Batches(opened).endorsed(first, "11" * 32, b"envelope")
    before = counts(register)

    async def away(batch: Batch) -> Batch:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await forget(register, away)
    assert counts(register) == before


async def test_a_command_that_is_about_to_send_what_was_given_up_does_not(register: Path) -> None:
    first, *_ = await sealed(register)
    await forget(register)
    with Register(register) as opened, pytest.raises(RegisterError, match="no longer in the register"):
        await Batches(opened).endorsed(first, "11" * 32, b"envelope")


async def test_a_batch_that_another_command_sends_meanwhile_stays(register: Path) -> None:
    first, second, _ = await sealed(register)
    with Register(register) as opened:
        await Batches(opened).endorsed(first, "11" * 32, b"envelope")

    async def meanwhile(batch: Batch) -> Batch:
        with Register(register) as opened:
            await Batches(opened).endorsed(second, "22" * 32, b"envelope")
            return await Batches(opened).not_written(batch, "11" * 32)

    given_up = await forget(register, meanwhile)
    assert (given_up.certificates, [error.transaction_id for error in given_up.unknown]) == (600, ["22" * 32])


async def test_a_finished_run_and_one_that_is_not_there_are_refused(register: Path) -> None:
    for batch in await sealed(register):
        with Register(register) as opened:
            await Batches(opened).committed(batch, "11" * 32)
            await Batches(opened).attested(batch, b"attestation")
    before = await asyncio.to_thread(counts, register)
    with pytest.raises(RegisterError, match="nothing to give up"):
        await forget(register)
    assert counts(register) == before
    with Register(register) as opened, pytest.raises(NotInRegister):
        await give_up(opened, "day", never)
