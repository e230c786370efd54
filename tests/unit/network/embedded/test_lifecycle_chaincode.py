"""`_lifecycle`: sequences, approvals, readiness, commits, and Fabric's words where it refuses."""

from pathlib import Path
from typing import Any

import pytest
from fabric_protos.peer import policy_pb2
from fabric_protos.peer.lifecycle import lifecycle_pb2

from network.embedded.system.lifecycle import DEFAULT_POLICY, Lifecycle
from node_client.protocol.chaincode_package import service_package
from node_client.protocol.definitions import LIFECYCLE, read_definition
from tests.unit.network.embedded.small_channel import signature_policy
from tests.unit.network.embedded.system_calls import Network

ORGANISATIONS = ("City", "Nishitetsu", "TriValley")
COMMIT, READINESS = "CommitChaincodeDefinition", "CheckCommitReadiness"
APPROVE = "ApproveChaincodeDefinitionForMyOrg"
FAILED = "failed to invoke backing implementation of '{}': "


@pytest.fixture
def network(tmp_path: Path) -> Network:
    return Network(tmp_path, Lifecycle())


def definition(kind: Any, **changed: Any) -> bytes:
    data: bytes = kind(**{"name": "cc", "version": "1.0", "sequence": 1, **changed}).SerializeToString()
    return data


def approval(package_id: str = "", **changed: Any) -> bytes:
    kind = lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs
    source = lifecycle_pb2.ChaincodeSource()
    if package_id:
        source.local_package.package_id = package_id
    else:
        source.unavailable.SetInParent()
    return definition(kind, source=source, **changed)


def commit(**changed: Any) -> bytes:
    return definition(lifecycle_pb2.CommitChaincodeDefinitionArgs, **changed)


async def approve(network: Network, *organisations: str, **changed: Any) -> None:
    for one in organisations or ORGANISATIONS:
        await network.submit(one, APPROVE, approval(**changed))


async def readiness(network: Network, organisation: str = "City", **changed: Any) -> dict[str, bool]:
    answer, _ = await network.call(
        organisation, READINESS, definition(lifecycle_pb2.CheckCommitReadinessArgs, **changed)
    )
    return dict(lifecycle_pb2.CheckCommitReadinessResult.FromString(answer).approvals)


async def words(network: Network, function: str, argument: bytes, organisation: str = "City") -> str:
    """What a call is refused with, after Fabric's beginning of it."""
    refused = await network.refusal(organisation, function, argument)
    assert refused.status == 500
    beginning = FAILED.format(function)
    assert str(refused).startswith(beginning)
    return str(refused).removeprefix(beginning)


async def test_a_package_is_installed_at_one_peer_and_told_by_it(network: Network) -> None:
    package = service_package("counter_1", "localhost:9999")
    argument = lifecycle_pb2.InstallChaincodeArgs(chaincode_install_package=package).SerializeToString()
    answer, _ = await network.call("City", "InstallChaincode", argument, channel="")
    installed = lifecycle_pb2.InstallChaincodeResult.FromString(answer)
    assert installed.label == "counter_1"
    assert [one.id for one in network.peers["CityMSP"].started] == [installed.package_id]
    query = lifecycle_pb2.QueryInstalledChaincodeArgs(package_id=installed.package_id).SerializeToString()
    answer, _ = await network.call("City", "QueryInstalledChaincode", query, channel="")
    assert lifecycle_pb2.QueryInstalledChaincodeResult.FromString(answer).package_id == installed.package_id
    answer, _ = await network.call("City", "GetInstalledChaincodePackage", query, channel="")
    found = lifecycle_pb2.GetInstalledChaincodePackageResult.FromString(answer)
    assert found.chaincode_install_package == package
    for organisation, count in (("City", 1), ("Nishitetsu", 0)):
        answer, _ = await network.call(organisation, "QueryInstalledChaincodes", b"", channel="")
        assert len(lifecycle_pb2.QueryInstalledChaincodesResult.FromString(answer).installed_chaincodes) == count
    assert f"could not find chaincode with package id '{installed.package_id}'" in str(
        await network.refusal("Nishitetsu", "QueryInstalledChaincode", query, channel="")
    )
    assert "chaincode already successfully installed" in str(
        await network.refusal("City", "InstallChaincode", argument, channel="")
    )


async def test_a_definition_is_in_force_when_organisations_have_approved_and_committed_it(network: Network) -> None:
    policy = signature_policy("OR('CityMSP.peer')")
    await approve(network, validation_parameter=policy)
    await network.submit("City", COMMIT, commit(validation_parameter=policy))
    for state in network.states.values():
        found = read_definition(state, "cc")
        assert found is not None
        assert (found.version, found.sequence, found.policy) == ("1.0", 1, policy)
        assert (found.endorsement_plugin, found.validation_plugin, found.init_required) == ("escc", "vscc", False)


