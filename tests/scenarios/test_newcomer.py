"""A fourth organisation comes into the channel of three sites, by the steps of docs/operations.md; on real Fabric."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
import yaml

from chaincode.registry.model.ids import new_id
from cli.exit_codes import ExitCode
from network.arriving import topology_of
from network.folder import Engine
from network.ports import placed
from network.topology import Organisation, default_configtx
from node_client import CommitError, ConnectionProfile, EndorseError, Gateway
from tests.scenarios.deploying import patiently
from tests.scenarios.test_raft_to_bft import led, restart
from tests.sites import NAMES, Site, bring, formed, free_topology, site

pytestmark = [pytest.mark.fabric, pytest.mark.slow]

UPDATE = "update.pb"
WITH_HARBOUR = "AND('CityMSP.peer', OR('NishitetsuMSP.peer', 'TriValleyMSP.peer', 'HarbourMSP.peer'))"


@dataclass(frozen=True)
class Land:
    """Three sites that have formed the network, and one that comes later."""

    city: Site
    centre: Site
    other: Site
    harbour: Site

    def in_force(self, *proposal: str) -> None:
        """Have an update proposed at the city's site, signed by the city and a data centre, and submitted."""
        self.city.run("config", *proposal, "--profile", "city-admin")
        self.city.run("config", "sign", UPDATE, "--profile", "city-admin")
        copy(self.city.commands.home / UPDATE, self.centre.commands.home / UPDATE)
        signed = self.centre.run("config", "sign", UPDATE, "--profile", "nishitetsu-admin")
        assert (signed["signatures"], signed["missing"]) == (2, [])
        self.centre.run("config", "submit", UPDATE, "--profile", "nishitetsu-admin")


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    place = tmp_path_factory.mktemp("newcomer")
    city, centre, other, harbour = (site(place, name) for name in (*NAMES, "Harbour"))
    with formed([city, centre, other], free_topology()):
        try:
            city.commands.document("before.pdf")
            city.issue("before.pdf")
            yield Land(city, centre, other, harbour)
        finally:
            harbour.commands("network", "down")


def nodes(one: Site) -> dict[str, Any]:
    """A site's nodes, by kind."""
    return {node["kind"]: node for node in one.run("status")["nodes"]}


def made(harbour: Site) -> str:
    """The newcomer's site, made and begun with the channel's first block. Returns its bundle's name."""
    topology = topology_of([Organisation("Harbour", "HarbourMSP", "localhost:7051", "localhost:7050")])
    (own,) = placed(topology, "auto", Engine.FABRIC)
    harbour.run("init-org", "Harbour", "--msp-id", "HarbourMSP", "--peer", own.peer, "--orderer", own.orderer)
    return str(harbour.run("export-org")["file"])


def issued_with(city: Site, *endorsers: str) -> None:
    """Issue a certificate that just these organisations endorse. Raises CommitError: that is not enough."""
    profile = ConnectionProfile.load(city.commands.folder.organisation("City") / "connection.json")
    with Gateway.from_profile(profile, "City", "issuer") as gateway:
        contract = gateway.get_network("certificates").get_contract("registry")
        contract.submit("IssueCertificate", new_id(), "0" * 64, organizations=list(endorsers))


def test_an_organisation_joins_with_its_nodes_orders_and_endorses(land: Land, tmp_path: Path) -> None:
    city, centre, other, harbour = land.city, land.centre, land.other, land.harbour
    bundle = made(harbour)
    early = harbour.commands("network", "start")
    assert (early.status, "certledger network take-channel FILE" in early.messages) == (2, True), early
    first = copy(city.commands.folder.path / "channel.block", harbour.commands.home / "channel.block")
    refused = harbour.commands("network", "take-channel", first, "--sha256", "0" * 64)
    assert (refused.status, "is not the expected one" in refused.messages) == (2, True), refused
    taken = harbour.run("take-channel", str(first))
    assert taken["sha256"] == city.run("channel-block", *map(str, city.commands.home.glob("from-*.json")))["sha256"]
    harbour.run("start")
    early = harbour.commands("network", "join")
    assert (early.status, "the channel does not know Harbour yet" in early.messages) == (2, True), early

    copy(harbour.commands.home / bundle, city.commands.home / bundle)
    land.in_force("add-org", bundle, UPDATE)
    harbour.run("join")
    found = nodes(harbour)
    assert found["orderer"]["height"] == found["peer"]["height"] == nodes(city)["peer"]["height"]
    assert found["orderer"]["leader"] is None  # it follows
    (package,) = harbour.run("approve")["packageIds"]
    (told,) = harbour.commands.ok("chaincode", "status", "registry")
    assert [one["packageId"] for one in told["approved"]] == [package]
    assert told["committed"][0]["approvals"]["HarbourMSP"] is True
    bring("before.pdf", city, harbour)
    (verdict,) = harbour.commands.ok("verify", "before.pdf", "--profile", "harbour-verifier")
    assert verdict["verdict"] == "genuine"
    patiently(lambda: serving(harbour), AssertionError)

    land.in_force("add-consenter", bundle, UPDATE)
    patiently(lambda: ordering(harbour), AssertionError)
    for one in (city, harbour):
        assert one.run("status")["consensus"] == {"type": "raft", "orderers": 4, "faults": 1, "indispensable": []}
    again = city.commands("network", "config", "add-consenter", bundle, UPDATE, "--profile", "city-admin")
    assert (again.status, "are consenters already" in again.messages) == (2, True), again

    # It endorses at once, and its word counts when the policy names it.
    patiently(lambda: refused_by_policy(city), EndorseError)
    definition = ("registry", "--version", "1", "--signature-policy", WITH_HARBOUR)
    for one in (city, centre, harbour):
        (told,) = one.commands.ok("chaincode", "status", "registry", "--profile", f"{one.name.lower()}-admin")
        one.commands.ok("chaincode", "approve", *definition, "--package-id", told["approved"][0]["packageId"])
    patiently(lambda: committed(city, definition), AssertionError)
    patiently(lambda: issued_with(city, "CityMSP", "HarbourMSP"), CommitError)

    # Who issues must believe the newcomer's attestations, too: the gateway may ask it instead of a data centre.
    city.run("export-trust", str(city.commands.folder.path / "trust.json"), "--profile", "city-auditor")

    # Of four orderers three must agree: without the other data centre, the newcomer's is one of them.
    other.run("down")
    city.commands.document("after.pdf")
    city.issue("after.pdf")
    bring("after.pdf", city, harbour)
    trust = harbour.commands.home / "trust.json"
    harbour.run("export-trust", str(trust), "--profile", "harbour-auditor")
    (verdict,) = harbour.commands.ok("verify", "after.pdf", "--trust", trust, "--profile", "harbour-verifier")
    assert verdict["verdict"] == "genuine"
    other.run("start")

    moves_to_bft(land, tmp_path)


