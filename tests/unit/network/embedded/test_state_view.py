"""What is read of a state that does not change is read once, whoever asks; private data never pass between readers."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaincode.ledger.mvcc import Updates
from chaincode.ledger.state import Version, VersionedValue
from network.embedded.private_rows import PrivateWrite
from network.embedded.state_view import SEEN, SMALL, Place, StateView
from network.embedded.store import Commit, Store

VERSION = Version(1, 0)
SMALL_ONE, LARGE_ONE = VersionedValue(b"value", VERSION), VersionedValue(b"x" * (SMALL + 1), VERSION)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    store = Store(tmp_path / "ledger.db")
    updates = Updates()
    updates.public = {("ns", "small"): SMALL_ONE, ("ns", "large"): LARGE_ONE}
    updates.hashed = {("ns", "private", b"hash"): SMALL_ONE}
    private = [PrivateWrite("CityMSP", "ns", "private", "key", b"secret", VERSION)]
    store.commit(Commit(1, b"", b"", [], updates, [], private, [], b""))
    store.close()
    connection = sqlite3.connect(tmp_path / "ledger.db")
    yield connection
    connection.close()


@pytest.fixture
def statements(connection: sqlite3.Connection) -> list[str]:
    found: list[str] = []
    connection.set_trace_callback(found.append)
    return found


def test_public_values_and_hashes_are_read_once_for_all(connection: sqlite3.Connection, statements: list[str]) -> None:
    seen: dict[Place, VersionedValue | None] = {}
    for organisation in ("CityMSP", "NishitetsuMSP"):
        state = StateView(connection, organisation, seen=seen)
        assert state.get("ns", "small") == SMALL_ONE
        assert state.get("ns", "absent") is None
        assert state.get_private_hash("ns", "private", b"hash") == SMALL_ONE
    assert len(statements) == 3


def test_a_state_that_may_change_is_read_every_time(connection: sqlite3.Connection, statements: list[str]) -> None:
    state = StateView(connection, "CityMSP")
    assert [state.get("ns", "small") for _ in range(2)] == [SMALL_ONE] * 2
    assert len(statements) == 2


def test_large_values_are_not_kept(connection: sqlite3.Connection) -> None:
    seen: dict[Place, VersionedValue | None] = {}
    state = StateView(connection, "CityMSP", seen=seen)
    assert [state.get("ns", "large") for _ in range(2)] == [LARGE_ONE] * 2
    assert not seen


def test_no_more_than_so_many_are_kept(connection: sqlite3.Connection) -> None:
    seen: dict[Place, VersionedValue | None] = {}
    state = StateView(connection, "CityMSP", seen=seen)
    assert [state.get("ns", f"absent-{number}") for number in range(SEEN + 10)] == [None] * (SEEN + 10)
    assert len(seen) == SEEN
    assert state.get("ns", "small") == SMALL_ONE


def test_private_values_are_not_kept(connection: sqlite3.Connection) -> None:
    seen: dict[Place, VersionedValue | None] = {}
    found = StateView(connection, "CityMSP", seen=seen).get_private("ns", "private", "key")
    assert found == VersionedValue(b"secret", VERSION)
    assert StateView(connection, "NishitetsuMSP", seen=seen).get_private("ns", "private", "key") is None
    assert not seen
