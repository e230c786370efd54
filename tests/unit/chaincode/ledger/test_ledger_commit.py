"""Which reads still hold at commit, and what is changed. Expectations follow Fabric's txmgmt/validation tests."""

from collections.abc import Callable
from hashlib import sha256

import pytest

from chaincode.ledger.hashed_set import key_hash
from chaincode.ledger.memory_state import MemoryState
from chaincode.ledger.mvcc import BlockValidator, Conflict
from chaincode.ledger.read_write_set import DuplicateNamespace, NamespaceSet, decode, decode_metadata
from chaincode.ledger.simulator import Simulator
from chaincode.ledger.state import Version, VersionedValue
from tests.unit.chaincode.ledger.ledger_states import state_of

Steps = Callable[[Simulator], object]


def simulated(state: MemoryState, steps: Steps) -> dict[str, NamespaceSet]:
    simulator = Simulator(state)
    steps(simulator)
    return decode(simulator.results().public)


def committed(state: MemoryState, *transactions: Steps) -> list[Conflict | None]:
    """Simulate all on the same state, then commit them in one block."""
    sets = [simulated(state, steps) for steps in transactions]
    validator = BlockValidator(state, 2)
    return [validator.validate(number, one) for number, one in enumerate(sets)]


def conflict_after(state: MemoryState, steps: Steps, change: Steps) -> Conflict | None:
    """What a transaction comes to when another one is committed in a block before it."""
    sets = simulated(state, steps)
    validator = BlockValidator(state, 2)
    assert validator.validate(0, simulated(state, change)) is None
    state.apply(validator.updates)
    return BlockValidator(state, 3).validate(0, sets)


def test_a_read_holds_as_long_as_nobody_writes_the_key() -> None:
    state = state_of({"a": b"1", "b": b"2"})
    assert conflict_after(state, lambda one: one.get("cc", "a"), lambda one: one.put("cc", "b", b"3")) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.put("cc", "a", b"2"),
        lambda one: one.put("cc", "a", b"1"),
        lambda one: one.delete("cc", "a"),
        lambda one: one.put_metadata("cc", "a", {"m": b"1"}),
    ],
)
@pytest.mark.parametrize("read", [lambda one: one.get("cc", "a"), lambda one: one.metadata("cc", "a")])
def test_a_read_does_not_hold_after_the_key_was_written(read: Steps, change: Steps) -> None:
    assert conflict_after(state_of({"a": b"1"}), read, change) is Conflict.MVCC_READ_CONFLICT
    assert committed(state_of({"a": b"1"}), change, read) == [None, Conflict.MVCC_READ_CONFLICT]


def test_an_absent_key_that_comes_to_be_is_a_conflict() -> None:
    assert (
        conflict_after(MemoryState(), lambda one: one.get("cc", "a"), lambda one: one.put("cc", "a", b"1"))
        is Conflict.MVCC_READ_CONFLICT
    )


def test_blind_writes_do_not_conflict_and_the_last_one_stays() -> None:
    state = MemoryState()
    validator = BlockValidator(state, 5)
    for number, value in enumerate((b"1", b"2")):
        assert validator.validate(number, simulated(state, lambda one, v=value: one.put("cc", "a", v))) is None
    assert validator.updates.public["cc", "a"] == VersionedValue(b"2", Version(5, 1))


def test_an_invalid_transaction_changes_nothing() -> None:
    def read_and_write(simulator: Simulator) -> None:
        simulator.get("cc", "a")
        simulator.put("cc", "b", b"1")

    state = state_of({"a": b"1"})
    assert committed(state, lambda one: one.put("cc", "a", b"2"), read_and_write, lambda one: one.get("cc", "b")) == [
        None,
        Conflict.MVCC_READ_CONFLICT,
        None,
    ]


