"""The lifecycle by commands, every organisation for itself. The same on real Fabric."""

import json
from pathlib import Path
from typing import Any

import pytest

from network.authority import Authority
from network.folder import Folder
from node_client import ConnectionProfile, Gateway
from tests.conftest import Commands, Result
from tests.scenarios.deploying import Service, free_address, patiently, served, unused_name

CITY, CENTRE, OTHER = "city-admin", "nishitetsu-admin", "trivalley-admin"
MSP_OF = {CITY: "CityMSP", CENTRE: "NishitetsuMSP", OTHER: "TriValleyMSP"}
ANYONE = "OR('CityMSP.peer', 'NishitetsuMSP.peer', 'TriValleyMSP.peer')"


class Steps:
    """The steps of one chaincode."""

    def __init__(self, commands: Commands, name: str) -> None:
        self.commands, self.name = commands, name
        self.package = commands.home / f"{name}.tar.gz"

    def make(self, *source: str | Path) -> dict[str, Any]:
        (made,) = self.commands.ok("chaincode", "package", self.package, "--label", f"{self.name}_1", *source)
        return made

    def install(self, who: str) -> dict[str, Any]:
        (done,) = self.commands.ok("chaincode", "install", self.package, "--profile", who)
        return done

    def approve(self, who: str, *options: str | Path) -> dict[str, Any]:
        arguments = ["approve", self.name, "--package", self.package, "--profile", who]
        (done,) = self.commands.ok("chaincode", *arguments, *options)
        return done

    def readiness(self, who: str, *options: str | Path) -> dict[str, Any]:
        (found,) = self.commands.ok("chaincode", "readiness", self.name, "--profile", who, *options)
        return found

    def commit(self, *options: str | Path) -> Result:
        return self.commands("chaincode", "commit", self.name, "--profile", CITY, "--json", *options)

    def has_heard(self, who: str, of: str) -> None:
        """Wait until a peer has heard of an organisation's approval."""

        def ask() -> None:
            if not self.readiness(who)["approvals"][of]:
                raise LateError

        patiently(ask, LateError)


class LateError(Exception):
    """A peer has not heard of it yet."""


@pytest.fixture
def steps(commands: Commands) -> Steps:
    return Steps(commands, unused_name("steps"))


def evaluated(folder: Folder, name: str, *call: str) -> bytes:
    profile = ConnectionProfile.load(folder.organisation("City") / "connection.json")
    with Gateway.from_profile(profile, "City", "issuer") as gateway:
        return gateway.get_network("certificates").get_contract(name).evaluate(*call)


def test_organisations_put_a_chaincode_on_the_channel_each_for_itself(steps: Steps, network: Folder) -> None:
    address = free_address()
    made = steps.make("--address", address)
    assert made["packageId"].startswith(f"{steps.name}_1:")
    assert made["type"] == "ccaas"
    assert steps.commands.ok("chaincode", "package-id", steps.package) == [made]
    for who in (CITY, CENTRE):
        assert steps.install(who)["already"] is False
        assert steps.install(who)["already"] is True
        approved = steps.approve(who)
        assert (approved["sequence"], approved["packageId"], approved["already"]) == (1, made["packageId"], False)
        assert steps.approve(who)["already"] is True
    steps.has_heard(CITY, "NishitetsuMSP")
    ready = steps.readiness(CITY)
    assert ready["approvals"] == {"CityMSP": True, "NishitetsuMSP": True, "TriValleyMSP": False}
    assert (ready["mismatches"], ready["inForce"]) == ({}, False)

    (committed,) = steps.commit().records
    assert committed["endorsers"] == ["CityMSP", "NishitetsuMSP"]
    assert (committed["sequence"], committed["chaincodeVersion"], committed["already"]) == (1, "1", False)
    (again,) = steps.commit().records
    assert again["already"] is True
    assert steps.readiness(CITY)["inForce"] is True
    assert steps.approve(CITY)["already"] is True

    # Who comes late approves what is in force, and may say that it does not run it.
    steps.commands.ok("chaincode", "approve", steps.name, "--without-package", "--profile", OTHER)
    told = {one["mspId"]: one for one in steps.commands.ok("chaincode", "status", steps.name)}
    assert told["TriValleyMSP"]["approved"][0]["packageId"] is None
    city = told["CityMSP"]
    assert [one["packageId"] for one in city["installed"]] == [made["packageId"]]
    (used,) = city["installed"][0]["usedBy"]
    assert (used["name"], used["chaincodeVersion"]) == (steps.name, "1")
    (definition,) = city["committed"]
    assert definition["policy"] == "/Channel/Application/Endorsement"
    assert definition["approvals"]["NishitetsuMSP"] is True

    service = Service(network, steps.name, made["packageId"], address, 1)
    with served(service, "tests.scenarios.counter"):
        assert patiently(lambda: evaluated(network, steps.name, "Who"))


