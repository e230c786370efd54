"""The ledger's database under its readers: shared snapshots, a log that stays short, and no statement that scans."""

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from chaincode.ledger.mvcc import Updates
from chaincode.ledger.state import KeyModification, Version, VersionedValue
from network.embedded import database
from network.embedded.private_rows import Expired, PrivateSet, PrivateWrite
from network.embedded.store import Commit, HistoryEntry, Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "ledger.db")
    yield store
    store.close()


def block(number: int, value: bytes = b"", size: int = 100) -> Commit:
    """A block that writes one key, its value the block's number by default."""
    value = value or str(number).encode()
    updates = Updates()
    updates.public["space", "key"] = VersionedValue(value, Version(number, 0), b"")
    return Commit(
        number=number,
        hash=number.to_bytes(32, "big"),
        data=os.urandom(size),
        transactions=[(f"tx-{number}", 0, 0)],
        updates=updates,
        history=[HistoryEntry("space", "key", 0, KeyModification(f"tx-{number}", value, 0, 0, False))],
        private=[PrivateWrite("CityMSP", "space", "private", "key", value, Version(number, 0))],
        private_sets=[PrivateSet("CityMSP", 0, "space", "private", b"")],
        commit_hash=b"hash",
        expired=[Expired("space", "private", number - 5)],
    )


def write(store: Store, commit: Commit) -> None:
    store.commit(commit)
    store.committed(commit)


def value(store: Store) -> bytes:
    with store.snapshot("CityMSP") as state:
        found = state.get("space", "key")
        return found.value if found else b""


def log_size(store_path: Path) -> int:
    return store_path.with_name(store_path.name + "-wal").stat().st_size


def connections(path: Path) -> int:
    return sum(os.path.realpath(one) == str(path) for one in Path("/proc/self/fd").iterdir())


def test_a_snapshot_stays_as_it_was_and_the_next_one_sees_the_new_block(store: Store) -> None:
    write(store, block(0))
    with store.snapshot("CityMSP") as state:
        write(store, block(1))
        found = state.get("space", "key")
        assert found
        assert found.value == b"0"
        assert [one.value for one in state.history("space", "key")] == [b"0"]
        assert value(store) == b"1"
        with store.snapshot("CityMSP"):
            write(store, block(2))
            assert value(store) == b"2"
        assert state.get("space", "key") == found
    assert value(store) == b"2"


def test_a_snapshot_does_not_outlive_its_last_reader(store: Store) -> None:
    write(store, block(0))
    with store.snapshot("CityMSP") as state:
        rows = state.range("space", "", "")
        assert next(rows)[0] == "key"
    write(store, block(1))
    assert value(store) == b"1"


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_hundreds_of_readers_share_a_few_connections(store: Store, tmp_path: Path) -> None:
    write(store, block(0))
    before = connections(tmp_path / "ledger.db")
    for lot in range(3):
        with ExitStack() as readers:
            for number in range(1, 11):
                for _ in range(50):
                    readers.enter_context(store.snapshot("CityMSP"))
                write(store, block(10 * lot + number))
            assert connections(tmp_path / "ledger.db") - before <= 10


def test_readers_that_are_still_there_when_the_store_is_closed_can_end(tmp_path: Path) -> None:
    store = Store(tmp_path / "ledger.db")
    write(store, block(0))
    with ExitStack() as readers:
        readers.enter_context(store.snapshot("CityMSP"))
        write(store, block(1))
        readers.enter_context(store.snapshot("CityMSP"))
        store.close()
    assert not (tmp_path / "ledger.db-wal").exists()


async def test_the_log_stays_short_though_there_is_always_a_reader(store: Store, tmp_path: Path) -> None:
    write(store, block(0))
    over = asyncio.Event()

    async def read(turns: int) -> None:
        while not over.is_set():
            with store.snapshot("CityMSP"):
                for _ in range(turns):
                    await asyncio.sleep(0.001)

    readers = [asyncio.create_task(read(turns)) for turns in (1, 3, 5)]
    await asyncio.sleep(0)
    for number in range(1, 101):
        commit = block(number, size=database.COPY_AFTER // 2)
        await asyncio.to_thread(store.commit, commit)
        store.committed(commit)
        await store.shorten_log()
    over.set()
    await asyncio.gather(*readers)
    assert (tmp_path / "ledger.db").stat().st_size > 40 * database.COPY_AFTER
    assert log_size(tmp_path / "ledger.db") < 3 * database.LONG * 4096


async def test_a_reader_that_does_not_end_lets_the_log_grow_and_no_longer(store: Store, tmp_path: Path) -> None:
    def big(number: int) -> Commit:
        return block(number, size=database.COPY_AFTER)

    write(store, block(0))
    with store.snapshot("CityMSP") as state:
        for number in range(1, 13):
            write(store, big(number))
            await store.shorten_log()
        grown = log_size(tmp_path / "ledger.db")
        assert grown > 12 * database.COPY_AFTER
        found = state.get("space", "key")
        assert found
        assert found.value == b"0"
    for number in range(13, 25):
        write(store, big(number))
        await store.shorten_log()
    assert log_size(tmp_path / "ledger.db") <= grown + 2 * database.COPY_AFTER


def test_no_statement_scans_a_table(store: Store, tmp_path: Path) -> None:
    """With a hundred thousand certificates, every statement that a block or a question needs must find its rows."""
    statements: list[str] = []
    for connection in (store._writer, store._reader):
        connection.set_trace_callback(statements.append)
    for number in range(8):
        write(store, block(number))
    with store.snapshot("CityMSP") as state:
        state._connection.set_trace_callback(statements.append)
        ask_everything(store, state)
        state._connection.set_trace_callback(None)
    for connection in (store._writer, store._reader):
        connection.set_trace_callback(None)
    plans = sqlite3.connect(tmp_path / "ledger.db")
    asked = {one for one in statements if one.split()[0] in ("SELECT", "DELETE", "INSERT", "UPDATE")}
    assert len(asked) > 20
    for statement in asked:
        for *_, step in plans.execute(f"EXPLAIN QUERY PLAN {statement}"):
            assert not step.startswith("SCAN") or "CONSTANT ROW" in step, statement
            assert "TEMP B-TREE" not in step, statement
    plans.close()


def ask_everything(store: Store, state: object) -> None:
    from network.embedded.state_view import StateView

    assert isinstance(state, StateView)
    assert store.height == 8
    assert store.block(3)
    assert store.block_hash(3)
    assert store.block_number((3).to_bytes(32, "big")) == 3
    assert store.transaction("tx-3")
    assert store.private_sets("CityMSP", 7)
    assert list(store.values_before("space", "key", 7))
    assert store.commit_hash
    assert state.get("space", "key")
    assert list(state.range("space", "", ""))
    assert list(state.range("space", "a", "z"))
    assert list(state.history("space", "key"))
    assert state.get_private("space", "private", "key")
    assert list(state.private_range("space", "private", "a", "z"))
    assert state.get_private_hash("space", "private", b"") is None
