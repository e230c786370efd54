"""Simulations over one committed state, message by message, against what Fabric's simulator came to."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from fabric_protos.peer import chaincode_shim_pb2 as PB  # noqa: N812

from chaincode.ledger import read_write_set
from chaincode.ledger.memory_state import MemoryState
from chaincode.ledger.mvcc import Updates
from chaincode.ledger.simulator import SimulationError, Simulator
from chaincode.ledger.state import Version, VersionedValue
from chaincode.ledger.transaction_context import TransactionContext

Message = PB.ChaincodeMessage
SCENARIOS = json.loads((Path(__file__).parent / "fabric_simulations.json").read_text(encoding="utf-8"))
POLICY = read_write_set.encode_metadata({"VALIDATION_PARAMETER": b"p"})


def digest(text: str) -> bytes:
    return sha256(text.encode()).digest()


def committed_state() -> MemoryState:
    """150 public keys, two private ones, and three whose private value is not what the hash says."""
    state, updates = MemoryState(), Updates()
    for number in range(150):
        metadata = POLICY if number == 1 else b""
        value = VersionedValue(f"value {number}".encode(), Version(1, number), metadata)
        updates.public["ns", f"key_{number:03}"] = value
    for number, key in enumerate(("alpha", "zeta")):
        version = Version(1, 200 + number)
        updates.hashed["ns", "secret", digest(key)] = VersionedValue(digest(f"private {key}"), version, POLICY)
        state.put_private("ns", "secret", key, VersionedValue(f"private {key}".encode(), version))
    updates.hashed["ns", "secret", digest("stale")] = VersionedValue(digest("new"), Version(2, 0))
    state.put_private("ns", "secret", "stale", VersionedValue(b"old", Version(1, 210)))
    updates.hashed["ns", "secret", digest("unheld")] = VersionedValue(digest("unheld"), Version(2, 1))
    state.put_private("ns", "secret", "orphan", VersionedValue(b"orphan", Version(2, 2)))
    state.apply(updates)
    return state


class Refused(Exception):
    pass


class Asker:
    """A chaincode that asks a transaction's context."""

    def __init__(self, state: MemoryState | None = None) -> None:
        self.simulator = Simulator(state or committed_state(), "tx")
        self.context = TransactionContext("channel", "tx", "ns", self.simulator)

    def ask(self, kind: str, request: Any) -> bytes:
        number = Message.Type.Value(kind)
        answer = self.context.handle(
            Message(type=number, payload=request.SerializeToString(), txid="tx", channel_id="channel")
        )
        assert (answer.txid, answer.channel_id) == ("tx", "channel")
        if answer.type == Message.ERROR:
            prefix = f"{kind} failed: transaction ID: tx: "
            text = answer.payload.decode()
            assert text.startswith(prefix)
            raise Refused(text.removeprefix(prefix))
        assert answer.type == Message.RESPONSE
        return answer.payload

    def perform(self, op: dict[str, Any]) -> Any:
        """Do what a line of the recording says, for its result."""
        collection = "secret" if op["op"].startswith("private") or op["op"] == "purge" else ""
        name = op["op"].removeprefix("private_")
        place = {"key": op.get("key", ""), "collection": collection}
        value = op.get("value", "").encode()
        if name == "get":
            return self.ask("GET_STATE", PB.GetState(**place)).decode() or None
        if name == "hash":
            return self.ask("GET_PRIVATE_DATA_HASH", PB.GetState(**place)).hex() or None
        if name == "multiple":
            answer = self.ask("GET_STATE_MULTIPLE", PB.GetStateMultiple(keys=op["keys"], collection=collection))
            return [one.decode() or None for one in PB.GetStateMultipleResult.FromString(answer).values]
        if name == "put":
            return self.ask("PUT_STATE", PB.PutState(**place, value=value))
        if name == "delete":
            return self.ask("DEL_STATE", PB.DelState(**place))
        if name == "purge":
            return self.ask("PURGE_PRIVATE_DATA", PB.DelState(**place))
        if name == "metadata":
            answer = self.ask("GET_STATE_METADATA", PB.GetStateMetadata(**place))
            return {one.metakey: one.value.decode() for one in PB.StateMetadataResult.FromString(answer).entries}
        if name == "put_metadata":
            entry = PB.StateMetadata(metakey=op["name"], value=value)
            return self.ask("PUT_STATE_METADATA", PB.PutStateMetadata(**place, metadata=entry))
        bounds = {"startKey": op["start"], "endKey": op["end"], "collection": collection}
        if name == "range":
            return self._range(bounds, op.get("batches", 1))
        assert name == "page"
        page = PB.QueryMetadata(pageSize=op["size"], bookmark=op["bookmark"]).SerializeToString()
        answer = PB.QueryResponse.FromString(
            self.ask("GET_STATE_BY_RANGE", PB.GetStateByRange(**bounds, metadata=page))
        )
        metadata = PB.QueryResponseMetadata.FromString(answer.metadata)
        assert metadata.fetched_records_count == len(answer.results)
        assert not answer.has_more
        return [len(answer.results), metadata.bookmark]

    def _range(self, bounds: dict[str, str], batches: int) -> None:
        answer = PB.QueryResponse.FromString(self.ask("GET_STATE_BY_RANGE", PB.GetStateByRange(**bounds)))
        for _ in range(batches - 1):
            assert answer.has_more
            answer = PB.QueryResponse.FromString(self.ask("QUERY_STATE_NEXT", PB.QueryStateNext(id=answer.id)))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario["name"])
