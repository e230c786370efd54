"""Private data between endorsement and commit: kept until it is committed, durable before an endorsement is given."""

import asyncio
import sqlite3
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from network.embedded.transient import TransientStore

PLACE = ("registry", "secrets")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TransientStore]:
    store = TransientStore(tmp_path / "transient" / "CityMSP.db")
    yield store
    store.close()


def find(store: TransientStore, data: bytes, tx_id: str = "tx") -> bytes | None:
    return store.find(tx_id, *PLACE, sha256(data).digest())


async def test_what_was_put_is_found_by_transaction_place_and_hash(store: TransientStore) -> None:
    await store.put("tx", {PLACE: b"private", ("registry", "other"): b"also private"}, 7)
    assert find(store, b"private") == b"private"
    assert store.find("tx", "registry", "other", sha256(b"also private").digest()) == b"also private"
    assert find(store, b"private", "another tx") is None
    assert find(store, b"something else") is None
    assert store.find("tx", "registry", "third", sha256(b"private").digest()) is None


async def test_two_endorsements_of_a_transaction_that_differ_are_both_kept(store: TransientStore) -> None:
    await store.put("tx", {PLACE: b"one"}, 7)
    await store.put("tx", {PLACE: b"two"}, 8)
    await store.put("tx", {PLACE: b"two"}, 9)
    assert (find(store, b"one"), find(store, b"two")) == (b"one", b"two")


async def test_what_was_put_is_there_after_a_restart(store: TransientStore, tmp_path: Path) -> None:
    await store.put("tx", {PLACE: b"private"}, 7)
    again = TransientStore(tmp_path / "transient" / "CityMSP.db")
    assert find(again, b"private") == b"private"
    again.close()


async def test_what_was_put_is_synced_when_it_is_said_so(store: TransientStore, tmp_path: Path) -> None:
    connection = store._connection
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert connection.execute("PRAGMA secure_delete").fetchone() == (1,)
    await store.put("tx", {PLACE: b"private"}, 7)
    for path in (tmp_path / "transient").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600


async def test_nothing_is_left_in_the_files_of_what_is_forgotten(store: TransientStore, tmp_path: Path) -> None:
    await store.put("tx", {PLACE: b"a secret of the city"}, 7)
    store.forget(["tx"])
    assert find(store, b"a secret of the city") is None
    store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for path in (tmp_path / "transient").iterdir():
        assert b"a secret of the city" not in path.read_bytes()


async def test_calls_that_come_together_are_all_kept(store: TransientStore) -> None:
    await asyncio.gather(*(store.put(f"tx{number}", {PLACE: str(number).encode()}, 7) for number in range(50)))
    for number in range(50):
        assert find(store, str(number).encode(), f"tx{number}") is not None


async def test_who_gives_up_waiting_takes_nothing_from_the_others(store: TransientStore) -> None:
    calls = [asyncio.create_task(store.put(f"tx{number}", {PLACE: b"private"}, 7)) for number in range(3)]
    await asyncio.sleep(0)
    calls[0].cancel()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1:] == [None, None]
    assert find(store, b"private", "tx1") == find(store, b"private", "tx2") == b"private"


async def test_what_could_not_be_written_is_told_to_everyone_who_waits(store: TransientStore) -> None:
    store._connection.execute("PRAGMA query_only = ON")
    calls = [store.put(f"tx{number}", {PLACE: b"private"}, 7) for number in range(3)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(result, sqlite3.Error) for result in results)
    store._connection.execute("PRAGMA query_only = OFF")
    await store.put("tx", {PLACE: b"private"}, 7)
    assert find(store, b"private") == b"private"


async def test_what_was_never_committed_goes_with_time(store: TransientStore) -> None:
    for height in (5, 6, 7):
        await store.put(f"tx{height}", {PLACE: b"private"}, height)
    store.forget([], below=7)
    assert find(store, b"private", "tx5") is find(store, b"private", "tx6") is None
    assert find(store, b"private", "tx7") == b"private"
    store.forget(["tx7", "never heard of"])
    assert find(store, b"private", "tx7") is None