def of_four(path: Path) -> Path:
    """A configtx.yaml whose profile BFT names the newcomer, and one orderer of every organisation."""
    document = yaml.safe_load(default_configtx())
    profile = document["Profiles"]["BFT"]
    orderer = profile["Orderer"]
    consenters = [one for one in orderer["ConsenterMapping"] if "orderer1" not in one["Identity"]]
    consenters.append(yaml.safe_load(yaml.safe_dump(consenters[-1]).replace("TriValley", "Harbour")))
    orderer["ConsenterMapping"] = [{**one, "ID": number} for number, one in enumerate(consenters, start=1)]
    orderer["ConsenterMapping"][-1]["Port"] = 10050
    orderer["Organizations"][0]["OrdererEndpoints"].pop()
    for part, port in (("Orderer", "10050"), ("Application", "10051")):
        organizations = profile[part]["Organizations"]
        text = yaml.safe_dump(organizations[-1]).replace("TriValley", "Harbour")
        organizations.append(yaml.safe_load(text.replace("9050", port).replace("9051", "10051")))
    path.write_text(yaml.safe_dump(document))
    return path


def moves_to_bft(land: Land, tmp_path: Path) -> None:
    """With the newcomer's orderer there are the four that BFT needs."""
    everyone = (land.city, land.centre, land.other, land.harbour)
    city, other, harbour = land.city, land.other, land.harbour
    configtx = str(of_four(tmp_path / "configtx.yaml"))
    bundle = str(harbour.run("export-org")["file"])
    copy(harbour.commands.home / bundle, city.commands.home / bundle)
    refused = city.commands("network", "config", "migrate", UPDATE, bundle, "--profile", "city-admin")
    assert (refused.status, "configtx.yaml 2 in the profile BFT" in refused.messages) == (2, True), refused
    for step in ("enter", "change", "leave"):
        land.in_force("migrate", UPDATE, bundle, "--configtx", configtx)
        if step != "leave":
            restart(everyone)
            led(everyone)
    for one in everyone:
        options = ("--profile", f"{one.name.lower()}-admin", "--configtx", configtx)
        adopted = one.run("config", "adopt", *options)
        assert (adopted["consensus"], len(adopted["orderers"])) == ("bft", 4)
        found = one.run("status")["consensus"]
        assert found == {"type": "bft", "orderers": 4, "faults": 1, "indispensable": []}
    restart(everyone)
    other.run("down")
    city.commands.document("by bft.pdf")
    city.issue("by bft.pdf")
    bring("by bft.pdf", city, harbour)
    trust = harbour.commands.home / "trust.json"
    verdict = harbour.commands("verify", "by bft.pdf", "--trust", trust, "--profile", "harbour-verifier")
    assert verdict.status == 0, verdict


def serving(one: Site) -> None:
    assert one.run("status")["trouble"] is None


def ordering(one: Site) -> None:
    assert nodes(one)["orderer"]["leader"] is not None


def refused_by_policy(city: Site) -> None:
    with pytest.raises(CommitError, match="ENDORSEMENT_POLICY_FAILURE"):
        issued_with(city, "CityMSP", "HarbourMSP")


def committed(city: Site, definition: tuple[str, ...]) -> None:
    result = city.commands("chaincode", "commit", *definition)
    assert result.status == ExitCode.DONE, result
