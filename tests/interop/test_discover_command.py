"""Fabric's own `discover` command on the network."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from network.folder import Folder
from network.profiles import mutual_tls_peer
from network.topology import CHANNEL
from node_client.protocol.config import ChannelConfig
from tests import fabric
from tests.conftest import Commands
from tests.scenarios.seeking import height

DEADLINE = 60.0
ORGANISATIONS = ("City", "Nishitetsu", "TriValley")


class Discover:
    """The command, as a user of the city."""

    def __init__(self, folder: Folder, home: Path) -> None:
        self._program = fabric.require("discover")
        self._home = home
        self._folder = folder

    def run(self, *arguments: str, user: str = "issuer", server: str = "") -> tuple[int, str, str]:
        topology = self._folder.topology()
        city = topology.organisation("City")
        home = self._folder.organisation("City")
        msp, tls = home / "users" / user / "msp", home / "users" / user / "tls"
        options: list[str | Path] = ["--peerTLSCA", home / "tlsca" / "tlsca.crt"]
        options += ["--tlsCert", tls / "client.crt", "--tlsKey", tls / "client.key"]
        options += ["--userCert", msp / "signcerts" / "cert.pem", "--userKey", msp / "keystore" / "key.pem"]
        options += ["--MSP", "CityMSP"]
        chosen = server or mutual_tls_peer(self._folder, city)
        done = subprocess.run(
            [self._program, *map(str, options), *arguments, "--server", chosen],
            cwd=self._home,
            env={"PATH": os.environ.get("PATH", ""), "HOME": str(self._home), "FABRIC_LOGGING_SPEC": "error"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=DEADLINE,
            check=False,
        )
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def __call__(self, *arguments: str, user: str = "issuer") -> Any:
        status, output, messages = self.run(*arguments, user=user)
        assert status == 0, messages
        return json.loads(output)


@pytest.fixture
def discover(commands: Commands) -> Discover:
    return Discover(commands.folder, commands.home)


def subject(pem: str) -> tuple[str, int]:
    """What tells certificates apart, whichever of the two forms their signature has: Fabric's peers show a low S."""
    found = x509.load_pem_x509_certificate(pem.encode())
    return found.subject.rfc4514_string(), found.serial_number


def certificate(folder: Folder, organisation: str) -> str:
    return (folder.organisation(organisation) / "peer" / "msp" / "signcerts" / "cert.pem").read_text()


def test_peers_of_the_channel(discover: Discover, commands: Commands) -> None:
    found = {one["MSPID"]: one for one in discover("peers", "--channel", CHANNEL)}
    assert set(found) == {f"{name}MSP" for name in ORGANISATIONS}
    for one in commands.folder.topology().organisations:
        peer = found[one.msp_id]
        assert peer["Endpoint"] == one.peer
        assert subject(peer["Identity"]) == subject(certificate(commands.folder, one.name))
        assert {"registry", "_lifecycle"} <= set(peer["Chaincodes"])
        assert 0 < peer["LedgerHeight"] <= height(commands.folder)  # peers tell it to others now and then


def test_local_peers_are_for_admins(discover: Discover, commands: Commands) -> None:
    found = {one["MSPID"]: one for one in discover("peers", user="admin")}
    assert {msp_id: one["Endpoint"] for msp_id, one in found.items()} == {
        one.msp_id: one.peer for one in commands.folder.topology().organisations
    }
    status, _, messages = discover.run("peers")
    assert (status, "access denied" in messages) == (1, True), messages


def test_configuration(discover: Discover, commands: Commands) -> None:
    found = discover("config", "--channel", CHANNEL)
    config = ChannelConfig.from_bytes((commands.folder.path / "channel.block").read_bytes())
    assert set(found["msps"]) == set(config.msp_manager.msps)
    assert found["msps"]["CityMSP"]["name"] == "CityMSP"
    for one in commands.folder.topology().organisations:
        host, _, port = one.orderer.rpartition(":")
        assert found["orderers"][one.msp_id] == {"endpoint": [{"host": host, "port": int(port)}]}


def test_endorsers(discover: Discover, commands: Commands) -> None:
    (found,) = discover("endorsers", "--channel", CHANNEL, "--chaincode", "registry")
    assert found["Chaincode"] == "registry"
    groups = {group: {one["MSPID"] for one in peers} for group, peers in found["EndorsersByGroups"].items()}
    layouts = {
        frozenset((next(iter(groups[group])), count) for group, count in one["quantities_by_group"].items())
        for one in found["Layouts"]
    }
    assert layouts == {
        frozenset({("CityMSP", 1), ("NishitetsuMSP", 1)}),
        frozenset({("CityMSP", 1), ("TriValleyMSP", 1)}),
    }
    for peers in found["EndorsersByGroups"].values():
        for one in peers:
            name = one["MSPID"].removesuffix("MSP")
            assert one["Endpoint"] == commands.folder.topology().organisation(name).peer


def test_what_cannot_be_discovered(discover: Discover, commands: Commands) -> None:
    for arguments, text in (
        (("endorsers", "--channel", CHANNEL, "--chaincode", "nothing"), "failed constructing descriptor for"),
        (("peers", "--channel", "nowhere"), "access denied"),
    ):
        status, _, messages = discover.run(*arguments)
        assert (status, text in messages) == (1, True), messages


def test_the_port_that_asks_for_no_certificate_answers_too(discover: Discover, commands: Commands) -> None:
    """As Fabric's peers do, whether or not they ask for one."""
    server = commands.folder.topology().organisation("City").peer
    status, output, messages = discover.run("peers", "--channel", CHANNEL, server=server)
    assert (status, len(json.loads(output))) == (0, 3), messages
