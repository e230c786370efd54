"""What a simulation records, private data and metadata included, and what it refuses."""

from collections.abc import Callable
from hashlib import sha256

import pytest
from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2

from chaincode.ledger.hashed_set import key_hash
from chaincode.ledger.memory_state import MemoryState
from chaincode.ledger.read_write_set import decode
from chaincode.ledger.simulator import PUBLIC, SimulationError, Simulator
from chaincode.ledger.state import Version, VersionedValue
from tests.unit.chaincode.ledger.ledger_states import state_of


def hashed_set(simulator: Simulator) -> tuple[kv_rwset_pb2.HashedRWSet, bytes]:
    message = rwset_pb2.TxReadWriteSet.FromString(simulator.results().public)
    (collection,) = message.ns_rwset[0].collection_hashed_rwset
    return kv_rwset_pb2.HashedRWSet.FromString(collection.hashed_rwset), collection.pvt_rwset_hash


def test_equal_simulations_in_different_order_give_equal_bytes() -> None:
    state = state_of({"a": b"1"}, private={"p": b"1"})

    def run(steps: list[Callable[[Simulator], object]]) -> bytes:
        simulator = Simulator(state)
        for step in steps:
            step(simulator)
        return simulator.results().public

    steps: list[Callable[[Simulator], object]] = [
        lambda one: one.get("cc", "a"),
        lambda one: one.put("other", "z", b"1"),
        lambda one: one.put("cc", "b", b"1"),
        lambda one: one.put_private("cc", "coll", "q", b"1"),
        lambda one: one.get_private("cc", "coll", "p"),
        lambda one: one.put_private("cc", "another", "q", b"1"),
        lambda one: one.put_metadata("cc", "a", {"y": b"1", "x": b"2"}),
    ]
    assert run(steps) == run(steps[::-1])


def test_hashes_stand_in_the_order_of_the_keys_they_hide() -> None:
    keys = [f"key-{number}" for number in range(20)]
    simulator = Simulator(state_of(private=dict.fromkeys(keys, b"v")))
    for key in reversed(keys):
        simulator.get_private_hash("cc", "coll", key)
        simulator.put_private("cc", "coll", key, b"w")
        simulator.put_private_metadata("cc", "coll", key, {"m": b"1"})
    message, _ = hashed_set(simulator)
    digests = [key_hash(key) for key in sorted(keys)]
    assert sorted(digests) != digests
    assert [one.key_hash for one in message.hashed_reads] == digests
    assert [one.key_hash for one in message.hashed_writes] == digests
    assert [one.key_hash for one in message.metadata_writes] == digests


def test_private_writes_are_public_as_hashes_only() -> None:
    simulator = Simulator(MemoryState())
    simulator.put_private("cc", "coll", "key", b"secret value")
    simulator.put_private("cc", "coll", "gone", b"")
    simulator.put_private("cc", "coll", "purged", b"", purge=True)
    results = simulator.results()
    assert b"secret value" not in results.public
    assert b"purged" not in results.public
    private = results.private["cc", "coll"]
    writes = kv_rwset_pb2.KVRWSet.FromString(private).writes
    assert [(one.key, one.value, one.is_delete) for one in writes] == [
        ("gone", b"", True),
        ("key", b"secret value", False),
        ("purged", b"", True),
    ]
    collection = decode(results.public)["cc"].collections["coll"]
    assert collection.private_digest == sha256(private).digest()
    assert collection.writes[key_hash("key")].value_hash == sha256(b"secret value").digest()
    assert collection.writes[key_hash("purged")].is_purge
    assert not collection.writes[key_hash("gone")].is_purge


def test_a_private_keys_metadata_are_public_and_the_private_set_names_the_key() -> None:
    simulator = Simulator(state_of(private={"key": b"v"}))
    simulator.put_private_metadata("cc", "coll", "key", {"VALIDATION_PARAMETER": b"policy"})
    results = simulator.results()
    (write,) = kv_rwset_pb2.KVRWSet.FromString(results.private["cc", "coll"]).metadata_writes
    assert (write.key, list(write.entries)) == ("key", [])
    assert results.sets["cc"].collections["coll"].metadata_writes == {
        key_hash("key"): {"VALIDATION_PARAMETER": b"policy"}
    }


def test_private_values_are_read_by_the_version_of_their_hash() -> None:
    simulator = Simulator(state_of(private={"x": b"0", "key": b"v"}))
    assert simulator.get_private("cc", "coll", "key") == b"v"
    assert simulator.get_private("cc", "coll", "missing") is None
    message, private_digest = hashed_set(simulator)
    assert [(one.key_hash, one.version.tx_num) for one in message.hashed_reads] == [
        (key_hash("key"), 1),
        (key_hash("missing"), 0),
    ]
    assert not message.hashed_reads[1].HasField("version")
    assert private_digest == b""


def test_whoever_lacks_the_newest_private_value_is_told_and_nothing_is_recorded() -> None:
    state = state_of(private={"key": b"v"})
    state.put_private("cc", "coll", "key", VersionedValue(b"old", Version(0, 7)))
    simulator = Simulator(state)
    with pytest.raises(SimulationError) as caught:
        simulator.get_private("cc", "coll", "key")
    assert str(caught.value) == (
        "private data matching public hash version is not available. Public hash version = {BlockNum: 1, TxNum: 0}, "
        "Private data version = {BlockNum: 0, TxNum: 7}"
    )
    state.put_private("cc", "coll", "key", None)
    with pytest.raises(SimulationError, match="Private data version = <nil>"):
        simulator.get_private("cc", "coll", "key")
    assert simulator.get_private_multiple("cc", "coll", ["key"]) == [None]
    assert simulator.get_private_hash("cc", "coll", "key") == sha256(b"v").digest()


