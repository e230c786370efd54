"""What an endorser tells the gateway of a simulation. Expectations follow Fabric's core/endorser/endorser_test.go
("when building the ChaincodeInterest")."""

from collections.abc import Callable, Iterable, Mapping

import pytest
from fabric_protos.common import policies_pb2
from fabric_protos.peer import proposal_response_pb2

from chaincode.ledger.read_write_set import CollectionSet, NamespaceSet, Write
from chaincode.ledger.simulator import SimulationError, SimulationResults, Simulator
from network.embedded.interest import chaincode_interest
from node_client.protocol.policy_dsl import parse_policy
from tests.unit.chaincode.ledger.ledger_states import state_of

Call = proposal_response_pb2.ChaincodeCall
Envelope = policies_pb2.SignaturePolicyEnvelope
SBE = Envelope(rule=policies_pb2.SignaturePolicy(signed_by=0))
GUARDED = {"VALIDATION_PARAMETER": SBE.SerializeToString()}

WRITTEN = NamespaceSet(writes={"myKey": Write("myKey", b"myValue")})
READ = NamespaceSet(reads={"myKey": None})


def interest(
    sets: Mapping[str, NamespaceSet],
    written: Mapping[tuple[str, str], list[dict[str, bytes]]],
    reads: Iterable[tuple[str, str]] = (),
) -> list[Call]:
    results = SimulationResults(
        public=b"", private={}, sets=sets, private_reads=frozenset(reads), written_metadata=written
    )
    return list(chaincode_interest(results).chaincodes)


def test_a_private_collection_that_is_read_and_written() -> None:
    assert interest({}, {("cc", "coll"): [{}]}, [("cc", "coll")]) == [Call(name="cc", collection_names=["coll"])]


def test_a_private_collection_that_is_only_read() -> None:
    sets = {"cc": NamespaceSet(collections={"coll": CollectionSet()})}
    assert interest(sets, {}, [("cc", "coll")]) == [Call(name="cc"), Call(name="cc", collection_names=["coll"])]


def test_a_private_collection_that_is_only_written() -> None:
    expected = [Call(name="cc", collection_names=["coll"], no_private_reads=True)]
    assert interest({"cc": READ}, {("cc", "coll"): [{}]}) == expected


def test_a_private_collection_and_keys_with_policies() -> None:
    assert interest({}, {("cc", "coll"): [{}, GUARDED]}) == [
        Call(name="cc", key_policies=[SBE], disregard_namespace_policy=True),
        Call(name="cc", collection_names=["coll"], no_private_reads=True),
    ]


def test_keys_with_policies_alone() -> None:
    expected = [Call(name="cc", key_policies=[SBE], disregard_namespace_policy=True)]
    assert interest({"cc": WRITTEN}, {("cc", ""): [GUARDED]}) == expected


def test_keys_with_policies_and_without() -> None:
    assert interest({"cc": WRITTEN}, {("cc", ""): [GUARDED, {}]}) == [Call(name="cc", key_policies=[SBE])]


def test_calls_between_chaincodes() -> None:
    sets = {"cc": WRITTEN, "other": WRITTEN}
    assert interest(sets, {("cc", ""): [{}], ("other", ""): [{}]}) == [Call(name="cc"), Call(name="other")]


def test_system_chaincodes_do_not_count() -> None:
    sets = {"cc": WRITTEN, "_lifecycle": WRITTEN, "lscc": READ}
    written = {("cc", "coll"): [dict[str, bytes]()], ("_lifecycle", "coll"): [dict[str, bytes]()]}
    found = interest(sets, written, [("cc", "coll"), ("_lifecycle", "coll")])
    assert found == [Call(name="cc", collection_names=["coll"])]


def test_metadata_other_than_a_policy_do_not_count() -> None:
    assert interest({"cc": WRITTEN}, {("cc", ""): [{"other": b"1"}]}) == [Call(name="cc")]


def test_a_policy_that_cannot_be_read() -> None:
    with pytest.raises(SimulationError, match="error unmarshalling SignaturePolicyEnvelope"):
        interest({"cc": WRITTEN}, {("cc", ""): [{"VALIDATION_PARAMETER": b"\xff"}]})


CITY = parse_policy("OR('CityMSP.peer')")


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([], []),
        ([lambda one: one.get("cc", "a")], [Call(name="cc")]),
        ([lambda one: one.put("cc", "a", b"2")], [Call(name="cc")]),
        ([lambda one: list(one.range("cc", "a", "b"))], [Call(name="cc")]),
        (
            [lambda one: one.put("cc", "guarded", b"2")],
            [Call(name="cc", key_policies=[Envelope.FromString(CITY)], disregard_namespace_policy=True)],
        ),
        # The policy in force counts, not the one that is written.
        ([lambda one: one.put_metadata("cc", "a", {"VALIDATION_PARAMETER": CITY})], [Call(name="cc")]),
        ([lambda one: one.get_private_hash("cc", "coll", "a")], [Call(name="cc")]),
        (
            [lambda one: one.get_private("cc", "coll", "a")],
            [Call(name="cc"), Call(name="cc", collection_names=["coll"])],
        ),
        (
            [lambda one: one.put_private("cc", "coll", "a", b"2"), lambda one: one.get("cc", "a")],
            [Call(name="cc", collection_names=["coll"], no_private_reads=True)],
        ),
        (
            [lambda one: one.put_private("cc", "coll", "secret", b"2")],
            [Call(name="cc", key_policies=[Envelope.FromString(CITY)], disregard_namespace_policy=True)],
        ),
    ],
)
def test_simulations(steps: list[Callable[[Simulator], object]], expected: list[Call]) -> None:
    state = state_of({"a": b"1", "guarded": b"1"}, private={"secret": b"1"}, policies={"guarded": CITY, "secret": CITY})
    simulator = Simulator(state)
    for step in steps:
        step(simulator)
    assert list(chaincode_interest(simulator.results()).chaincodes) == expected
