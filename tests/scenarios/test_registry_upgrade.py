"""A new version of the registry comes into force by the steps of docs/operations.md. The same on real Fabric."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.exit_codes import ExitCode
from network import control
from network.folder import Engine, Folder
from network.registry import POLICY
from node_client import FabricError, Gateway
from tests.conftest import Commands, running_network
from tests.scenarios.deploying import patiently
from tests.scenarios.seeking import profile_of

CITY, CENTRE, LATE = "city-admin", "nishitetsu-admin", "trivalley-admin"
DEFINITION = ("registry", "--version", "2", "--signature-policy", POLICY)
SECOND = '''
from chaincode.contract import Context, ContractChaincode, evaluate
from chaincode.registry.contract import Registry
from chaincode.shim import main


class Second(Registry):
    @evaluate
    async def edition(self, context: Context) -> str:
        """Which one of the registry's versions this is."""
        return "second"


if __name__ == "__main__":
    main(ContractChaincode(Second(frozenset(["CityMSP"]))))
'''


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Commands]:
    """A network of its own, on which the city has issued one certificate."""
    with running_network(tmp_path / "net") as folder:
        commands = Commands(folder, tmp_path)
        issue(commands, "before.pdf")
        yield commands


def issue(office: Commands, document: str) -> None:
    office.document(document)
    office.ok("issue", document)


def edition(folder: Folder, organisation: str) -> bytes:
    """What the registry at an organisation's peer says it is; only the second version says anything."""
    with Gateway.from_profile(profile_of(folder, organisation), organisation, "auditor") as gateway:
        contract = gateway.get_network("certificates").get_contract("registry")
        return contract.evaluate("Edition", organizations=[gateway.identity.msp_id])


def served(office: Commands, *organisations: str) -> None:
    """Check that the new version serves at these organisations' peers, as soon as they have the block."""
    for one in organisations:
        assert patiently(lambda one=one: edition(office.folder, one)) == b"second"


def packaged(office: Commands) -> str:
    """The new version's package, the same file for everybody."""
    source = office.home / "registry_2"
    source.mkdir()
    (source / "launch.json").write_text('{"module": "registry_2"}')
    (source / "registry_2.py").write_text(SECOND)
    office.ok("chaincode", "package", "registry_2.tar.gz", "--label", "registry_2", "--source", "registry_2")
    return "registry_2.tar.gz"


def approve(office: Commands, package: str, who: str) -> None:
    office.ok("chaincode", "install", package, "--profile", who)
    (approved,) = office.ok("chaincode", "approve", *DEFINITION, "--package", package, "--profile", who)
    assert (approved["sequence"], approved["installed"]) == (2, True)


def verdict(office: Commands, document: str, organisation: str) -> str:
    (found,) = office.ok("verify", document, "--profile", f"{organisation}-verifier")
    return str(found["verdict"])


def ready(office: Commands) -> None:
    (found,) = office.ok("chaincode", "readiness", *DEFINITION, "--profile", CITY)
    assert found["approvals"] == {"CityMSP": True, "NishitetsuMSP": True, "TriValleyMSP": False}
    assert found["inForce"] is False


def upgrade(office: Commands) -> str:
    """Upgrade by the city and one data centre. Returns the package, which the other has not installed."""
    package = packaged(office)
    approve(office, package, CITY)
    refused = office("chaincode", "commit", *DEFINITION, "--profile", CITY)
    assert (refused.status, "NishitetsuMSP has not approved it" in refused.messages) == (9, True), refused
    approve(office, package, CENTRE)
    patiently(lambda: ready(office), AssertionError)
    issue(office, "meanwhile.pdf")  # by the version in force
    with pytest.raises(FabricError, match="UNKNOWN_FUNCTION"):
        edition(office.folder, "City")
    (committed,) = office.ok("chaincode", "commit", *DEFINITION, "--profile", CITY)
    assert (committed["sequence"], committed["endorsers"]) == (2, ["CityMSP", "NishitetsuMSP"])
    served(office, "City", "Nishitetsu")
    return package


def test_a_new_version_serves_and_old_certificates_still_verify(office: Commands) -> None:
    package = upgrade(office)
    issue(office, "after.pdf")
    trust = ("--trust", str(office.folder.path / "trust.json"), "--offline")
    for document in ("before.pdf", "meanwhile.pdf", "after.pdf"):
        assert [verdict(office, document, one) for one in ("city", "nishitetsu")] == ["genuine"] * 2
        offline = office("verify", document, *trust, "--json")
        assert offline.status == ExitCode.UNCONFIRMED  # without a status list nobody says that it is still in force
        outcomes = {one["name"]: one["outcome"] for one in offline.records[0]["checks"]}
        assert (outcomes["attestation"], outcomes["endorsements"]) == ("passed", "passed")
    office.ok("revoke", "before.pdf.receipt.json", "--reason", "superseded")
    assert office("verify", "before.pdf").status == ExitCode.REVOKED

    # Who is late endorses nothing, is served by the others, and sees what is in force.
    with pytest.raises(FabricError, match="no peers available to evaluate chaincode registry"):
        edition(office.folder, "TriValley")
    assert verdict(office, "after.pdf", "trivalley") == "genuine"
    (told,) = office.ok("chaincode", "status", "registry", "--profile", LATE)
    (in_force,) = told["committed"]
    assert (in_force["chaincodeVersion"], in_force["policy"]) == ("2", POLICY)
    assert (told["installed"], told["approved"], in_force["approvals"]["TriValleyMSP"]) == ([], [], False)
    approve(office, package, LATE)
    served(office, "TriValley")


def test_an_upgraded_network_comes_up_again(office: Commands) -> None:
    package = upgrade(office)
    if office.folder.engine is Engine.FABRIC:  # with a service at every site, which is of the first version
        refused = office("network", "approve")
        assert refused.status == 2
        assert "version 2 of the registry is in force (sequence 2)" in refused.messages
        assert "certledger chaincode approve registry --version 2" in refused.messages
        assert office.ok("network", "commit")[0]["already"] is True
    control.down(office.folder)
    control.up(office.folder)  # while an organisation is late
    served(office, "City")
    approve(office, package, LATE)
    control.down(office.folder)
    office.ok("network", "renew")
    control.up(office.folder)
    served(office, "TriValley")
    issue(office, "renewed.pdf")
    assert verdict(office, "renewed.pdf", "trivalley") == "genuine"
    if office.folder.engine is Engine.FABRIC:
        (approved,) = office.ok("network", "approve")
        assert [one.partition(":")[0] for one in approved["packageIds"]] == ["registry_2"] * 3