async def test_readiness_tells_who_has_approved_exactly_this(network: Network) -> None:
    assert await readiness(network) == {"CityMSP": False, "NishitetsuMSP": False, "TriValleyMSP": False}
    await approve(network, "City", "TriValley")
    expected = {"CityMSP": True, "NishitetsuMSP": False, "TriValleyMSP": True}
    for organisation in ORGANISATIONS:  # everyone sees the hashes
        assert await readiness(network, organisation) == expected
    for other in (
        {"version": "1.1"},
        {"init_required": True},
        {"endorsement_plugin": "mine"},
        {"validation_plugin": "mine"},
        {"validation_parameter": signature_policy("OR('CityMSP.peer')")},
    ):
        assert not any((await readiness(network, **other)).values()), other


async def test_the_policy_is_the_channels_unless_it_is_stated(network: Network) -> None:
    await approve(network, "City")
    assert (await readiness(network, validation_parameter=DEFAULT_POLICY))["CityMSP"]
    reference = policy_pb2.ApplicationPolicy.FromString(DEFAULT_POLICY).channel_config_policy_reference
    assert reference == "/Channel/Application/Endorsement"


async def test_a_peer_commits_what_its_own_organisation_has_approved(network: Network) -> None:
    await approve(network, "Nishitetsu", "TriValley")
    text = await words(network, COMMIT, commit())
    assert text == "chaincode definition not agreed to by this org (CityMSP)"
    await network.submit("TriValley", COMMIT, commit())


@pytest.mark.parametrize("sequence", [0, 2, 3, -1])
async def test_the_first_definition_has_the_sequence_1(network: Network, sequence: int) -> None:
    text = await words(network, COMMIT, commit(sequence=sequence))
    assert text == f"requested sequence is {sequence}, but new definition must be sequence 1"
    argument = definition(lifecycle_pb2.CheckCommitReadinessArgs, sequence=sequence)
    assert await words(network, READINESS, argument) == text
    refused = await words(network, APPROVE, approval(sequence=sequence))
    assert (
        refused
        == {
            0: "requested sequence is 0, but first definable sequence number is 1",
            2: "requested sequence 2 is larger than the next available sequence number 1",
            3: "requested sequence 3 is larger than the next available sequence number 1",
            -1: "currently defined sequence 0 is larger than requested sequence -1",
        }[sequence]
    )


async def test_the_next_definition_has_the_next_sequence(network: Network) -> None:
    await approve(network)
    await network.submit("City", COMMIT, commit())
    text = "requested sequence is 1, but new definition must be sequence 2"
    assert await words(network, COMMIT, commit()) == text
    text = "currently defined sequence 1 is larger than requested sequence 0"
    assert await words(network, APPROVE, approval(sequence=0)) == text
    await approve(network, version="2.0", sequence=2)
    await network.submit("City", COMMIT, commit(version="2.0", sequence=2))
    found = read_definition(network.states["CityMSP"], "cc")
    assert found is not None
    assert (found.version, found.sequence) == ("2.0", 2)


async def test_an_approval_may_be_changed_and_not_repeated(network: Network) -> None:
    await approve(network, "City")
    text = await words(network, APPROVE, approval())
    assert text == "attempted to redefine uncommitted sequence (1) for namespace cc with unchanged content"
    await approve(network, "City", version="1.1")
    assert not (await readiness(network))["CityMSP"]
    assert (await readiness(network, version="1.1"))["CityMSP"]
    await approve(network, "City", version="1.1", package_id="counter_1:abc")  # the package alone is another


async def test_a_definition_in_force_is_approved_late_and_not_changed(network: Network) -> None:
    await approve(network, "City", "TriValley")
    await network.submit("City", COMMIT, commit())
    text = await words(network, APPROVE, approval(version="1.1"), "Nishitetsu")
    assert text == (
        "attempted to redefine the current committed sequence (1) for namespace cc with different parameters: "
        "expected Version '1.0' does not match passed Version '1.1'"
    )
    await approve(network, "Nishitetsu", package_id="counter_1:abc")
    text = await words(network, APPROVE, approval("counter_1:abc"), "Nishitetsu")
    assert text == "attempted to redefine the current committed sequence (1) for namespace cc"


