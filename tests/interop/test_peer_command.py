"""Fabric's own `peer` command on the network, with the variables that `network env` prints."""

import json
import os
import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from network.profiles import mutual_tls_peer
from network.topology import CHANNEL, Organisation
from node_client.protocol.block import parse_block
from node_client.protocol.transaction import open_envelope, parse_transaction
from tests import fabric
from tests.conftest import Commands
from tests.scenarios.seeking import height, write_something

DEADLINE = 60.0
# All of core.yaml that the command needs.
CORE = "peer:\n  BCCSP:\n    Default: SW\n    SW:\n      Hash: SHA2\n      Security: 256\n"


@dataclass(frozen=True)
class Peer:
    """The command, as a user of an organisation."""

    program: Path
    home: Path
    variables: dict[str, str]

    def __call__(self, *arguments: str | Path) -> str:
        """Run the command, which must succeed. Returns what it prints, its log included."""
        done = subprocess.run(
            [self.program, *map(str, arguments)],
            cwd=self.home,
            env={
                "PATH": os.environ.get("PATH", ""),
                "HOME": str(self.home),
                "FABRIC_CFG_PATH": str(self.home),
                "FABRIC_LOGGING_SPEC": "info",
                **self.variables,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=DEADLINE,
            check=False,
        )
        output = done.stdout.decode() + done.stderr.decode()
        assert done.returncode == 0, output
        return output

    def fetch(self, which: str, *options: str | Path) -> bytes:
        """A block of the channel."""
        path = self.home / "fetched.block"
        self("channel", "fetch", which, path, "-c", CHANNEL, *options)
        return path.read_bytes()


@pytest.fixture(params=[False, True], ids=["TLS", "mutual TLS"])
def peer(request: pytest.FixtureRequest, commands: Commands, tmp_path: Path) -> Peer:
    """The command as the city's issuer, on each of the peer's ports."""
    if request.param and request.config.getoption("--network"):
        pytest.skip("only the embedded network's peers have a second port")
    program = fabric.require("peer")
    home = tmp_path / "peer command"
    home.mkdir()
    (home / "core.yaml").write_text(CORE)
    options = ["--mutual-tls"] if request.param else []
    (variables,) = commands.ok("network", "env", "City", "issuer", *options)
    variables.pop("version", None)
    return Peer(program, home, variables)


@pytest.fixture
def city(commands: Commands) -> Organisation:
    return commands.folder.topology().organisation("City")


def test_height_and_channels(peer: Peer, commands: Commands) -> None:
    info = next(line for line in peer("channel", "getinfo", "-c", CHANNEL).splitlines() if "Blockchain info" in line)
    assert json.loads(info.partition("info: ")[2])["height"] == height(commands.folder)
    assert CHANNEL in peer("channel", "list").splitlines()


def test_blocks_are_fetched_from_peers_and_orderers(peer: Peer, commands: Commands, city: Organisation) -> None:
    write_something(commands.folder)
    newest = height(commands.folder) - 1
    root = commands.folder.organisation("City") / "tlsca" / "tlsca.crt"
    for options in ((), ("--orderer", city.orderer, "--tls", "--cafile", root)):
        for which, number in (("oldest", 0), ("newest", newest), ("1", 1), ("config", 0)):
            assert parse_block(peer.fetch(which, *options)).number == number


def test_invocation_waits_for_its_commit(peer: Peer, commands: Commands, city: Organisation) -> None:
    certificate, commitment = secrets.token_hex(16), secrets.token_hex(32)
    other = commands.folder.topology().organisation("TriValley")
    options: list[str | Path] = ["--channelID", CHANNEL, "--name", "registry", "--waitForEvent"]
    options += ["--orderer", city.orderer, "--tls"]
    options += ["--cafile", commands.folder.organisation("City") / "tlsca" / "tlsca.crt"]
    for one in (city, other):
        mutual = peer.variables["CORE_PEER_TLS_CLIENTAUTHREQUIRED"] == "true"
        options += ["--peerAddresses", mutual_tls_peer(commands.folder, one) if mutual else one.peer]
        options += ["--tlsRootCertFiles", commands.folder.organisation(one.name) / "tlsca" / "tlsca.crt"]
    call = json.dumps({"Args": ["IssueCertificate", certificate, commitment]})
    output = peer("chaincode", "invoke", "--ctor", call, *options)
    assert output.count("committed with status (VALID)") == 2
    block = parse_block(peer.fetch("newest"))
    ids = [parse_transaction(open_envelope(one)[0]).proposal.transaction_id for one in block.envelopes]
    assert any(one in output for one in ids)
    query = json.dumps({"Args": ["ReadCertificate", certificate]})
    answer = peer("chaincode", "query", "--channelID", CHANNEL, "--name", "registry", "--ctor", query)
    assert f'"commitment":"{commitment}"' in answer
