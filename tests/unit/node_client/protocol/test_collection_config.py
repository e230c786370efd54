"""Collections in Fabric's JSON form and as protobuf."""

import json
from typing import Any

import pytest
from fabric_protos.common import policies_pb2
from fabric_protos.peer import collection_pb2, policy_pb2

from node_client.protocol.collection_config import Collection, encode_collections, read_collections
from node_client.protocol.errors import ProtocolError
from node_client.protocol.policy_dsl import parse_policy

MEMBERS = "OR('CityMSP.member','TriValleyMSP.member')"
ENDORSERS = "AND('CityMSP.peer','TriValleyMSP.peer')"


def read(**fields: Any) -> Collection:
    (found,) = read_collections(json.dumps([{"name": "secrets", "policy": MEMBERS, **fields}]))
    return found


def test_everything_that_a_collection_has() -> None:
    found = read(
        requiredPeerCount=1,
        maxPeerCount=3,
        blockToLive=2**64 - 1,
        memberOnlyRead=True,
        memberOnlyWrite=True,
        endorsementPolicy={"signaturePolicy": ENDORSERS},
    )
    package = collection_pb2.CollectionConfigPackage.FromString(encode_collections([found]))
    (config,) = package.config
    static = config.static_collection_config
    assert static == collection_pb2.StaticCollectionConfig(
        name="secrets",
        member_orgs_policy=collection_pb2.CollectionPolicyConfig(
            signature_policy=policies_pb2.SignaturePolicyEnvelope.FromString(parse_policy(MEMBERS))
        ),
        required_peer_count=1,
        maximum_peer_count=3,
        block_to_live=2**64 - 1,
        member_only_read=True,
        member_only_write=True,
        endorsement_policy=policy_pb2.ApplicationPolicy(
            signature_policy=policies_pb2.SignaturePolicyEnvelope.FromString(parse_policy(ENDORSERS))
        ),
    )


def test_what_is_left_out_is_as_in_fabric() -> None:
    assert read() == Collection(name="secrets", policy=parse_policy(MEMBERS), required_peer_count=0, max_peer_count=1)
    assert read(requiredPeerCount=None, maxPeerCount=None, memberOnlyRead=None, endorsementPolicy=None) == read()
    assert (
        not collection_pb2.CollectionConfigPackage.FromString(encode_collections([read()]))
        .config[0]
        .static_collection_config.HasField("endorsement_policy")
    )
    assert read(maxPeerCount=0).max_peer_count == 0


def test_an_endorsement_policy_may_be_one_of_the_channels() -> None:
    found = read(endorsementPolicy={"channelConfigPolicy": "/Channel/Application/Endorsement"})
    policy = policy_pb2.ApplicationPolicy.FromString(found.endorsement_policy)
    assert policy.channel_config_policy_reference == "/Channel/Application/Endorsement"
    assert read(endorsementPolicy={}).endorsement_policy == b""


def test_collections_keep_their_order_and_none_are_no_bytes() -> None:
    text = json.dumps([{"name": name, "policy": MEMBERS} for name in ("b", "a")])
    assert [one.name for one in read_collections(text)] == ["b", "a"]
    assert encode_collections(read_collections("[]")) == b""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not JSON"),
        ("{}", "not a JSON array"),
        ("[1]", "collection 1 is not a JSON object"),
        ('[{"name": 1}]', "collection 1: name is not a text"),
        ('[{"name": "x"}]', "collection x: policy"),
        (f'[{{"name": "x", "policy": "{MEMBERS}", "memberonlyread": true}}]', "memberonlyread is not known"),
    ],
)
def test_what_is_no_list_of_collections_is_refused(text: str, told: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        read_collections(text)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"policy": "nobody"},
        {"requiredPeerCount": "1"},
        {"requiredPeerCount": 1.5},
        {"requiredPeerCount": True},
        {"maxPeerCount": 2**31},
        {"blockToLive": -1},
        {"blockToLive": 2**64},
        {"memberOnlyRead": 1},
        {"endorsementPolicy": "x"},
        {"endorsementPolicy": {"signaturePolicy": "x"}},
        {"endorsementPolicy": {"signaturePolicy": ENDORSERS, "channelConfigPolicy": "/Channel/Application/Admins"}},
        {"endorsementPolicy": {"signature_policy": ENDORSERS}},
    ],
)
def test_fields_that_cannot_be_used_are_refused_by_name(fields: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError, match="collection secrets"):
        read(**fields)
