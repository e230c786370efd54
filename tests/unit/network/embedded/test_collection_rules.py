"""Which private data collections a definition may have, in Fabric's words where it may not have them."""

from pathlib import Path
from typing import Any

import pytest
from fabric_protos.common import policies_pb2
from fabric_protos.msp import msp_principal_pb2
from fabric_protos.peer import collection_pb2
from fabric_protos.peer.lifecycle import lifecycle_pb2

from network.embedded.system import Refused
from network.embedded.system.collection_rules import check_collections
from network.embedded.system.lifecycle import Lifecycle
from node_client.protocol.definitions import read_definition
from node_client.protocol.policy_dsl import parse_policy
from tests.unit.network.embedded.small_channel import config, people
from tests.unit.network.embedded.system_calls import Network

Package = collection_pb2.CollectionConfigPackage
Static = collection_pb2.StaticCollectionConfig
Principal = msp_principal_pb2.MSPPrincipal
NONE = Package()
MEMBERS = "OR('CityMSP.member', 'TriValleyMSP.peer')"


def collection(name: str = "secrets", policy: str | None = MEMBERS, **changed: Any) -> Static:
    one = Static(**{"name": name, "required_peer_count": 1, "maximum_peer_count": 2, **changed})
    if policy is not None:
        one.member_orgs_policy.signature_policy.ParseFromString(parse_policy(policy))
    return one


def package(*collections: Static) -> Package:
    return Package(config=[collection_pb2.CollectionConfig(static_collection_config=one) for one in collections])


def check(proposed: Package, committed: Package = NONE) -> str:
    """What the collections are refused with; empty when they are not."""
    try:
        check_collections(proposed, committed, config().msp_manager)
    except Refused as refused:
        return str(refused)
    return ""


def with_principal(kind: "Principal.Classification.ValueType", data: bytes) -> Static:
    one = collection()
    one.member_orgs_policy.signature_policy.identities.add(principal_classification=kind, principal=data)
    return one


def unit(msp_id: str) -> bytes:
    return msp_principal_pb2.OrganizationUnit(msp_identifier=msp_id).SerializeToString()


@pytest.mark.parametrize(
    "proposed",
    [
        NONE,
        package(collection()),
        package(collection("a"), collection("B-2_c"), collection("-")),
        package(collection(required_peer_count=0, maximum_peer_count=0)),
        package(collection(policy="OR(OR('CityMSP.member'), OR('NishitetsuMSP.admin', 'TriValleyMSP.client'))")),
        package(with_principal(Principal.ORGANIZATION_UNIT, unit("CityMSP"))),
        package(with_principal(Principal.IDENTITY, people("City").client_identity)),
    ],
)
def test_collections_that_fabric_takes(proposed: Package) -> None:
    assert check(proposed) == ""


@pytest.mark.parametrize("name", ["", "_secrets", "_implicit_org_CityMSP", "a b", "ä", "a/b", "a\n"])
def test_names_that_are_none(name: str) -> None:
    text = "Names can only consist of alphanumerics, '_', and '-' and cannot begin with '_'"
    assert check(package(collection(name))) == f"invalid collection name '{name}'. {text}"


