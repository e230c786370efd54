"""What the lifecycle's transactions read and write, and what it tells of chaincode. The same on real Fabric."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

import pytest
from fabric_protos.peer.lifecycle import lifecycle_pb2

from chaincode.ledger import read_write_set
from chaincode.ledger.hashed_set import key_hash
from chaincode.ledger.read_write_set import CollectionSet, NamespaceSet
from network.folder import Folder
from network.topology import CHANNEL
from node_client import ConnectionProfile, Gateway
from node_client.protocol import lifecycle
from node_client.protocol.chaincode_package import package_id, service_package
from node_client.protocol.lifecycle import LIFECYCLE, ChaincodeDefinition
from node_client.protocol.policy_dsl import parse_policy
from tests.scenarios.deploying import PATIENCE, patiently, unused_name
from tests.scenarios.vaults import MSP_IDS

PARAMETERS = ("EndorsementInfo", "ValidationInfo", "Collections")
CITY = "OR('CityMSP.peer')"


class Admins:
    """The organisations' admins, each at the own peer. Use it in `with`."""

    def __init__(self, folder: Folder) -> None:
        self._stack = ExitStack()
        self.gateways = {}
        for organisation in MSP_IDS:
            profile = ConnectionProfile.load(folder.organisation(organisation) / "connection.json")
            gateway = Gateway.from_profile(profile, organisation, "admin")
            self.gateways[organisation] = self._stack.enter_context(gateway)

    def __enter__(self) -> "Admins":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def submit(self, organisation: str, function: str, argument: bytes, msp_ids: Sequence[str]) -> NamespaceSet:
        """What a call of the lifecycle reads and writes, which is then committed."""
        contract = self.gateways[organisation].get_network(CHANNEL).get_contract(LIFECYCLE)
        transaction = patiently(lambda: contract.new_proposal(function, argument, organizations=msp_ids).endorse())
        transaction.submit().require_valid()
        return read_write_set.decode(transaction.content.response.result)[LIFECYCLE]

    def approve(self, organisation: str, definition: ChaincodeDefinition, package: str = "nothing:1") -> CollectionSet:
        """What an approval reads and writes of the organisation's own collection."""
        argument = lifecycle.approve_argument(definition, package)
        own = MSP_IDS[organisation]
        part = self.submit(organisation, "ApproveChaincodeDefinitionForMyOrg", argument, [own])
        return part.collections[f"_implicit_org_{own}"]

    def commit(self, definition: ChaincodeDefinition) -> NamespaceSet:
        argument = lifecycle.commit_argument(definition)
        return self.submit("City", "CommitChaincodeDefinition", argument, list(MSP_IDS.values()))

    def ask(self, organisation: str, function: str, argument: bytes) -> bytes:
        contract = self.gateways[organisation].get_network(CHANNEL).get_contract(LIFECYCLE)
        return contract.evaluate(function, argument, organizations=[MSP_IDS[organisation]])


@pytest.fixture(scope="module")
def admins(network: Folder) -> Iterator[Admins]:
    with Admins(network) as admins:
        yield admins


