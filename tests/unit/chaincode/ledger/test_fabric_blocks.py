"""How transactions are judged and what blocks change, against what Fabric's validator made of the same blocks."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from chaincode.ledger import merkle_summary, read_write_set
from chaincode.ledger.memory_state import MemoryState
from chaincode.ledger.mvcc import BlockValidator, Conflict, Updates
from chaincode.ledger.read_write_set import CollectionSet, HashedWrite, NamespaceSet, RangeQuery, Write
from chaincode.ledger.state import Version, VersionedValue

BLOCKS = json.loads((Path(__file__).parent / "fabric_blocks.json").read_text(encoding="utf-8"))
METADATA = read_write_set.encode_metadata({"a": b"m"})

MVCC, PHANTOM = Conflict.MVCC_READ_CONFLICT, Conflict.PHANTOM_READ_CONFLICT


def digest(text: str) -> bytes:
    return sha256(text.encode()).digest()


def recorded_state() -> MemoryState:
    state, updates = MemoryState(), Updates()
    for number in range(10):
        metadata = METADATA if number % 3 == 1 else b""
        updates.public["ns", f"k{number}"] = VersionedValue(f"value {number}".encode(), Version(1, number), metadata)
    for number in range(5):
        metadata = METADATA if number % 2 else b""
        value = VersionedValue(digest(f"value h{number}"), Version(1, 50 + number), metadata)
        updates.hashed["ns", "coll", digest(f"h{number}")] = value
    state.apply(updates)
    return state


def described(value: VersionedValue | None, deleted: Version | None, text: Any) -> list[Any]:
    """A change as the recording has it: value, metadata, and the place of the transaction in the block."""
    if value is None:
        assert deleted is not None
        return [None, None, deleted.transaction]
    assert value.version.block == 2
    return [text(value.value), value.metadata.hex(), value.version.transaction]


@pytest.mark.parametrize("recorded", BLOCKS, ids=range(len(BLOCKS)))
def test_a_block_is_judged_and_applied_as_fabric_does(recorded: dict[str, Any]) -> None:
    validator = BlockValidator(recorded_state(), 2)
    codes = []
    for place, transaction in enumerate(recorded["transactions"]):
        conflict = validator.validate(place, read_write_set.decode(bytes.fromhex(transaction)))
        codes.append(conflict.value if conflict else "VALID")
    assert codes == recorded["codes"]
    updates = validator.updates
    assert recorded["public"] == {
        key: described(value, updates.deleted_public.get((namespace, key)), bytes.decode)
        for (namespace, key), value in updates.public.items()
    }
    assert recorded["hashed"] == {
        place[2].hex(): described(value, updates.deleted_hashed.get(place), bytes.hex)
        for place, value in updates.hashed.items()
    }
    assert recorded["purged"] == {place[2].hex(): version.transaction for place, version in updates.purged.items()}


# Case by case


def state_of(*keys: str) -> MemoryState:
    """Keys in order, each of the version (1, its place)."""
    state, updates = MemoryState(), Updates()
    for number, key in enumerate(keys):
        updates.public["ns", key] = VersionedValue(b"value", Version(1, number))
    state.apply(updates)
    return state


def judge(state: MemoryState, *sets: NamespaceSet) -> list[Conflict | None]:
    validator = BlockValidator(state, 2)
    return [validator.validate(place, {"ns": one}) for place, one in enumerate(sets)]


def reads(**versions: Version | None) -> NamespaceSet:
    return NamespaceSet(reads=dict(versions))


def writes(**values: bytes | None) -> NamespaceSet:
    return NamespaceSet(writes={key: Write(key, value or b"", value is None) for key, value in values.items()})


def query(start: str, end: str, *rows: tuple[str, int], exhausted: bool = True, degree: int = 0) -> NamespaceSet:
    """A range that was read: rows of versions (1, n), summarised when there is a degree."""
    seen = tuple((key, Version(1, number)) for key, number in rows)
    if degree:
        merkle = merkle_summary.summarise(seen, degree)
        return NamespaceSet(range_queries=[RangeQuery(start, end, exhausted, merkle=merkle)])
    return NamespaceSet(range_queries=[RangeQuery(start, end, exhausted, seen)])


def test_a_read_of_an_absent_key_holds_while_it_is_absent() -> None:
    state = state_of("a")
    assert judge(state, reads(absent=None)) == [None]
    assert judge(state, reads(a=None)) == [MVCC]
    assert judge(state, reads(absent=Version(1, 0))) == [MVCC]
    assert judge(state, writes(absent=b"x"), reads(absent=None)) == [None, MVCC]


@pytest.mark.parametrize("change", [b"new", b"value", None])
def test_a_write_before_it_in_the_block_overtakes_a_read(change: bytes | None) -> None:
    assert judge(state_of("a"), writes(a=change), reads(a=Version(1, 0))) == [None, MVCC]


def test_a_deletion_of_an_absent_key_overtakes_the_read_that_saw_none() -> None:
    assert judge(state_of(), writes(absent=None), reads(absent=None)) == [None, MVCC]


def test_namespaces_do_not_meet() -> None:
    validator = BlockValidator(state_of("a"), 2)
    assert validator.validate(0, {"other": writes(a=b"x")}) is None
    assert validator.validate(1, {"ns": reads(a=Version(1, 0))}) is None


# Restated from TestPhantomValidation and TestPhantomHashBasedValidation in Fabric's validator_test.go:
# key1 … of versions (1, 0), (1, 1) …


FIVE = ("key1", "key2", "key3", "key4", "key5")


def test_a_range_that_was_read_to_its_end_holds() -> None:
    assert judge(state_of(*FIVE), query("key2", "key4", ("key2", 1), ("key3", 2))) == [None]


def test_an_unfinished_range_includes_the_last_key_seen() -> None:
    state = state_of(*FIVE)
    seen = query("key2", "key4", ("key2", 1), ("key3", 2), ("key4", 3), exhausted=False)
    assert judge(state, seen) == [None]
    other_version = query("key2", "key4", ("key2", 1), ("key3", 2), ("key4", 2), exhausted=False)
    assert judge(state, other_version) == [PHANTOM]
    missing = query("key2", "key4", ("key2", 1), ("key4", 3), exhausted=False)
    assert judge(state, missing) == [PHANTOM]
    assert judge(state, writes(key3=None), seen) == [None, PHANTOM]
    assert judge(state, writes(key2_1=b"x"), seen) == [None, PHANTOM]
    assert judge(state, writes(key4=None), seen) == [None, PHANTOM]
    assert judge(state, writes(key4=b"x"), seen) == [None, PHANTOM]
    assert judge(state, writes(key4_1=b"x", key5=None, key1=b"x"), seen) == [None, None]


def test_a_finished_range_excludes_its_end() -> None:
    seen = query("key2", "key4", ("key2", 1), ("key3", 2))
    assert judge(state_of(*FIVE), writes(key4=b"x", key1=None), seen) == [None, None]
    assert judge(state_of(*FIVE), writes(key3_9=b"x"), seen) == [None, PHANTOM]


def test_a_range_without_an_end_goes_on_for_ever() -> None:
    seen = query("key4", "", ("key4", 3), ("key5", 4))
    state = state_of(*FIVE)
    assert judge(state, seen) == [None]
    assert judge(state, writes(**{"\U0010ffff": b"x"}), seen) == [None, PHANTOM]
    assert judge(state, writes(key3=b"x"), seen) == [None, None]


def test_a_range_of_nothing_holds_while_there_is_nothing() -> None:
    state = state_of("a")
    assert judge(state, query("b", "c")) == [None]
    assert judge(state, query("a", "c")) == [PHANTOM]
    assert judge(state, writes(b1=b"x"), query("b", "c")) == [None, PHANTOM]
    assert judge(state, writes(b1=None), query("b", "c")) == [None, None]


def test_a_key_that_one_transaction_makes_and_the_next_deletes_is_no_phantom() -> None:
    sets = (writes(b1=b"x"), writes(b1=None), query("b", "c"))
    assert judge(state_of("a"), *sets) == [None, None, None]


NINE = tuple(f"key{number}" for number in range(1, 10))


def test_a_hashed_range_holds_and_is_overtaken_like_any_other() -> None:
    state = state_of(*NINE)
    rows = [(f"key{number}", number - 1) for number in range(2, 9)]
    finished = query("key2", "key9", *rows, degree=2)
    assert judge(state, finished) == [None]
    for changed in (writes(key5=None), writes(key5=b"x"), writes(key5_1=b"x"), writes(key8_9=b"x"), writes(key2=None)):
        assert judge(state, changed, finished) == [None, PHANTOM]
    assert judge(state, writes(key9=b"x", key1=None), finished) == [None, None]
    unfinished = query("key1", "key9", *((key, number) for number, key in enumerate(NINE)), exhausted=False, degree=2)
    assert judge(state, unfinished) == [None]
    assert judge(state, writes(key9=None), unfinished) == [None, PHANTOM]
    wrong = [(key, 1 if key == "key3" else number) for number, key in enumerate(NINE)]
    assert judge(state, query("key1", "key9", *wrong, exhausted=False, degree=2)) == [PHANTOM]


def test_a_hashed_range_of_which_almost_all_went_is_overtaken() -> None:
    """What is left has no summary in Fabric, for it is short; it must not be equal to one."""
    state = state_of("key1", "key2")
    rows = [(f"key{number}", number - 1) for number in range(1, 5)]
    assert judge(state, query("key1", "", *rows, degree=2)) == [PHANTOM]
    assert judge(state_of(), query("key1", "", *rows, degree=2)) == [PHANTOM]


def test_keys_are_in_the_order_of_their_bytes() -> None:
    # In UTF-16, U+FFFF comes after U+1F600; in UTF-8 and as code points it comes before.
    state = state_of("\uffff", "\U0001f600")
    rows = (("\uffff", 0), ("\U0001f600", 1))
    assert judge(state, query("", "", *rows)) == [None]
    assert judge(state, query("", "", *reversed(rows))) == [PHANTOM]
    assert judge(state, writes(a=None), query("", "", *rows)) == [None, None]


def test_the_first_conflict_gives_the_code() -> None:
    both = query("a", "b")
    both.reads["a"] = None
    assert judge(state_of("a"), both) == [MVCC]
    ranged = query("a", "b")
    ranged.collections["coll"] = CollectionSet(reads={digest("h"): Version(9, 9)})
    assert judge(state_of("a"), ranged) == [PHANTOM]


def hashed(reads: dict[str, Version | None] | None = None, **values: bytes | None) -> NamespaceSet:
    collection = CollectionSet(
        reads={digest(key): version for key, version in (reads or {}).items()},
        writes={digest(key): HashedWrite(digest(key), value or b"", value is None) for key, value in values.items()},
    )
    return NamespaceSet(collections={"coll": collection})


def test_a_key_and_a_private_key_of_one_name_are_two_keys() -> None:
    assert judge(state_of("a"), hashed(a=b"x"), reads(a=Version(1, 0))) == [None, None]


# The state that the updates make


def test_updates_are_what_the_next_block_finds() -> None:
    state = recorded_state()
    validator = BlockValidator(state, 2)
    assert validator.validate(0, {"ns": writes(k0=b"new", k1=None, k10=b"more")}) is None
    assert validator.validate(1, {"ns": hashed(h0=b"hash", h1=None)}) is None
    state.apply(validator.updates)
    assert state.get("ns", "k0") == VersionedValue(b"new", Version(2, 0))
    assert state.get("ns", "k1") is None
    assert [key for key, _ in state.range("ns", "k0", "k3")] == ["k0", "k10", "k2"]
    assert state.get_private_hash("ns", "coll", digest("h0")) == VersionedValue(b"hash", Version(2, 1))
    assert state.get_private_hash("ns", "coll", digest("h1")) is None
