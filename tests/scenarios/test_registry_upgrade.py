"""A new version of the registry comes into force by the steps of docs/operations.md. The same on real Fabric."""

from collections.abc import Iterator
from typing import Any

import pytest

from cli.exit_codes import ExitCode
from network import control
from network.folder import Folder
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


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """A network of its own, on which the city has issued one certificate."""
    home = tmp_path_factory.mktemp("upgrade")
    with running_network(home / "net") as folder:
        commands = Commands(folder, home)
        commands.document("before.pdf")
        commands.ok("issue", "before.pdf")
        yield commands


def edition(folder: Folder, organisation: str) -> bytes:
    """What the registry at an organisation's peer says it is; only the second version says anything."""
    with Gateway.from_profile(profile_of(folder, organisation), organisation, "auditor") as gateway:
        contract = gateway.get_network("certificates").get_contract("registry")
        return contract.evaluate("Edition", organizations=[gateway.identity.msp_id])


@pytest.fixture(scope="module")
def package(office: Commands) -> str:
    """The new version's package, the same file for everybody."""
    source = office.home / "registry_2"
    source.mkdir()
    (source / "launch.json").write_text('{"module": "registry_2"}')
    (source / "registry_2.py").write_text(SECOND)
    office.ok("chaincode", "package", "registry_2.tar.gz", "--label", "registry_2", "--source", "registry_2")
    return "registry_2.tar.gz"


def approve(office: Commands, package: str, who: str) -> dict[str, Any]:
    office.ok("chaincode", "install", package, "--profile", who)
    (approved,) = office.ok("chaincode", "approve", *DEFINITION, "--package", package, "--profile", who)
    assert (approved["sequence"], approved["installed"]) == (2, True)
    return approved


def verdict(office: Commands, document: str, organisation: str) -> str:
    (found,) = office.ok("verify", document, "--profile", f"{organisation}-verifier")
    return str(found["verdict"])


def test_the_version_in_force_goes_on_until_the_new_one_is_committed(office: Commands, package: str) -> None:
    approve(office, package, CITY)
    refused = office("chaincode", "commit", *DEFINITION, "--profile", CITY)
    assert (refused.status, "NishitetsuMSP has not approved it" in refused.messages) == (9, True), refused
    approve(office, package, CENTRE)

    def ready() -> None:
        (found,) = office.ok("chaincode", "readiness", *DEFINITION, "--profile", CITY)
        assert found["approvals"] == {"CityMSP": True, "NishitetsuMSP": True, "TriValleyMSP": False}
        assert found["inForce"] is False

    patiently(ready, AssertionError)
    office.document("meanwhile.pdf")
    office.ok("issue", "meanwhile.pdf")
    with pytest.raises(FabricError, match="UNKNOWN_FUNCTION"):
        edition(office.folder, "City")


def test_the_new_version_serves_and_old_certificates_still_verify(office: Commands, package: str) -> None:
    (committed,) = office.ok("chaincode", "commit", *DEFINITION, "--profile", CITY)
    assert (committed["sequence"], committed["endorsers"]) == (2, ["CityMSP", "NishitetsuMSP"])
    for organisation in ("City", "Nishitetsu"):
        assert patiently(lambda one=organisation: edition(office.folder, one)) == b"second"
    office.document("after.pdf")
    office.ok("issue", "after.pdf")
    trust = ("--trust", str(office.folder.path / "trust.json"), "--offline")
    for document in ("before.pdf", "meanwhile.pdf", "after.pdf"):
        assert [verdict(office, document, one) for one in ("city", "nishitetsu")] == ["genuine"] * 2
        offline = office("verify", document, *trust, "--json")
        assert offline.status == ExitCode.UNCONFIRMED  # without a status list nobody says that it is still in force
        outcomes = {one["name"]: one["outcome"] for one in offline.records[0]["checks"]}
        assert (outcomes["attestation"], outcomes["endorsements"]) == ("passed", "passed")
    office.ok("revoke", "before.pdf.receipt.json", "--reason", "superseded")
    assert office("verify", "before.pdf").status == ExitCode.REVOKED


def test_an_organisation_that_is_late_endorses_nothing_and_sees_what_it_lacks(office: Commands, package: str) -> None:
    with pytest.raises(FabricError, match="no peers available to evaluate chaincode registry"):
        edition(office.folder, "TriValley")
    assert verdict(office, "after.pdf", "trivalley") == "genuine"  # its gateway asks the others' peers
    (told,) = office.ok("chaincode", "status", "registry", "--profile", LATE)
    (in_force,) = told["committed"]
    assert (in_force["chaincodeVersion"], in_force["policy"]) == ("2", POLICY)
    assert (told["installed"], told["approved"], in_force["approvals"]["TriValleyMSP"]) == ([], [], False)


@pytest.mark.fabric
def test_the_sites_own_approval_tells_who_is_late_of_the_version_in_force(office: Commands, package: str) -> None:
    refused = office("network", "approve")
    assert refused.status == 2
    assert "version 2 of the registry is in force (sequence 2)" in refused.messages
    assert "certledger chaincode approve registry --version 2" in refused.messages
    assert office.ok("network", "commit")[0]["already"] is True


def test_the_network_comes_up_again_while_an_organisation_is_late(office: Commands, package: str) -> None:
    control.down(office.folder)
    control.up(office.folder)
    assert patiently(lambda: edition(office.folder, "City")) == b"second"


def test_who_was_late_approves_what_is_in_force(office: Commands, package: str) -> None:
    approve(office, package, LATE)
    assert patiently(lambda: edition(office.folder, "TriValley")) == b"second"


def test_renewed_keys_do_not_bring_the_old_version_back(office: Commands, package: str) -> None:
    control.down(office.folder)
    office.ok("network", "renew")
    control.up(office.folder)
    assert patiently(lambda: edition(office.folder, "TriValley")) == b"second"
    office.document("renewed.pdf")
    office.ok("issue", "renewed.pdf")
    assert verdict(office, "renewed.pdf", "trivalley") == "genuine"


@pytest.mark.fabric
def test_the_sites_own_approval_leaves_the_new_version_as_it_is(office: Commands, package: str) -> None:
    (approved,) = office.ok("network", "approve")
    assert [one.partition(":")[0] for one in approved["packageIds"]] == ["registry_2"] * 3