def until(condition: Callable[[], bool]) -> None:
    """Peers hear of what others have committed by and by."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def definition(name: str, sequence: int = 1, policy: str = CITY, version: str = "1") -> ChaincodeDefinition:
    return ChaincodeDefinition(name=name, version=version, sequence=sequence, policy=parse_policy(policy))


def hashes(name: str, *fields: str) -> set[bytes]:
    """The hashes of keys of an approval."""
    spaces = {"PackageID": "chaincode-sources"}
    return {key_hash(f"{spaces.get(field, 'namespaces')}/fields/{name}/{field}") for field in fields}


def kinds(name: str) -> set[bytes]:
    return {key_hash(f"{space}/metadata/{name}") for space in ("namespaces", "chaincode-sources")}


def keys(name: str, *fields: str) -> set[str]:
    return {f"namespaces/fields/{name}/{field}" for field in fields}


def test_an_approval_writes_what_it_changes(admins: Admins) -> None:
    name = unused_name("approved")
    private = f"{name}#1"
    first = admins.approve("City", definition(name))
    assert set(first.writes) == hashes(private, *PARAMETERS, "PackageID") | kinds(private)
    assert set(first.reads) == kinds(private)
    package = admins.approve("City", definition(name), "other:1")
    assert set(package.writes) == hashes(private, "PackageID")
    assert set(package.reads) == hashes(private, *PARAMETERS, "PackageID") | kinds(private)
    version = admins.approve("City", definition(name, version="2"), "other:1")
    assert set(version.writes) == hashes(private, "EndorsementInfo")


def test_a_definition_writes_what_it_changes(admins: Admins) -> None:
    name = unused_name("committed")
    for organisation in MSP_IDS:
        admins.approve(organisation, definition(name))
    first = admins.commit(definition(name))
    metadata = {f"namespaces/metadata/{name}"}
    assert set(first.writes) == keys(name, "Sequence", *PARAMETERS) | metadata
    assert set(first.reads) == keys(name, "Sequence") | metadata
    again = definition(name, 2, "OR('TriValleyMSP.peer')")
    for organisation in MSP_IDS:
        admins.approve(organisation, again)
    second = admins.commit(again)
    assert set(second.writes) == keys(name, "Sequence", "ValidationInfo")
    assert set(second.reads) == keys(name, "Sequence", *PARAMETERS) | metadata
    for own in MSP_IDS.values():
        seen = second.collections[f"_implicit_org_{own}"].reads
        private = f"{name}#2"
        assert set(seen) == hashes(private, *PARAMETERS) | {key_hash(f"namespaces/metadata/{private}")}


def test_readiness_says_what_differs(admins: Admins) -> None:
    name = unused_name("differing")
    admins.approve("City", definition(name))
    admins.approve("TriValley", definition(name, policy="OR('TriValleyMSP.peer')", version="2"))

    def told() -> tuple[dict[str, bool], dict[str, list[str]]]:
        answer = admins.ask("City", "CheckCommitReadiness", lifecycle.readiness_argument(definition(name)))
        found = lifecycle_pb2.CheckCommitReadinessResult.FromString(answer)
        return dict(found.approvals), {msp_id: list(one.items) for msp_id, one in found.mismatches.items()}

    until(
        lambda: (
            told()
            == (
                {"CityMSP": True, "NishitetsuMSP": False, "TriValleyMSP": False},
                {"NishitetsuMSP": ["ChaincodeParameters"], "TriValleyMSP": ["EndorsementInfo", "ValidationInfo"]},
            )
        )
    )


def test_an_organisation_is_told_all_that_it_has_approved(admins: Admins) -> None:
    name = unused_name("listed")
    admins.approve("City", definition(name), "mine:1")
    admins.approve("TriValley", definition(name), "theirs:1")
    argument = lifecycle_pb2.QueryApprovedChaincodeDefinitionsArgs().SerializeToString()
    answer = admins.ask("City", "QueryApprovedChaincodeDefinitions", argument)
    found = lifecycle_pb2.QueryApprovedChaincodeDefinitionsResult.FromString(answer).approved_chaincode_definitions
    (own,) = [one for one in found if one.name == name]
    assert (own.sequence, own.version, own.source.local_package.package_id) == (1, "1", "mine:1")
    assert own.validation_parameter


def test_a_peer_tells_which_chaincode_runs_by_a_package(admins: Admins) -> None:
    name = unused_name("used")
    package = service_package(f"{name}_1", "127.0.0.1:1")
    identifier = package_id(f"{name}_1", package)
    argument = lifecycle.install_argument(package)
    admins.gateways["City"].process_proposal(LIFECYCLE, [b"InstallChaincode", argument])
    for organisation in MSP_IDS:
        admins.approve(organisation, definition(name), identifier)
    admins.commit(definition(name))

    def ask() -> dict[str, list[tuple[str, str]]]:
        answer = admins.gateways["City"].process_proposal(LIFECYCLE, [b"QueryInstalledChaincodes", b""])
        result = lifecycle_pb2.QueryInstalledChaincodesResult.FromString(answer)
        (found,) = [one for one in result.installed_chaincodes if one.package_id == identifier]
        return {
            channel: [(one.name, one.version) for one in uses.chaincodes] for channel, uses in found.references.items()
        }

    until(lambda: ask() == {CHANNEL: [(name, "1")]})
