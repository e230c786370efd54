"""What the store keeps by block: private write sets, and what a key was before."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chaincode.ledger.mvcc import Updates
from chaincode.ledger.state import KeyModification
from network.embedded.store import Commit, HistoryEntry, PrivateSet, Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "ledger.db")
    yield store
    store.close()


def commit(number: int, *private_sets: PrivateSet, values: tuple[bytes, ...] = (), is_delete: bool = False) -> Commit:
    return Commit(
        number=number,
        hash=bytes([number]),
        data=b"block",
        transactions=(),
        updates=Updates(),
        history=[
            HistoryEntry("space", "key", position, KeyModification("id", value, 0, 0, is_delete))
            for position, value in enumerate(values)
        ],
        private=(),
        private_sets=private_sets,
        commit_hash=b"",
    )


def test_private_sets_are_given_by_block_and_organisation_in_the_blocks_order(store: Store) -> None:
    late = PrivateSet("CityMSP", 10, "a", "x", b"late")
    early = PrivateSet("CityMSP", 2, "b", "x", b"early")
    other = PrivateSet("TriValleyMSP", 2, "b", "x", b"early")
    store.commit(commit(0, late, other, early))
    store.commit(commit(1, PrivateSet("CityMSP", 0, "a", "x", b"next block")))
    assert store.private_sets("CityMSP", 0) == [early, late]
    assert store.private_sets("TriValleyMSP", 0) == [other]
    assert store.private_sets("NishitetsuMSP", 0) == []
    assert store.private_sets("CityMSP", 2) == []


def test_values_before_a_block_come_last_one_first(store: Store) -> None:
    store.commit(commit(0, values=(b"first", b"second")))
    store.commit(commit(1, values=(b"",), is_delete=True))
    store.commit(commit(2, values=(b"third",)))
    assert list(store.values_before("space", "key", 3)) == [b"third", b"second", b"first"]
    assert list(store.values_before("space", "key", 2)) == [b"second", b"first"]
    assert list(store.values_before("space", "key", 0)) == []
    assert list(store.values_before("space", "other", 3)) == []
