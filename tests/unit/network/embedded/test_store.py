"""The ledger's database: what a block writes, in which order it is read, and what becomes of it when writing fails."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaincode.ledger.hashed_set import key_hash
from chaincode.ledger.mvcc import Updates
from chaincode.ledger.state import KeyModification, Version, VersionedValue
from network.embedded.database import LedgerUnavailable
from network.embedded.private_rows import PrivateWrite
from network.embedded.state_view import StateView
from network.embedded.store import SCHEMA, Commit, HistoryEntry, Store, TransactionPlace


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "ledger.db")
    yield store
    store.close()


def commit(number: int, updates: Updates | None = None, **parts: Any) -> Commit:
    values: dict[str, Any] = {
        "number": number,
        "hash": sha256(str(number).encode()).digest(),
        "data": f"block {number}".encode(),
        "transactions": [],
        "updates": updates or Updates(),
        "history": [],
        "private": [],
        "private_sets": [],
        "commit_hash": f"hash {number}".encode(),
        **parts,
    }
    return Commit(**values)


def write(store: Store, one: Commit) -> None:
    store.commit(one)
    store.committed(one)


def put(number: int, *keys: str, space: str = "ns", value: bytes = b"value") -> Updates:
    updates = Updates()
    for place, key in enumerate(keys):
        updates.public[space, key] = VersionedValue(value, Version(number, place))
    return updates


def keys(store: Store, start: str = "", end: str = "", space: str = "ns") -> list[str]:
    return [key for key, _ in store.state("CityMSP").range(space, start, end)]


def test_an_empty_store_has_nothing(store: Store) -> None:
    assert store.height == 0
    assert store.commit_hash == b""
    assert store.block(0) is store.block_number(b"hash") is store.transaction("tx") is None
    assert store.block_hash(0) == b""


def test_blocks_are_found_by_number_and_by_hash(store: Store) -> None:
    for number in range(3):
        write(store, commit(number))
    assert store.height == 3
    assert [store.block(number) for number in range(4)] == [b"block 0", b"block 1", b"block 2", None]
    assert store.block_number(store.block_hash(1)) == 1
    assert store.block_number(b"another") is None
    assert store.commit_hash == b"hash 2"
    assert store.block(-1) is None


def test_a_transaction_stands_where_its_id_was_first(store: Store) -> None:
    write(store, commit(0, transactions=[("one", 0, 0), ("two", 1, 11), ("two", 2, 2)]))
    write(store, commit(1, transactions=[("one", 0, 2)]))
    assert store.transaction("one") == TransactionPlace(0, 0, 0)
    assert store.transaction("two") == TransactionPlace(0, 1, 11)


def test_everything_is_there_after_a_restart(store: Store, tmp_path: Path) -> None:
    write(store, commit(0, put(0, "a"), transactions=[("tx", 0, 0)]))
    store.close()
    again = Store(tmp_path / "ledger.db")
    assert again.height == 1
    assert again.transaction("tx") == TransactionPlace(0, 0, 0)
    assert keys(again) == ["a"]
    assert again.commit_hash == b"hash 0"
    again.close()


def test_a_commit_is_on_the_disk_when_it_returns(store: Store, tmp_path: Path) -> None:
    writer = store._writer
    assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert writer.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL: SQLite syncs the log in COMMIT
    store.commit(commit(0))
    other = sqlite3.connect(tmp_path / "ledger.db")
    assert other.execute("SELECT data FROM blocks").fetchone() == (b"block 0",)
    other.close()


def test_keys_are_in_the_order_of_their_bytes(store: Store) -> None:
    names = ["a", "B", "ü", "\uffff", "\U00010000", "a\0", "aa", "日本", "~"]
    write(store, commit(0, put(0, *names)))
    assert keys(store) == sorted(names, key=str.encode)
    assert keys(store).index("\uffff") < keys(store).index("\U00010000")
    assert keys(store, "a", "b") == ["a", "a\0", "aa"]
    assert keys(store, "aa") == sorted((name for name in names if name.encode() >= b"aa"), key=str.encode)
    assert keys(store, "b", "a") == []


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=4), unique=True, max_size=8), st.data())
def test_ranges_are_half_open_and_in_byte_order(names: list[str], data: st.DataObject) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(SCHEMA)
        rows = [(name.encode(),) for name in names]
        connection.executemany("INSERT INTO state VALUES ('ns', ?, x'', 0, 0, x'')", rows)
        bound = st.text(st.characters(codec="utf-8"), max_size=3)
        start, end = data.draw(bound), data.draw(bound)
        found = [key for key, _ in StateView(connection, "CityMSP").range("ns", start, end)]
    expected = [name for name in names if name.encode() >= start.encode() and (not end or name.encode() < end.encode())]
    assert found == sorted(expected, key=str.encode)


def test_namespaces_do_not_meet(store: Store) -> None:
    write(store, commit(0, put(0, "key", space="one")))
    write(store, commit(1, put(1, "key", space="one\0")))
    state = store.state("CityMSP")
    assert (found := state.get("one", "key")) is not None
    assert found.version == Version(0, 0)
    assert state.get("two", "key") is None
    assert keys(store, space="one") == ["key"]


def test_a_write_replaces_value_version_and_metadata(store: Store) -> None:
    updates = Updates()
    updates.public["ns", "key"] = VersionedValue(b"old", Version(0, 3), b"metadata")
    write(store, commit(0, updates))
    assert store.state("CityMSP").get("ns", "key") == VersionedValue(b"old", Version(0, 3), b"metadata")
    write(store, commit(1, put(1, "key", value=b"")))
    assert store.state("CityMSP").get("ns", "key") == VersionedValue(b"", Version(1, 0), b"")


def test_a_deletion_removes_the_key_and_keeps_its_history(store: Store) -> None:
    def entry(number: int, value: bytes, *, deleted: bool = False) -> HistoryEntry:
        return HistoryEntry("ns", "key", 0, KeyModification(f"tx{number}", value, number, 5, deleted))

    write(store, commit(0, put(0, "key"), history=[entry(0, b"value")]))
    updates = Updates()
    updates.public["ns", "key"] = None
    updates.public["ns", "never there"] = None
    write(store, commit(1, updates, history=[entry(1, b"", deleted=True)]))
    assert store.state("CityMSP").get("ns", "key") is None
    assert keys(store) == []
    assert list(store.state("CityMSP").history("ns", "key")) == [
        KeyModification("tx1", b"", 1, 5, True),
        KeyModification("tx0", b"value", 0, 5, False),
    ]


def test_history_is_newest_first_within_a_block_too(store: Store) -> None:
    for number in range(2):
        entries = [
            HistoryEntry("ns", "key", place, KeyModification(f"tx{number}.{place}", b"", 0, 0, False))
            for place in (0, 9, 10)
        ]
        write(store, commit(number, history=entries))
    found = [one.tx_id for one in store.state("CityMSP").history("ns", "key")]
    assert found == ["tx1.10", "tx1.9", "tx1.0", "tx0.10", "tx0.9", "tx0.0"]


def test_private_values_are_their_organisations_own_and_hashes_everyones(store: Store) -> None:
    updates = Updates()
    place = ("ns", "secrets", key_hash("key"))
    updates.hashed[place] = VersionedValue(sha256(b"value").digest(), Version(0, 0))
    private = [PrivateWrite("CityMSP", "ns", "secrets", "key", b"value", Version(0, 0))]
    write(store, commit(0, updates, private=private))
    city, town = store.state("CityMSP"), store.state("TownMSP")
    assert city.get_private("ns", "secrets", "key") == VersionedValue(b"value", Version(0, 0))
    assert town.get_private("ns", "secrets", "key") is None
    assert city.get_private("ns", "others", "key") is None
    assert [key for key, _ in city.private_range("ns", "secrets", "", "")] == ["key"]
    assert list(town.private_range("ns", "secrets", "", "")) == []
    for state in (city, town):
        assert state.get_private_hash(*place) == VersionedValue(sha256(b"value").digest(), Version(0, 0))


def test_private_values_and_hashes_are_deleted(store: Store) -> None:
    updates, gone = Updates(), Updates()
    place = ("ns", "secrets", key_hash("key"))
    updates.hashed[place] = VersionedValue(b"hash", Version(0, 0))
    gone.hashed[place] = None
    for number, (changes, value) in enumerate(((updates, b"value"), (gone, None))):
        write(
            store,
            commit(
                number,
                changes,
                private=[PrivateWrite("CityMSP", "ns", "secrets", "key", value, Version(number, 0))],
            ),
        )
    assert store.state("CityMSP").get_private("ns", "secrets", "key") is None
    assert store.state("CityMSP").get_private_hash(*place) is None


def test_a_block_is_written_whole_or_not_at_all(store: Store) -> None:
    write(store, commit(0, put(0, "a")))
    twice = [HistoryEntry("ns", "key", 0, KeyModification("tx", b"", 0, 0, False))] * 2
    with pytest.raises(LedgerUnavailable):
        store.commit(commit(1, put(1, "b"), transactions=[("tx", 0, 0)], history=twice))
    assert store.height == 1
    assert store.transaction("tx") is None
    assert keys(store) == ["a"]
    assert store.commit_hash == b"hash 0"
    write(store, commit(1, put(1, "b")))
    assert keys(store) == ["a", "b"]


def test_a_block_cannot_be_written_twice(store: Store) -> None:
    write(store, commit(0))
    with pytest.raises(LedgerUnavailable):
        store.commit(commit(0))
    assert store.height == 1


def test_a_ledger_of_another_format_is_refused_and_left_alone(store: Store, tmp_path: Path) -> None:
    store.close()
    path = tmp_path / "ledger.db"
    connection = sqlite3.connect(path)
    connection.execute("UPDATE about SET value = '999' WHERE name = 'format'")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(LedgerUnavailable, match="of format 999, this program knows") as caught:
        Store(path)
    assert "another folder" in caught.value.next_step
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"not a database at all, but long enough" * 100, b"SQLite format 3\0" + b"\xff" * 4096]
)
def test_what_is_no_ledger_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(content)
    with pytest.raises(LedgerUnavailable):
        Store(path)
    assert path.read_bytes() == content


def test_a_folder_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailable, match="cannot be used"):
        Store(tmp_path / "nowhere" / "ledger.db")


def test_a_transaction_that_was_not_there_is_there_after_its_commit(store: Store) -> None:
    assert store.transaction("later") is None
    assert store.transaction("later") is None
    write(store, commit(0, transactions=[("later", 0, 0)]))
    assert store.transaction("later") == TransactionPlace(0, 0, 0)
