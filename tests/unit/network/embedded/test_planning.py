"""Whose endorsements a transaction needs: layouts of organisations, and Fabric's words where there are none."""

from collections.abc import Iterable

import pytest
from fabric_protos.common import policies_pb2
from fabric_protos.peer import proposal_response_pb2

from chaincode.ledger.memory_state import MemoryState
from network.embedded.planning import NoPlan, Plan, Planner
from node_client.protocol.collection_config import Collection
from node_client.protocol.policy_dsl import parse_policy
from tests.unit.network.embedded.small_channel import (
    ORGANISATIONS,
    channel_policy,
    config,
    define,
    people,
    signature_policy,
)

Call = proposal_response_pb2.ChaincodeCall
EVERYONE = frozenset(f"{name}MSP" for name in ORGANISATIONS)
CITY, NISHITETSU, TRI_VALLEY = "CityMSP", "NishitetsuMSP", "TriValleyMSP"


@pytest.fixture
def state() -> MemoryState:
    return MemoryState()


def plan(state: MemoryState, *calls: Call | str, without: dict[str, str] | None = None) -> Plan:
    """Plan for calls; `without`: an organisation that has not got a chaincode."""
    peers = {people(name).msp_id: people(name).peer_identity for name in ORGANISATIONS}

    def holders(chaincode: str) -> frozenset[str]:
        return frozenset(one for one in EVERYONE if (without or {}).get(one) != chaincode)

    return Planner(config(), state, peers, holders).plan(
        [Call(name=one) if isinstance(one, str) else one for one in calls]
    )


def asked(found: Plan) -> list[set[str]]:
    assert all(count == 1 for layout in found.layouts for count in layout.values())
    return [set(layout) for layout in found.layouts]


def envelope(text: str) -> policies_pb2.SignaturePolicyEnvelope:
    return policies_pb2.SignaturePolicyEnvelope.FromString(parse_policy(text))


def refused(state: MemoryState, *calls: Call | str, without: dict[str, str] | None = None) -> str:
    with pytest.raises(NoPlan) as caught:
        plan(state, *calls, without=without)
    return str(caught.value)


def test_a_policys_alternatives_are_planned_in_its_order(state: MemoryState) -> None:
    define(state, "cc", "AND('CityMSP.peer', OR('TriValleyMSP.peer', 'NishitetsuMSP.peer'))")
    found = plan(state, "cc")
    assert asked(found) == [{CITY, TRI_VALLEY}, {CITY, NISHITETSU}]
    assert found.endorsers == EVERYONE


def test_the_channels_own_policy_is_planned_as_it_stands(state: MemoryState) -> None:
    define(state, "cc")
    assert asked(plan(state, "cc")) == [{CITY, NISHITETSU}, {CITY, TRI_VALLEY}, {NISHITETSU, TRI_VALLEY}]
    define(state, "any", channel_policy("Readers"))
    assert asked(plan(state, "any")) == [{CITY}, {NISHITETSU}, {TRI_VALLEY}]


def test_every_chaincode_that_is_touched_counts(state: MemoryState) -> None:
    define(state, "one", "OR('CityMSP.peer', 'NishitetsuMSP.peer')")
    define(state, "other", "OR('NishitetsuMSP.peer', 'TriValleyMSP.peer')")
    assert asked(plan(state, "one", "other")) == [{CITY, TRI_VALLEY}, {NISHITETSU}]


def test_the_lifecycle_needs_what_the_channel_says(state: MemoryState) -> None:
    assert asked(plan(state, "_lifecycle")) == [{CITY, NISHITETSU}, {CITY, TRI_VALLEY}, {NISHITETSU, TRI_VALLEY}]


def test_a_policy_that_peers_cannot_satisfy_has_no_plan(state: MemoryState) -> None:
    define(state, "admins", "AND('CityMSP.admin', 'TriValleyMSP.peer')")
    define(state, "twice", "AND('CityMSP.peer', 'CityMSP.member')")
    define(state, "strangers", "OR('RuralMSP.peer')")
    for name in ("admins", "twice", "strangers"):
        assert refused(state, name) == "no peer combination can satisfy the endorsement policy"
    define(state, "either", "OR('CityMSP.admin', 'TriValleyMSP.peer')")
    assert asked(plan(state, "either")) == [{TRI_VALLEY}]


