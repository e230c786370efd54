"""How far a range is recorded as read, which decides what is a phantom."""

import pytest

from chaincode.ledger.memory_state import MemoryState
from chaincode.ledger.open_query import BATCH, OpenQuery
from chaincode.ledger.read_write_set import RangeQuery, decode
from chaincode.ledger.simulator import Simulator
from chaincode.ledger.state import Version
from tests.unit.chaincode.ledger.ledger_states import state_of


def key(number: int) -> str:
    return f"{number:04}"


def keys(count: int) -> MemoryState:
    return state_of({key(number): b"v" for number in range(count)})


def recorded(simulator: Simulator) -> list[RangeQuery]:
    return decode(simulator.results().public)["cc"].range_queries


def test_a_range_read_to_its_end_is_recorded_as_asked_for() -> None:
    simulator = Simulator(keys(3))
    assert len(list(simulator.range("cc", key(1), "9"))) == 2
    assert recorded(simulator) == [RangeQuery(key(1), "9", True, ((key(1), Version(1, 1)), (key(2), Version(1, 2))))]


def test_an_empty_range_is_recorded_without_reads() -> None:
    simulator = Simulator(keys(3))
    assert list(simulator.range("cc", "x", "y")) == []
    assert recorded(simulator) == [RangeQuery("x", "y", True)]


def test_a_range_left_early_ends_with_the_last_key_seen() -> None:
    simulator = Simulator(keys(5))
    scan = simulator.range("cc", "", "")
    assert [next(scan)[0], next(scan)[0]] == [key(0), key(1)]
    assert recorded(simulator) == [RangeQuery("", key(1), False, ((key(0), Version(1, 0)), (key(1), Version(1, 1))))]


def test_as_many_rows_as_there_are_is_not_the_end_until_one_more_was_asked_for() -> None:
    simulator = Simulator(keys(2))
    scan = simulator.range("cc", "", "z")
    next(scan), next(scan)
    assert not recorded(simulator)[0].exhausted


@pytest.mark.parametrize(("count", "hashed"), [(50, False), (51, True)])
def test_more_reads_than_a_node_holds_are_summarised(count: int, hashed: bool) -> None:
    simulator = Simulator(keys(count))
    list(simulator.range("cc", "", ""))
    (query,) = recorded(simulator)
    assert (query.merkle is not None) == hashed
    assert len(query.reads) == (0 if hashed else count)


def test_the_same_range_twice_is_recorded_once() -> None:
    simulator = Simulator(keys(3))
    for _ in range(2):
        list(simulator.range("cc", "", ""))
    list(simulator.range("cc", key(1), ""))
    assert [query.start for query in recorded(simulator)] == ["", key(1)]


def test_ranges_are_recorded_in_the_order_in_which_they_were_opened() -> None:
    simulator = Simulator(keys(3))
    first, second = simulator.range("cc", key(2), ""), simulator.range("cc", key(1), "")
    list(second), list(first)
    assert [query.start for query in recorded(simulator)] == [key(2), key(1)]


def test_a_page_ends_before_the_key_of_its_bookmark() -> None:
    simulator = Simulator(keys(5))
    scan = simulator.page("cc", "", "")
    page = OpenQuery((name.encode() for name, _ in scan), 2).page()
    assert page == [b"0000", b"0001"]
    assert scan.bookmark() == key(2)
    (query,) = recorded(simulator)
    assert (query.end, query.exhausted, len(query.reads)) == (key(1), False, 2)


def test_the_last_page_has_no_bookmark() -> None:
    simulator = Simulator(keys(2))
    scan = simulator.page("cc", key(1), "")
    assert len(OpenQuery((name.encode() for name, _ in scan), 2).page()) == 1
    assert scan.bookmark() == ""
    assert recorded(simulator)[0].exhausted


def batches(count: int, limit: int = 1000) -> tuple[list[tuple[int, bool]], list[RangeQuery]]:
    simulator = Simulator(keys(count))
    query = OpenQuery((name.encode() for name, _ in simulator.range("cc", "", "")), limit)
    found = []
    has_more = True
    while has_more:
        rows, has_more = query.batch()
        found.append((len(rows), has_more))
    return found, recorded(simulator)


def test_a_full_batch_is_the_last_when_nothing_follows_it() -> None:
    assert batches(BATCH)[0] == [(BATCH, False)]


def test_a_batch_is_given_once_the_row_after_it_has_been_read() -> None:
    simulator = Simulator(keys(150))
    query = OpenQuery((name.encode() for name, _ in simulator.range("cc", "", "")), 1000)
    rows, has_more = query.batch()
    assert (len(rows), has_more) == (BATCH, True)
    (read,) = recorded(simulator)
    assert (read.end, read.exhausted) == (key(100), False)


def test_batches_give_every_row() -> None:
    assert batches(250)[0] == [(BATCH, True), (BATCH, True), (50, False)]


def test_the_limit_ends_a_query_as_if_it_had_no_more_and_is_not_its_end() -> None:
    found, (query,) = batches(250, limit=120)
    assert found == [(BATCH, True), (20, False)]
    assert (query.end, query.exhausted) == (key(119), False)
