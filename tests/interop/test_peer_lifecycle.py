"""Fabric's own `peer lifecycle chaincode`: the same package ids, and each side goes on where the other stopped."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from network.topology import CHANNEL
from tests import fabric
from tests.conftest import Commands, engine
from tests.interop.test_peer_command import CORE, Peer
from tests.scenarios.deploying import patiently, unused_name

SPECIFIED = "OR('CityMSP.peer', 'TriValleyMSP.peer')"


@pytest.fixture
def peers(commands: Commands, tmp_path: Path) -> dict[str, Peer]:
    """The command as every organisation's admin."""
    program = fabric.require("peer")
    found = {}
    for name in ("City", "Nishitetsu", "TriValley"):
        home = tmp_path / f"{name}'s peer command"
        home.mkdir()
        (home / "core.yaml").write_text(CORE)
        (variables,) = commands.ok("network", "env", name, "admin")
        variables.pop("version")
        found[name] = Peer(program, home, variables)
    return found


@pytest.fixture
def name() -> str:
    return unused_name("shared")


def definition(commands: Commands, name: str) -> list[str | Path]:
    """The options of a definition; they are the same for both commands."""
    collections = commands.home / "collections.json"
    collections.write_text(
        json.dumps(
            [
                {
                    "name": "office",
                    "policy": "OR('CityMSP.member', 'TriValleyMSP.member')",
                    "requiredPeerCount": 0,
                    "maxPeerCount": 1,
                    "blockToLive": 5,
                    "memberOnlyRead": True,
                    "endorsementPolicy": {"signaturePolicy": "OR('CityMSP.member')"},
                }
            ]
        )
    )
    options: list[str | Path] = ["--version", "1.0", "--sequence", "1", "--init-required"]
    return [*options, "--signature-policy", SPECIFIED, "--collections-config", collections]


def ordered(commands: Commands) -> list[str | Path]:
    """The options with which the `peer` command finds the orderer."""
    city = commands.folder.topology().organisation("City")
    root = commands.folder.organisation("City") / "tlsca" / "tlsca.crt"
    return ["-C", CHANNEL, "--orderer", city.orderer, "--tls", "--cafile", root]


def printed(told: str) -> dict[str, Any]:
    """The JSON in what the `peer` command prints, among the lines of its log."""
    found: dict[str, Any] = json.JSONDecoder().raw_decode(told[told.index("{") :])[0]
    return found


def test_ours_is_installed_and_approved_by_theirs_and_committed_by_ours(
    peers: dict[str, Peer], commands: Commands, name: str
) -> None:
    package = commands.home / "ours.tar.gz"
    (made,) = commands.ok("chaincode", "package", package, "--label", f"{name}_1", "--address", "localhost:1")
    identifier = made["packageId"]
    assert peers["City"]("lifecycle", "chaincode", "calculatepackageid", package).split()[0] == identifier
    chosen = definition(commands, name)
    for organisation in ("City", "TriValley"):
        peer = peers[organisation]
        assert identifier in peer("lifecycle", "chaincode", "install", package)
        (again,) = commands.ok("chaincode", "install", package, "--profile", f"{organisation.lower()}-admin")
        assert again["already"] is True
        options = ["--name", name, "--package-id", identifier, *chosen, *ordered(commands)]
        peer("lifecycle", "chaincode", "approveformyorg", *options)
        approving = ["approve", name, "--package", package, *chosen, "--profile", f"{organisation.lower()}-admin"]
        (approved,) = commands.ok("chaincode", *approving)
        assert approved["already"] is True

    def heard() -> None:
        (ready,) = commands.ok("chaincode", "readiness", name, *chosen, "--profile", "city-admin")
        assert [ready["approvals"][one] for one in ("CityMSP", "TriValleyMSP")] == [True, True]

    patiently(heard, AssertionError)
    commands.ok("chaincode", "commit", name, *chosen, "--profile", "city-admin")
    told = peers["City"]("lifecycle", "chaincode", "querycommitted", "-C", CHANNEL, "--name", name, "--output", "json")
    found = printed(told)
    assert (found["sequence"], found["version"], found["init_required"]) == (1, "1.0", True)
    assert found["approvals"] == {"CityMSP": True, "NishitetsuMSP": False, "TriValleyMSP": True}


def test_ours_is_approved_by_ours_and_committed_by_theirs(
    peers: dict[str, Peer], commands: Commands, name: str
) -> None:
    chosen = definition(commands, name)
    for profile in ("city-admin", "trivalley-admin"):
        commands.ok("chaincode", "approve", name, "--without-package", *chosen, "--profile", profile)

    def heard() -> None:
        options = ["-C", CHANNEL, "--name", name, *chosen, "--output", "json"]
        told = peers["City"]("lifecycle", "chaincode", "checkcommitreadiness", *options)
        assert printed(told)["approvals"] == {"CityMSP": True, "NishitetsuMSP": False, "TriValleyMSP": True}

    patiently(heard, AssertionError)
    options = ["--name", name, *chosen, *ordered(commands)]
    for organisation in ("City", "TriValley"):
        options += ["--peerAddresses", commands.folder.topology().organisation(organisation).peer]
        options += ["--tlsRootCertFiles", commands.folder.organisation(organisation) / "tlsca" / "tlsca.crt"]
    peers["City"]("lifecycle", "chaincode", "commit", *options)
    (told,) = commands.ok("chaincode", "status", name, "--profile", "city-admin")
    assert told["committed"][0]["policy"] == SPECIFIED
    assert told["committed"][0]["approvals"]["TriValleyMSP"] is True


def test_theirs_is_installed_by_ours(peers: dict[str, Peer], commands: Commands, name: str) -> None:
    source, package = commands.home / "node contract", commands.home / "theirs.tar.gz"
    source.mkdir()
    (source / "package.json").write_text('{"name": "x", "scripts": {"start": "fabric-chaincode-node start"}}')
    city = peers["City"]
    city("lifecycle", "chaincode", "package", package, "--path", source, "--lang", "node", "--label", f"{name}_1")
    identifier = city("lifecycle", "chaincode", "calculatepackageid", package).split()[0]
    (told,) = commands.ok("chaincode", "package-id", package)
    assert (told["packageId"], told["type"]) == (identifier, "node")
    installed = commands("chaincode", "install", package, "--profile", "city-admin", "--json")
    if engine() == "fabric":
        # Its peers have our builder and no Docker: nobody takes packages for Node.
        assert installed.status == 9
        assert "could not build chaincode" in installed.messages
        return
    assert installed.records[0]["packageId"] == identifier
    listed = city("lifecycle", "chaincode", "queryinstalled", "--output", "json")
    assert identifier in re.findall(r'"package_id": "([^"]*)"', listed)
