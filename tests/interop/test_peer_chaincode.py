"""Fabric's own `peer` command alone brings a chaincode onto the channel and calls it: no step of ours in between."""

import json
from pathlib import Path
from typing import Any

import pytest

from network.folder import Folder
from network.topology import CHANNEL
from node_client.protocol.chaincode_package import package_id, service_package
from tests import fabric
from tests.conftest import Commands
from tests.interop.test_peer_command import CORE, Peer
from tests.interop.test_peer_lifecycle import ordered, printed
from tests.scenarios.deploying import Service, free_address, patiently, served, unused_name

ORGANISATIONS = ("City", "Nishitetsu", "TriValley")


def peers_of(folder: Folder, home: Path) -> dict[str, Peer]:
    """The command as every organisation's admin."""
    commands, found = Commands(folder, home), {}
    for name in ORGANISATIONS:
        own = home / name
        own.mkdir()
        (own / "core.yaml").write_text(CORE)
        (variables,) = commands.ok("network", "env", name)
        variables.pop("version")
        found[name] = Peer(fabric.require("peer"), own, variables)
    return found


def addressed(folder: Folder, *organisations: str) -> list[str | Path]:
    options: list[str | Path] = []
    for one in organisations:
        options += ["--peerAddresses", folder.topology().organisation(one).peer]
        options += ["--tlsRootCertFiles", folder.organisation(one) / "tlsca" / "tlsca.crt"]
    return options


def test_from_the_package_to_the_answer(commands: Commands, tmp_path: Path) -> None:
    folder = commands.folder
    peers = peers_of(folder, tmp_path)
    city = peers["City"]
    name, address = unused_name("theirs"), free_address()
    label, package = f"{name}_1", tmp_path / "package.tar.gz"
    package.write_bytes(service_package(label, address))
    identifier = package_id(label, package.read_bytes())

    # Every organisation installs the package, and the peer gives it back as it was.
    for peer in peers.values():
        assert identifier in peer("lifecycle", "chaincode", "install", package)
        listed = printed(peer("lifecycle", "chaincode", "queryinstalled", "--output", "json"))
        assert {"package_id": identifier, "label": label} in listed["installed_chaincodes"]
    city(
        "lifecycle",
        "chaincode",
        "getinstalledpackage",
        "--package-id",
        identifier,
        "--output-directory",
        tmp_path / "City",
    )
    (given,) = (tmp_path / "City").glob("*.tar.gz")
    assert given.read_bytes() == package.read_bytes()

    # Every organisation approves for itself, and each peer knows what its own organisation approved.
    definition: list[str | Path] = ["--name", name, "--version", "1.0", "--sequence", "1"]
    for peer in peers.values():
        peer("lifecycle", "chaincode", "approveformyorg", *definition, "--package-id", identifier, *ordered(commands))
        options = ["-C", CHANNEL, "--name", name, "--sequence", "1", "--output", "json"]
        approved = printed(peer("lifecycle", "chaincode", "queryapproved", *options))
        assert (approved["sequence"], approved["version"]) == (1, "1.0")
        assert approved["source"]["Type"]["LocalPackage"]["package_id"] == identifier

    def ready() -> None:
        for peer in peers.values():
            told = peer(
                "lifecycle", "chaincode", "checkcommitreadiness", "-C", CHANNEL, *definition, "--output", "json"
            )
            assert printed(told)["approvals"] == {f"{one}MSP": True for one in ORGANISATIONS}

    patiently(ready, AssertionError)
    city("lifecycle", "chaincode", "commit", *definition, *ordered(commands), *addressed(folder, *ORGANISATIONS))
    told = city("lifecycle", "chaincode", "querycommitted", "-C", CHANNEL, "--name", name, "--output", "json")
    assert printed(told)["approvals"] == {f"{one}MSP": True for one in ORGANISATIONS}
    everything = city("lifecycle", "chaincode", "querycommitted", "-C", CHANNEL, "--output", "json")
    assert name in {one["name"] for one in printed(everything)["chaincode_definitions"]}

    with served(Service(folder, name, identifier, address, 1), "tests.scenarios.counter"):
        added = patiently(lambda: call(city, name, "Add", "things", "3", ordered(commands), folder), AssertionError)
        assert added.count("committed with status (VALID)") == 3
        for peer in peers.values():
            assert query(peer, name, "Add", "things", "0") == 3


def call(peer: Peer, name: str, *arguments: Any) -> str:
    *texts, options, folder = arguments
    constructor = json.dumps({"Args": texts})
    return peer(
        "chaincode",
        "invoke",
        "--name",
        name,
        "--ctor",
        constructor,
        "--waitForEvent",
        *options,
        *addressed(folder, *ORGANISATIONS),
    )


def query(peer: Peer, name: str, *arguments: str) -> Any:
    answer = peer("chaincode", "query", "-C", CHANNEL, "--name", name, "--ctor", json.dumps({"Args": arguments}))
    return json.loads(answer.splitlines()[0])


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("lifecycle", "chaincode", "queryapproved", "-C", CHANNEL, "--name", "nothing"), "could not fetch approved"),
        (("lifecycle", "chaincode", "querycommitted", "-C", CHANNEL, "--name", "nothing"), "is not defined"),
        (("chaincode", "query", "-C", CHANNEL, "--name", "nothing", "--ctor", '{"Args":["x"]}'), "nothing not found"),
        (("channel", "getinfo", "-c", "nowhere"), "Invalid chain ID, nowhere"),
        (("channel", "fetch", "config", "-c", "nowhere"), "NOT_FOUND"),
        (("channel", "fetch", "999999", "-c", CHANNEL), "NOT_FOUND"),
    ],
    ids=lambda value: value[-1] if isinstance(value, tuple) else None,
)
def test_what_is_refused_is_said_in_fabrics_words(
    commands: Commands, tmp_path: Path, arguments: tuple[str, ...], text: str
) -> None:
    city = peers_of(commands.folder, tmp_path)["City"]
    with pytest.raises(AssertionError, match=text):
        city(*arguments)