@pytest.mark.parametrize("who", [[CITY], [CENTRE, OTHER]], ids=["the city alone", "both data centres"])
def test_too_few_organisations_put_nothing_into_force(steps: Steps, who: list[str]) -> None:
    for one in who:
        steps.commands.ok("chaincode", "approve", steps.name, "--without-package", "--profile", one)
        steps.has_heard(CITY, MSP_OF[one])
    refused = steps.commit()
    assert refused.status == 9
    assert refused.records[0]["error"]["code"] == "not-agreed"
    assert ("CityMSP has approved it" in refused.messages) == (CITY in who)
    assert ("CityMSP has not approved it" in refused.messages) == (CITY not in who)
    assert steps.readiness(CITY)["inForce"] is False


def test_everything_of_the_definition_is_agreed_on(steps: Steps) -> None:
    steps.make("--address", "localhost:1")
    collections = steps.commands.home / "collections_config.json"
    collections.write_text(json.dumps([{"name": "office", "policy": "OR('CityMSP.member')"}]))
    options = ["--version", "1.0", "--signature-policy", ANYONE, "--init-required", "--collections-config", collections]
    for who in (CITY, CENTRE):
        steps.install(who)
    steps.approve(CITY, *options)
    steps.approve(CENTRE, "--version", "1.0", "--channel-config-policy", "/Channel/Application/Endorsement")
    refused = steps.commit(*options)
    assert refused.status == 9
    differs = steps.readiness(CENTRE, *options)
    assert not differs["approvals"]["NishitetsuMSP"]
    assert differs["mismatches"]["NishitetsuMSP"]
    steps.approve(CENTRE, *options)
    patiently(lambda: in_force(steps.commit(*options)), AssertionError)
    told = steps.commands.ok("chaincode", "status", steps.name, "--profile", CITY)
    (definition,) = told[0]["committed"]
    assert (definition["policy"], definition["chaincodeVersion"]) == (ANYONE, "1.0")
    assert (definition["initRequired"], definition["collections"]) == (True, True)
    # What asks for something else is the next definition; the same with a sequence that is over is refused.
    assert steps.readiness(CITY, "--version", "2")["sequence"] == 2
    over = steps.commit("--version", "2", "--sequence", "1")
    assert over.status == 2
    assert "sequence 1" in over.messages


def in_force(result: Result) -> None:
    assert result.status == 0, result


def test_a_package_may_be_installed_after_it_was_approved(steps: Steps) -> None:
    steps.make("--address", "localhost:1")
    approved = steps.approve(OTHER)
    assert (approved["already"], approved["installed"]) == (False, False)
    result = steps.commands("chaincode", "approve", steps.name, "--package", steps.package, "--profile", OTHER)
    assert "certledger chaincode install" in result.messages
    steps.install(OTHER)
    assert steps.approve(OTHER)["installed"] is True


def test_only_admins_take_the_steps(steps: Steps) -> None:
    steps.make("--address", "localhost:1")
    refused = steps.commands("chaincode", "install", steps.package, "--profile", "city-issuer")
    assert refused.status == 9
    assert "not an admin" in refused.messages


def test_a_service_is_reached_over_tls_with_the_packages_certificate(steps: Steps, network: Folder) -> None:
    home, address = steps.commands.home, f"localhost:{free_address().rpartition(':')[2]}"
    authority = Authority.create("City", "services.city")
    authority.issue_tls("service", ["localhost"]).write(home / "service.key", home / "service.crt")
    authority.issue_tls("peers").write(home / "peers.key", home / "peers.crt")
    (home / "root.crt").write_bytes(authority.pair.certificate)
    tls: list[str | Path] = ["--tls-root", home / "root.crt", "--tls-client-key", home / "peers.key"]
    tls += ["--tls-client-cert", home / "peers.crt", "--dial-timeout", "3s"]
    (deployed,) = steps.commands.ok("chaincode", "deploy", steps.name, "--address", address, *tls)
    assert (deployed["address"], deployed["sequence"]) == (address, 1)
    variables = {
        "CHAINCODE_TLS_DISABLED": "false",
        "CHAINCODE_TLS_KEY": str(home / "service.key"),
        "CHAINCODE_TLS_CERT": str(home / "service.crt"),
        "CHAINCODE_CLIENT_CA_CERT": str(home / "root.crt"),
    }
    with served(Service(network, steps.name, deployed["packageId"], address, 1), "tests.scenarios.counter", variables):
        assert patiently(lambda: evaluated(network, steps.name, "Who"))


def test_bad_input(steps: Steps) -> None:
    home = steps.commands.home
    for arguments, told in (
        (["package", home / "x", "--label", "x"], "--address"),
        (["package", home / "x", "--label", "x", "--address", "a:1", "--source", home], "--address"),
        (["package", home / "x", "--label", "x", "--source", home, "--tls-root", home], "--address"),
        (["package", home / "x", "--label", "a b", "--address", "a:1"], "no label"),
        (["package", home / "x", "--label", "x", "--source", home / "missing"], "cannot be read"),
        (["install", home / "missing"], "cannot be read"),
        (["approve", "x"], "--package-id"),
        (["approve", "x", "--package-id", "y", "--without-package"], "--package-id"),
        (["approve", "x y", "--without-package"], "no name of a chaincode"),
        (["readiness", "x", "--sequence", "0"], "--sequence"),
        (["status", "--profile", "nobody"], "no profile nobody"),
    ):
        result = steps.commands("chaincode", *arguments)
        assert result.status == 2, (arguments, result)
        assert told in result.messages
    assert list(home.glob("x*")) == []