def test_only_reads_of_values_count_as_private_reads() -> None:
    simulator = Simulator(state_of(private={"key": b"v"}))
    simulator.get_private_hash("cc", "a", "key")
    simulator.private_metadata("cc", "b", "key")
    simulator.put_private("cc", "c", "key", b"w")
    list(Simulator(simulator.state).private_range("cc", "d", "", ""))
    simulator.get_private_multiple("cc", "e", ["key"])
    simulator.get_private("cc", "coll", "key")
    assert simulator.results().private_reads == {("cc", "e"), ("cc", "coll")}


def test_private_ranges_give_what_is_held_in_byte_order_and_leave_no_trace() -> None:
    simulator = Simulator(state_of(private={"b": b"2", "é": b"4", "a": b"1", "c": b"3"}))
    assert list(simulator.private_range("cc", "coll", "a", "c")) == [("a", b"1"), ("b", b"2")]
    assert [key for key, _ in simulator.private_range("cc", "coll", "", "")] == ["a", "b", "c", "é"]
    assert simulator.results().public == b""


UNSUPPORTED = "txid [tx1]: unsuppored transaction. "


@pytest.mark.parametrize(
    "write",
    [
        lambda one: one.put("cc", "a", b"1"),
        lambda one: one.delete("cc", "a"),
        lambda one: one.put_metadata("cc", "a", {}),
        lambda one: one.put_private("cc", "coll", "a", b"1"),
        lambda one: one.put_private_metadata("cc", "coll", "a", {}),
    ],
)
def test_pages_and_private_ranges_exclude_writes(write: Callable[[Simulator], None]) -> None:
    simulator = Simulator(MemoryState(), "tx1")
    write(simulator)
    with pytest.raises(SimulationError) as caught:
        simulator.page("cc", "", "")
    assert str(caught.value) == UNSUPPORTED + "Paginated queries are supported only in a read-only transaction"
    with pytest.raises(SimulationError) as caught:
        simulator.private_range("cc", "coll", "", "")
    assert str(caught.value) == UNSUPPORTED + "Queries on pvt data is supported only in a read-only transaction"
    simulator = Simulator(MemoryState(), "tx1")
    simulator.page("cc", "", "")
    with pytest.raises(SimulationError) as caught:
        write(simulator)
    text = "Transaction has already performed a paginated query. Writes are not allowed"
    assert str(caught.value) == UNSUPPORTED + text
    simulator = Simulator(MemoryState(), "tx1")
    simulator.private_range("cc", "coll", "", "")
    with pytest.raises(SimulationError) as caught:
        write(simulator)
    text = "Transaction has already performed queries on pvt data. Writes are not allowed"
    assert str(caught.value) == UNSUPPORTED + text


def test_the_committed_metadata_of_written_keys_are_told() -> None:
    state = state_of({"plain": b"1", "guarded": b"2"}, private={"held": b"3"}, policies={"guarded": b"P", "held": b"Q"})
    simulator = Simulator(state)
    simulator.put("cc", "plain", b"2")
    simulator.put("cc", "new", b"2")
    simulator.delete("cc", "guarded")
    simulator.put_private_metadata("cc", "coll", "held", {"VALIDATION_PARAMETER": b"R"})
    simulator.get("cc", "guarded")
    assert simulator.results().written_metadata == {
        ("cc", PUBLIC): [{}, {}, {"VALIDATION_PARAMETER": b"P"}],
        ("cc", "coll"): [{"VALIDATION_PARAMETER": b"Q"}],
    }


def test_metadata_are_those_that_are_committed() -> None:
    simulator = Simulator(state_of({"a": b"1"}, private={"p": b"1"}, policies={"a": b"P", "p": b"Q"}))
    simulator.put_metadata("cc", "a", {"VALIDATION_PARAMETER": b"R"})
    assert simulator.metadata("cc", "a") == {"VALIDATION_PARAMETER": b"P"}
    assert simulator.metadata("cc", "b") == {}
    assert simulator.private_metadata("cc", "coll", "p") == {"VALIDATION_PARAMETER": b"Q"}
    sets = simulator.results().sets["cc"]
    assert set(sets.reads) == {"a", "b"}
    assert set(sets.collections["coll"].reads) == {key_hash("p")}


@pytest.mark.parametrize(
    "use",
    [
        lambda one: one.get("cc", "a"),
        lambda one: one.put("cc", "a", b"1"),
        lambda one: one.range("cc", "", ""),
        lambda one: one.history("cc", "a"),
        lambda one: one.get_private("cc", "coll", "a"),
        lambda one: one.private_range("cc", "coll", "", ""),
        lambda one: one.put_private("cc", "coll", "a", b"1"),
        lambda one: one.permissions("cc", "coll"),
    ],
)
def test_a_finished_simulation_refuses(use: Callable[[Simulator], object]) -> None:
    simulator = Simulator(MemoryState())
    simulator.results()
    with pytest.raises(SimulationError, match="this instance should not be used after calling Done"):
        use(simulator)