@pytest.mark.parametrize(
    ("change", "conflict"),
    [
        (lambda one: one.put("cc", "b5", b"1"), Conflict.PHANTOM_READ_CONFLICT),
        (lambda one: one.delete("cc", "b"), Conflict.PHANTOM_READ_CONFLICT),
        (lambda one: one.put("cc", "c", b"1"), Conflict.PHANTOM_READ_CONFLICT),
        (lambda one: one.put("cc", "d", b"1"), None),
        (lambda one: one.put("cc", "a", b"1"), None),
        (lambda one: one.put("other", "b5", b"1"), None),
    ],
)
def test_phantoms(change: Steps, conflict: Conflict | None) -> None:
    def read(simulator: Simulator) -> None:
        list(simulator.range("cc", "b", "d"))

    contents = dict.fromkeys(("a", "b", "c", "d"), b"v")
    assert conflict_after(state_of(contents), read, change) is conflict
    assert committed(state_of(contents), change, read) == [None, conflict]


@pytest.mark.parametrize("count", [10, 60, 3000])
def test_phantoms_in_long_ranges(count: int) -> None:
    contents = {f"{number:04}": b"v" for number in range(count)}

    def read(simulator: Simulator) -> None:
        list(simulator.range("cc", "", ""))

    assert conflict_after(state_of(contents), read, lambda one: one.put("other", "x", b"1")) is None
    middle = f"{count // 2:04}"
    for change in (
        lambda one: one.put("cc", f"{middle}x", b"1"),
        lambda one: one.put("cc", middle, b"2"),
        lambda one: one.delete("cc", middle),
    ):
        assert conflict_after(state_of(contents), read, change) is Conflict.PHANTOM_READ_CONFLICT
        assert committed(state_of(contents), change, read)[1] is Conflict.PHANTOM_READ_CONFLICT


def test_what_lies_behind_the_last_key_seen_is_no_phantom() -> None:
    def read(simulator: Simulator) -> None:
        scan = simulator.range("cc", "a", "z")
        next(scan), next(scan)

    contents = {"a": b"1", "b": b"2", "c": b"3"}
    assert conflict_after(state_of(contents), read, lambda one: one.put("cc", "b5", b"1")) is None
    assert (
        conflict_after(state_of(contents), read, lambda one: one.put("cc", "b", b"1")) is Conflict.PHANTOM_READ_CONFLICT
    )


def test_a_public_read_is_judged_before_a_range_and_a_range_before_private_reads() -> None:
    def everything(simulator: Simulator) -> None:
        simulator.get("cc", "a")
        list(simulator.range("cc", "b", "c"))
        simulator.get_private_hash("cc", "coll", "p")

    state = state_of({"a": b"1", "b": b"1"}, private={"p": b"1"})

    def change(*keys: str) -> Steps:
        def steps(simulator: Simulator) -> None:
            for key in keys:
                simulator.put("cc", key, b"2")
            simulator.put_private("cc", "coll", "p", b"2")

        return steps

    assert committed(state, change("a", "b"), everything)[1] is Conflict.MVCC_READ_CONFLICT
    assert committed(state, change("b"), everything)[1] is Conflict.PHANTOM_READ_CONFLICT
    assert committed(state, change(), everything)[1] is Conflict.MVCC_READ_CONFLICT


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.put_private("cc", "coll", "p", b"2"),
        lambda one: one.put_private("cc", "coll", "p", b""),
        lambda one: one.put_private("cc", "coll", "p", b"", purge=True),
        lambda one: one.put_private_metadata("cc", "coll", "p", {"m": b"1"}),
    ],
)
@pytest.mark.parametrize(
    "read",
    [
        lambda one: one.get_private("cc", "coll", "p"),
        lambda one: one.get_private_hash("cc", "coll", "p"),
        lambda one: one.private_metadata("cc", "coll", "p"),
        lambda one: one.get_private_multiple("cc", "coll", ["p"]),
    ],
)
def test_private_reads_conflict_by_the_hash(read: Steps, change: Steps) -> None:
    assert conflict_after(state_of(private={"p": b"1"}), read, change) is Conflict.MVCC_READ_CONFLICT
    assert committed(state_of(private={"p": b"1"}), change, read) == [None, Conflict.MVCC_READ_CONFLICT]