def test_a_chaincode_that_is_not_defined_has_no_plan(state: MemoryState) -> None:
    define(state, "cc")
    text = "No metadata was found for chaincode {} in channel certificates"
    assert refused(state, "nothing") == text.format("nothing")
    assert refused(state, "cc", "nothing") == text.format("nothing")
    define(state, "broken", channel_policy("/Channel/Application/Nothing"))
    assert refused(state, "broken") == text.format("broken")


def test_peers_that_have_not_got_a_chaincode_are_not_asked(state: MemoryState) -> None:
    define(state, "cc", "OR('CityMSP.peer', 'TriValleyMSP.peer')")
    found = plan(state, "cc", without={CITY: "cc"})
    assert asked(found) == [{TRI_VALLEY}]
    assert found.endorsers == {NISHITETSU, TRI_VALLEY}
    define(state, "both", "AND('CityMSP.peer', 'TriValleyMSP.peer')")
    assert refused(state, "both", without={CITY: "both"}) == "required chaincodes are not installed on sufficient peers"


def with_collections(state: MemoryState, policies: Iterable[tuple[str, str, str]]) -> None:
    """The chaincode cc with collections: name, member policy, endorsement policy or nothing."""
    collections = [
        Collection(
            name=name,
            policy=parse_policy(members),
            endorsement_policy=signature_policy(endorsement) if endorsement else b"",
        )
        for name, members, endorsement in policies
    ]
    define(state, "cc", "OR('CityMSP.peer', 'NishitetsuMSP.peer', 'TriValleyMSP.peer')", collections=collections)


def test_who_reads_private_data_must_be_a_member(state: MemoryState) -> None:
    with_collections(state, [("secrets", "OR('CityMSP.member', 'TriValleyMSP.member')", "")])
    reading = Call(name="cc", collection_names=["secrets"])
    found = plan(state, reading)
    assert asked(found) == [{CITY}, {TRI_VALLEY}]
    assert found.endorsers == {CITY, TRI_VALLEY}
    writing = Call(name="cc", collection_names=["secrets"], no_private_reads=True)
    assert asked(plan(state, writing)) == [{CITY}, {NISHITETSU}, {TRI_VALLEY}]
    missing = Call(name="cc", collection_names=["nothing"])
    assert refused(state, missing) == "collection nothing doesn't exist in collection config for chaincode cc"


def test_a_collections_own_policy_takes_the_place_of_the_chaincodes(state: MemoryState) -> None:
    with_collections(state, [("secrets", "OR('CityMSP.member', 'TriValleyMSP.member')", "AND('TriValleyMSP.peer')")])
    writing = Call(name="cc", collection_names=["secrets"], no_private_reads=True)
    assert asked(plan(state, writing)) == [{TRI_VALLEY}]


def test_an_implicit_collection_is_its_organisations(state: MemoryState) -> None:
    define(state, "cc", "OR('CityMSP.peer', 'TriValleyMSP.peer')")
    reading = Call(name="cc", collection_names=["_implicit_org_TriValleyMSP"])
    assert asked(plan(state, reading)) == [{TRI_VALLEY}]


def test_a_keys_own_policy_counts_besides_or_instead_of_the_chaincodes(state: MemoryState) -> None:
    define(state, "cc", "OR('CityMSP.peer')")
    key = envelope("OR('TriValleyMSP.peer')")
    assert asked(plan(state, Call(name="cc", key_policies=[key]))) == [{CITY, TRI_VALLEY}]
    alone = Call(name="cc", key_policies=[key], disregard_namespace_policy=True)
    assert asked(plan(state, alone)) == [{TRI_VALLEY}]
    two = Call(name="cc", key_policies=[key, envelope("OR('NishitetsuMSP.peer')")], disregard_namespace_policy=True)
    assert asked(plan(state, two)) == [{NISHITETSU, TRI_VALLEY}]


def test_a_keys_policy_that_nobody_can_satisfy_has_no_plan(state: MemoryState) -> None:
    define(state, "cc", "OR('CityMSP.peer')")
    nobody = policies_pb2.SignaturePolicyEnvelope()
    text = "state based endorsement policy cannot be satisfied"
    assert refused(state, Call(name="cc", key_policies=[nobody])) == text
    assert refused(state, Call(name="cc", disregard_namespace_policy=True)).startswith(
        "requested to disregard chaincode cc's policy but key and collection policies are missing"
    )