@pytest.mark.parametrize(
    ("proposed", "words"),
    [
        (
            Package(config=[collection_pb2.CollectionConfig()]),
            "collection config contains unexpected payload type: <nil>",
        ),
        (
            package(collection(), collection()),
            "collection-name: secrets -- found duplicate in collection configuration",
        ),
        (
            package(collection(required_peer_count=3)),
            "collection-name: secrets -- maximum peer count (2) cannot be less than the required peer count (3)",
        ),
        (
            package(collection(required_peer_count=-1)),
            "collection-name: secrets -- requiredPeerCount (-1) cannot be less than zero",
        ),
        (package(collection(policy=None)), "collection member policy is not set for collection 'secrets'"),
        (
            package(collection(policy="AND('CityMSP.member', 'TriValleyMSP.member')")),
            "collection-name: secrets -- error in member org policy: "
            "signature policy is not an OR concatenation, NOutOf 2",
        ),
        (
            package(collection(policy="OR('CityMSP.member', OutOf(0, 'TriValleyMSP.member'))")),
            "collection-name: secrets -- error in member org policy: "
            "signature policy is not an OR concatenation, NOutOf 0",
        ),
        (
            package(collection(policy="OR('CityMSP.member', 'RuralMSP.member')")),
            "collection-name: secrets -- collection member 'RuralMSP' is not part of the channel",
        ),
        (
            package(with_principal(Principal.ORGANIZATION_UNIT, unit("RuralMSP"))),
            "collection-name: secrets -- collection member 'RuralMSP' is not part of the channel",
        ),
        (
            package(with_principal(Principal.ROLE, b"\xff")),
            "collection-name: secrets -- cannot unmarshal identity bytes into MSPRole",
        ),
        (
            package(with_principal(Principal.ORGANIZATION_UNIT, b"\xff")),
            "collection-name: secrets -- cannot unmarshal identity bytes into OrganizationUnit",
        ),
        (
            package(with_principal(Principal.IDENTITY, b"nobody")),
            "collection-name: secrets -- contains an identity that is not part of the channel",
        ),
        (
            package(with_principal(Principal.ANONYMITY, b"")),
            "collection-name: secrets -- principal type ANONYMITY is not supported",
        ),
    ],
)
def test_collections_that_fabric_refuses(proposed: Package, words: str) -> None:
    assert check(proposed) == words


def test_a_member_policy_that_is_none() -> None:
    empty = collection(policy=None)
    empty.member_orgs_policy.SetInParent()
    assert check(package(empty)) == "collection member org policy is empty for collection 'secrets'"
    for policy in (
        policies_pb2.SignaturePolicyEnvelope(),
        policies_pb2.SignaturePolicyEnvelope(rule=policies_pb2.SignaturePolicy(signed_by=7)),
    ):
        broken = collection(policy=None)
        broken.member_orgs_policy.signature_policy.CopyFrom(policy)
        assert check(package(broken)).startswith("invalid member org policy for collection 'secrets': ")


def test_collections_in_force_stay_and_so_does_how_long_values_live() -> None:
    committed = package(collection("old", block_to_live=5), collection("older"))
    kept = [collection("old", block_to_live=5, policy="OR('NishitetsuMSP.member')"), collection("older")]
    assert check(package(*kept, collection("new")), committed) == ""
    assert check(NONE, committed) == "the proposed collection config does not contain previously defined collections"
    assert (
        check(package(kept[1]), committed)
        == "existing collection [old] missing in the proposed collection configuration"
    )
    assert (
        check(package(collection("old", block_to_live=6), kept[1]), committed)
        == "the BlockToLive in an existing collection [old] modified. Existing value [5]"
    )


async def test_approvals_and_commits_are_refused_alike(tmp_path: Path) -> None:
    network = Network(tmp_path, Lifecycle())

    def arguments(sequence: int, collections: Package) -> dict[str, bytes]:
        stated: dict[str, Any] = {"name": "cc", "version": "1", "sequence": sequence, "collections": collections}
        approve = lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs(**stated)
        approve.source.unavailable.SetInParent()
        return {
            "ApproveChaincodeDefinitionForMyOrg": approve.SerializeToString(),
            "CommitChaincodeDefinition": lifecycle_pb2.CommitChaincodeDefinitionArgs(**stated).SerializeToString(),
        }

    wrong = package(collection("_secrets"))
    for function, argument in arguments(1, wrong).items():
        refused = str(await network.refusal("City", function, argument))
        assert "error validating chaincode definition: invalid collection name '_secrets'" in refused
    for function, argument in arguments(1, package(collection())).items():
        await network.submit("City", function, argument)
    found = read_definition(network.states["CityMSP"], "cc")
    assert found is not None
    assert Package.FromString(found.collections) == package(collection())
    for function, argument in arguments(2, NONE).items():
        refused = str(await network.refusal("City", function, argument))
        assert "does not contain previously defined collections" in refused