def metadata_after(
    *transactions: Steps, private: bool = False
) -> tuple[bytes | None, dict[str, bytes], Version | None]:
    """Value, metadata and version of key `a` (or the private key `p`) after a block of these transactions."""
    state = state_of({"a": b"1"}, private={"p": b"1"}, policies={"a": b"old", "p": b"old"})
    validator = BlockValidator(state, 2)
    for number, steps in enumerate(transactions):
        assert validator.validate(number, simulated(state, steps)) is None
    updates = validator.updates
    found = updates.hashed["cc", "coll", key_hash("p")] if private else updates.public["cc", "a"]
    return (found.value, decode_metadata(found.metadata), found.version) if found else (None, {}, None)


OLD, NEW = {"VALIDATION_PARAMETER": b"old"}, {"VALIDATION_PARAMETER": b"new"}


def test_writing_a_value_leaves_the_metadata() -> None:
    assert metadata_after(lambda one: one.put("cc", "a", b"2")) == (b"2", OLD, Version(2, 0))


def test_writing_metadata_leaves_the_value_and_renews_the_version() -> None:
    assert metadata_after(lambda one: one.put_metadata("cc", "a", NEW)) == (b"1", NEW, Version(2, 0))


def test_metadata_can_be_removed() -> None:
    assert metadata_after(lambda one: one.put_metadata("cc", "a", {})) == (b"1", {}, Version(2, 0))


def test_value_and_metadata_of_one_transaction_come_together() -> None:
    def both(simulator: Simulator) -> None:
        simulator.put_metadata("cc", "a", NEW)
        simulator.put("cc", "a", b"2")

    assert metadata_after(both) == (b"2", NEW, Version(2, 0))


def test_metadata_written_earlier_in_the_block_stay() -> None:
    assert metadata_after(lambda one: one.put_metadata("cc", "a", NEW), lambda one: one.put("cc", "a", b"2")) == (
        b"2",
        NEW,
        Version(2, 1),
    )


def test_deleting_removes_the_metadata_too() -> None:
    def delete(simulator: Simulator) -> None:
        simulator.delete("cc", "a")
        simulator.put_metadata("cc", "a", NEW)

    assert metadata_after(delete) == (None, {}, None)
    assert metadata_after(delete, lambda one: one.put("cc", "a", b"2")) == (b"2", {}, Version(2, 1))


def test_metadata_of_an_absent_key_are_dropped() -> None:
    state = MemoryState()
    validator = BlockValidator(state, 2)
    sets = simulated(state, lambda one: one.put_metadata("cc", "a", NEW))
    assert validator.validate(0, sets) is None
    assert validator.updates.public == {}


def test_private_keys_metadata_follow_the_same_rules() -> None:
    one_hash, two_hash = sha256(b"1").digest(), sha256(b"2").digest()
    put = lambda one: one.put_private("cc", "coll", "p", b"2")  # noqa: E731
    renew = lambda one: one.put_private_metadata("cc", "coll", "p", NEW)  # noqa: E731
    assert metadata_after(put, private=True) == (two_hash, OLD, Version(2, 0))
    assert metadata_after(renew, private=True) == (one_hash, NEW, Version(2, 0))
    assert metadata_after(renew, put, private=True) == (two_hash, NEW, Version(2, 1))
    gone = metadata_after(lambda one: one.put_private("cc", "coll", "p", b""), renew, private=True)
    assert gone == (None, {}, None)


def test_a_purge_is_a_deletion_that_is_remembered() -> None:
    state = state_of(private={"p": b"1"})
    validator = BlockValidator(state, 2)
    sets = simulated(state, lambda one: one.put_private("cc", "coll", "p", b"", purge=True))
    assert validator.validate(3, sets) is None
    place = ("cc", "coll", key_hash("p"))
    assert validator.updates.hashed[place] is None
    assert validator.updates.purged == {place: Version(2, 3)}


def test_a_set_that_has_a_namespace_twice_is_refused() -> None:
    simulator = Simulator(MemoryState())
    simulator.put("cc", "a", b"1")
    data = simulator.results().public
    with pytest.raises(DuplicateNamespace):
        decode(data + data)
    with pytest.raises(ValueError, match="not a read-write set"):
        decode(b"\xff\xff")
