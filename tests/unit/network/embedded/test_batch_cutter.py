"""Blocks are cut where Fabric's `orderer/common/blockcutter` cuts them."""

from hypothesis import given
from hypothesis import strategies as st

from network.embedded.batch_cutter import BatchCutter
from node_client.protocol.config import BatchSize
from node_client.protocol.transaction import envelope


def message(size: int, name: bytes = b"") -> bytes:
    """An envelope of this size, as Fabric counts it: payload and signature."""
    return envelope(name.ljust(size - 1, b"x"), b"s") if size else envelope(name, b"")


def cutter(count: int = 10, preferred: int = 100) -> BatchCutter:
    return BatchCutter(BatchSize(count, 1000, preferred))


def test_an_envelope_waits_for_others() -> None:
    one = cutter()
    assert not one.pending
    assert one.ordered(message(10)) == []
    assert one.pending


def test_a_batch_is_cut_when_it_has_enough_envelopes() -> None:
    one = cutter(count=3)
    first, second, third = (message(10, name) for name in (b"1", b"2", b"3"))
    assert one.ordered(first) == []
    assert one.ordered(second) == []
    assert one.ordered(third) == [[first, second, third]]
    assert not one.pending


def test_a_batch_of_one_is_cut_at_once() -> None:
    one = cutter(count=1)
    assert one.ordered(message(10)) == [[message(10)]]
    assert not one.pending


def test_a_batch_is_cut_before_the_envelope_that_would_not_fit() -> None:
    one = cutter(preferred=100)
    first, second = message(60, b"1"), message(41, b"2")
    assert one.ordered(first) == []
    assert one.ordered(second) == [[first]]
    assert one.pending
    assert one.cut() == [second]


def test_a_batch_may_have_exactly_the_preferred_size() -> None:
    one = cutter(preferred=100)
    first, second, third = message(60, b"1"), message(40, b"2"), message(1, b"")
    assert one.ordered(first) == one.ordered(second) == []
    assert one.ordered(third) == [[first, second]]
    assert one.ordered(message(100)) == [[third]]
    assert one.cut() == [message(100)]


def test_an_envelope_beyond_the_preferred_size_has_a_batch_of_its_own() -> None:
    one = cutter(preferred=100)
    large, small = message(101), message(10)
    assert one.ordered(large) == [[large]]  # no empty batch before it
    assert not one.pending
    assert one.ordered(small) == []
    assert one.ordered(large) == [[small], [large]]
    assert not one.pending


def test_the_envelopes_own_encoding_is_not_counted() -> None:
    one = cutter(preferred=100)
    assert len(message(100)) > 100
    assert one.ordered(message(100)) == []
    assert one.pending


def test_two_batches_are_cut_when_the_second_one_is_full_at_once() -> None:
    one = cutter(count=2, preferred=100)
    first, second = message(60, b"1"), message(60, b"2")
    assert one.ordered(first) == []
    assert one.ordered(second) == [[first]]
    single = cutter(count=1, preferred=100)
    assert single.ordered(message(101)) == [[message(101)]]


def test_cutting_begins_a_new_batch() -> None:
    one = cutter(preferred=100)
    one.ordered(message(90))
    assert one.cut() == [message(90)]
    assert one.cut() == []
    assert one.ordered(message(90)) == []  # nothing is left of the size that was


@given(st.lists(st.integers(0, 130), max_size=40), st.integers(1, 6))
def test_every_envelope_is_in_one_batch_in_its_order_and_within_the_limits(sizes: list[int], count: int) -> None:
    one = cutter(count=count)
    envelopes = [message(size, str(place).encode()) for place, size in enumerate(sizes)]
    batches: list[list[bytes]] = []
    for envelope_ in envelopes:
        cut = one.ordered(envelope_)
        assert len(cut) <= 2
        batches += cut
    batches += [one.cut()] if one.pending else []
    assert [envelope_ for batch in batches for envelope_ in batch] == envelopes
    for batch in batches:
        assert 1 <= len(batch) <= count