async def test_what_was_approved_is_told_by_the_organisations_own_peer(network: Network) -> None:
    await approve(network, "City", package_id="counter_1:abc")
    await approve(network, "TriValley")
    query = lifecycle_pb2.QueryApprovedChaincodeDefinitionArgs(name="cc").SerializeToString()
    answer, _ = await network.call("City", "QueryApprovedChaincodeDefinition", query)
    found = lifecycle_pb2.QueryApprovedChaincodeDefinitionResult.FromString(answer)
    assert (found.version, found.sequence) == ("1.0", 1)
    assert found.source.local_package.package_id == "counter_1:abc"
    answer, _ = await network.call("TriValley", "QueryApprovedChaincodeDefinition", query)
    found = lifecycle_pb2.QueryApprovedChaincodeDefinitionResult.FromString(answer)
    assert found.source.WhichOneof("Type") == "unavailable"
    text = await words(network, "QueryApprovedChaincodeDefinition", query, "Nishitetsu")
    assert text == (
        "could not fetch approved chaincode definition (name: 'cc', sequence: '0') on channel 'certificates'"
    )


async def test_definitions_in_force_are_told_to_everyone(network: Network) -> None:
    query = lifecycle_pb2.QueryChaincodeDefinitionArgs(name="cc").SerializeToString()
    refused = await network.refusal("City", "QueryChaincodeDefinition", query)
    assert (str(refused), refused.status) == ("namespace cc is not defined", 404)
    await approve(network, "City", "TriValley")
    await network.submit("City", COMMIT, commit())
    answer, _ = await network.call("Nishitetsu", "QueryChaincodeDefinition", query)
    found = lifecycle_pb2.QueryChaincodeDefinitionResult.FromString(answer)
    assert (found.version, found.sequence, found.validation_parameter) == ("1.0", 1, DEFAULT_POLICY)
    assert dict(found.approvals) == {"CityMSP": True, "NishitetsuMSP": False, "TriValleyMSP": True}
    answer, _ = await network.call("Nishitetsu", "QueryChaincodeDefinitions", b"")
    every = lifecycle_pb2.QueryChaincodeDefinitionsResult.FromString(answer).chaincode_definitions
    assert [(one.name, one.sequence) for one in every] == [("cc", 1)]


@pytest.mark.parametrize("function", [APPROVE, COMMIT])
@pytest.mark.parametrize(
    ("changed", "words_"),
    [
        *(
            ({"name": name}, f"invalid chaincode name '{name}'.")
            for name in ("", "a b", "_a", "a__b", "a-", "ä", "a/b")
        ),
        *(({"name": name}, f"chaincode name '{name}' is the name of a system chaincode") for name in ("qscc", "lscc")),
        *(({"version": text}, f"invalid chaincode version '{text}'.") for text in ("", "1 0", "1/0", "ä")),
    ],
)
async def test_names_and_versions_that_fabric_does_not_take(
    network: Network, function: str, changed: dict[str, str], words_: str
) -> None:
    argument = approval(**changed) if function == APPROVE else commit(**changed)
    text = await words(network, function, argument)
    assert text.startswith(f"error validating chaincode definition: {words_}")


async def test_nobody_looks_at_a_policy_before_it_is_needed(network: Network) -> None:
    empty = policy_pb2.ApplicationPolicy()
    empty.signature_policy.SetInParent()
    for sequence, policy in enumerate((empty.SerializeToString(), b"\xff"), 1):
        await approve(network, validation_parameter=policy, sequence=sequence)
        await network.submit("City", COMMIT, commit(validation_parameter=policy, sequence=sequence))
        found = read_definition(network.states["CityMSP"], "cc")
        assert found is not None
        assert found.policy == policy


async def test_arguments_that_are_none_are_refused_in_fabrics_words(network: Network) -> None:
    assert str(await network.refusal("City")) == "lifecycle scc must be invoked with arguments"
    for count, arguments in ((1, [COMMIT]), (3, [COMMIT, b"", b""])):
        text = f"lifecycle scc operations require exactly two arguments but received {count}"
        assert str(await network.refusal("City", *arguments)) == text
    for function in (APPROVE, COMMIT, READINESS, "InstallChaincode", "QueryChaincodeDefinition"):
        text = await words(network, function, b"\xff")
        assert text.startswith(f"could not decode input arg for *lifecycle.Invocation.{function}: ")


async def test_who_may_not_call_is_refused_before_the_argument_is_looked_at(network: Network) -> None:
    access = network.peers["CityMSP"].access
    access.refused[f"{LIFECYCLE}/{COMMIT}"] = "no"
    refused = str(await network.refusal("City", COMMIT, b"\xff"))
    assert refused == "Failed to authorize invocation due to failed ACL check: no"
    assert access.asked == [(f"{LIFECYCLE}/{COMMIT}", "certificates")]