def test_a_simulation_answers_and_comes_to_what_fabrics_does(scenario: dict[str, Any]) -> None:
    asker = Asker()
    for op in scenario["ops"]:
        if "error" in op:
            with pytest.raises(Refused) as refused:
                asker.perform(op)
            assert str(refused.value) == op["error"]
        else:
            result = asker.perform(op)
            if "result" in op:
                assert result == op["result"], op
    results = asker.simulator.results()
    assert results.public.hex() == scenario["public"]
    private = {f"{namespace}/{collection}": data.hex() for (namespace, collection), data in results.private.items()}
    assert private == scenario.get("private", {})
    # What is handed on decoded is what was encoded.
    assert read_write_set.decode(results.public) == results.sets
    assert read_write_set.encode(read_write_set.decode(results.public)) == results.public


def test_the_same_simulation_gives_the_same_bytes_in_another_order() -> None:
    """What two peers endorse must be equal, however their chaincodes order independent requests."""
    (writes,) = (one for one in SCENARIOS if one["name"].startswith("private writes"))
    reads = [{"op": "get", "key": key} for key in ("key_009", "key_000", "absent")]
    forward, backward = Asker(), Asker()
    last = {(op["op"].startswith("p"), op["key"]): op for op in writes["ops"]}
    for op in [*reads, *last.values()]:
        forward.perform(op)
    for op in [*reversed(last.values()), *reversed(reads)]:
        backward.perform(op)
    one, other = forward.simulator.results(), backward.simulator.results()
    assert one.public == other.public
    assert one.private == other.private


def test_a_simulation_that_has_ended_answers_no_more() -> None:
    asker = Asker()
    asker.simulator.results()
    for op in (
        {"op": "get", "key": "key_000"},
        {"op": "put", "key": "a", "value": "1"},
        {"op": "range", "start": "", "end": ""},
        {"op": "private_get", "key": "alpha"},
    ):
        with pytest.raises(Refused, match="should not be used after calling"):
            asker.perform(op)


def test_the_results_tell_what_an_endorsement_plan_needs() -> None:
    asker = Asker()
    for op in (
        {"op": "put", "key": "key_001", "value": "x"},
        {"op": "put", "key": "key_002", "value": "x"},
        {"op": "private_put", "key": "alpha", "value": "x"},
        {"op": "private_get", "key": "zeta"},
    ):
        asker.perform(op)
    results = asker.simulator.results()
    assert results.private_reads == {("ns", "secret")}
    assert results.written_metadata == {
        ("ns", ""): [{"VALIDATION_PARAMETER": b"p"}, {}],
        ("ns", "secret"): [{"VALIDATION_PARAMETER": b"p"}],
    }


def test_a_hash_that_is_read_is_no_private_read() -> None:
    asker = Asker()
    asker.perform({"op": "private_hash", "key": "alpha"})
    assert not asker.simulator.results().private_reads


def test_a_collection_that_is_not_there_is_refused() -> None:
    class NoCollections:
        def require(self, simulator: Simulator, namespace: str, collection: str) -> None:
            raise SimulationError(f"no collection {collection}")

        def permissions(self, simulator: Simulator, namespace: str, collection: str) -> Any:
            raise SimulationError(f"no collection {collection}")

    asker = Asker()
    asker.simulator.collections = NoCollections()
    for name in ("private_get", "private_hash", "private_put", "private_delete", "purge", "private_metadata"):
        with pytest.raises(Refused, match="no collection secret"):
            asker.perform({"op": name, "key": "alpha", "value": "x"})
    assert asker.simulator.results().public == b""
