"""A folder of Fabric's nodes that has been damaged: what commands say of it; never a traceback."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli.exit_codes import ExitCode
from network import control
from network.folder import Engine, Folder
from tests.conftest import Commands

pytestmark = pytest.mark.fabric

BLOCKS = "fabric/peer0.city/data/ledgersData/chains/chains/certificates/blockfile_000000"


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """A network that has been stopped, with a certificate on its ledger."""
    place = tmp_path_factory.mktemp("stopped")
    folder = Folder.at(place / "net")
    control.up(folder, ports="auto", engine=Engine.FABRIC)
    try:
        commands = Commands(folder, place)
        commands.ok("issue", commands.document("a").name)
    finally:
        control.down(folder)
    return folder


@pytest.fixture
def copy(stopped: Folder, tmp_path: Path) -> Iterator[Commands]:
    """Commands on a copy of it, which may be damaged."""
    folder = Folder.at(tmp_path / "copy")
    shutil.copytree(stopped.path, folder.path)
    for name in ("a", "a.receipt.json"):
        shutil.copy(stopped.path.parent / name, tmp_path / name)
    yield Commands(folder, tmp_path)
    for name in ("network.json", "configtx.yaml"):
        shutil.copy(stopped.path / name, folder.path / name)
    control.down(folder)


def halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def garble(path: Path) -> None:
    path.write_bytes(os.urandom(path.stat().st_size))


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


@pytest.mark.parametrize(
    ("file", "damage", "status", "code", "message"),
    [
        ("network.json", garble, ExitCode.USAGE, "bad-folder", "network.json is damaged"),
        ("configtx.yaml", remove, ExitCode.USAGE, "bad-folder", "configtx.yaml cannot be read"),
        ("channel.block", remove, ExitCode.UNREACHABLE, "bad-folder", "no first block"),
        ("channel.block", halve, ExitCode.UNREACHABLE, "bad-folder", "are of the channel that begins with"),
        ("City/orderer/tls/server.crt", garble, ExitCode.UNREACHABLE, "bad-folder", "server.crt is damaged"),
        ("Nishitetsu/peer/msp/keystore/key.pem", remove, ExitCode.UNREACHABLE, "bad-folder", "key.pem cannot be read"),
        ("TriValley/tlsca/tlsca.crt", remove, ExitCode.UNREACHABLE, "bad-folder", "tlsca.crt cannot be read"),
        ("City/operator/client.key", garble, ExitCode.UNREACHABLE, "bad-folder", "client.key is damaged"),
        (BLOCKS, halve, ExitCode.UNREACHABLE, "not-started", "peer0.city ended (status 2)"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value).rpartition("/")[2])[:40],
)
def test_damage_is_said(
    copy: Commands, file: str, damage: Callable[[Path], None], status: ExitCode, code: str, message: str
) -> None:
    damage(copy.folder.path / file)
    assert copy("network", "status").status == status
    result = copy("network", "up", "--json")
    assert result.status == ExitCode.USAGE, result
    (record,) = result.records
    assert record["error"]["code"] == code
    assert message in record["error"]["message"]
    assert record["error"]["nextStep"]


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("City/connection.json", garble),
        ("fabric/lock", garble),
        ("fabric/peer0.city/core.yaml", garble),
        ("fabric/builder", remove),
        ("profiles", remove),
        ("fabric/peer0.nishitetsu/data", remove),
    ],
    ids=lambda value: getattr(value, "__name__", str(value).rpartition("/")[2]),
)
def test_what_can_be_made_again_is(copy: Commands, file: str, damage: Callable[[Path], None]) -> None:
    damage(copy.folder.path / file)
    assert copy("network", "status").status == ExitCode.UNREACHABLE
    copy.ok("network", "up")
    assert copy("verify", "a").status == 0
