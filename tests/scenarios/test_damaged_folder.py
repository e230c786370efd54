"""An embedded network's folder, damaged: `network up` says what is wrong, or mends it; never a traceback."""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from network import authority, control
from network.errors import NetworkError
from network.folder import Folder
from tests.conftest import Commands

pytestmark = pytest.mark.embedded  # Fabric's nodes: test_damaged_fabric_folder.py

SIZE = 4096  # of a page of the database


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """A network that has been stopped, with a certificate on its ledger."""
    place = tmp_path_factory.mktemp("stopped")
    folder = Folder.at(place / "net")
    control.up(folder, ports="auto")
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
    if (folder.path / "network.json").exists():
        control.down(folder)


def truncate(to: Callable[[int], int]) -> Callable[[Path], None]:
    return lambda path: os.truncate(path, to(path.stat().st_size))


def garble(path: Path) -> None:
    path.write_bytes(os.urandom(path.stat().st_size))


def garble_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(os.urandom(100))


def garble_last_block(path: Path) -> None:
    """Change a byte of the newest block: it is where the last envelope's bytes are."""
    import sqlite3

    with sqlite3.connect(path) as connection:
        number, data = connection.execute("SELECT number, data FROM blocks ORDER BY number DESC LIMIT 1").fetchone()
        changed = data.replace(number.to_bytes(1, "big"), (number + 1).to_bytes(1, "big"), 1)
        connection.execute("UPDATE blocks SET data = ? WHERE number = ?", (changed, number))
    connection.close()


def another(file: str) -> Callable[[Path], None]:
    """Put another file of the network in its place."""

    def replaced(path: Path) -> None:
        root = next(parent for parent in path.parents if (parent / "network.json").exists())
        shutil.copy(root / file, path)

    return replaced


def expire(path: Path) -> None:
    """Put a certificate in its place that has expired."""
    home = path.parents[2] / "tlsca"
    pair = authority.Authority.load(home / "tlsca.key", home / "tlsca.crt").issue_tls(
        "peer", ["localhost"], lifetime=timedelta(days=-1)
    )
    path.write_bytes(pair.certificate)
    path.with_name("server.key").write_bytes(pair.key)


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    ("file", "damage", "message"),
    [
        ("embedded/ledger.db", truncate(lambda size: size // 2 // SIZE * SIZE), "the ledger is damaged"),
        ("embedded/ledger.db", truncate(lambda size: size - 1), "the ledger is damaged"),
        ("embedded/ledger.db", truncate(lambda size: 50), "the ledger is damaged"),
        ("embedded/ledger.db", truncate(lambda size: 0), "missing or empty"),
        ("embedded/ledger.db", garble, "the ledger is damaged"),
        ("embedded/ledger.db", garble_header, "the ledger is damaged"),
        ("embedded/ledger.db", garble_last_block, "damaged"),
        ("embedded/ledger.db", remove, "missing or empty"),
        ("embedded/transient/CityMSP.db", garble, "damaged"),
        ("channel.block", remove, "channel.block"),
        ("channel.block", garble, "channel.block"),
        ("channel.block", truncate(lambda size: size // 2), "channel.block"),
        ("channel.block", truncate(lambda size: 0), "channel.block"),
        ("configtx.yaml", remove, "configtx.yaml"),
        ("configtx.yaml", garble, "configtx.yaml"),
        ("network.json", remove, "not a network's folder"),
        ("network.json", garble, "damaged"),
        ("City/orderer/msp/keystore/key.pem", remove, "key.pem"),
        ("City/orderer/msp/keystore/key.pem", garble, "City/orderer/msp is damaged"),
        ("City/orderer/msp/keystore/key.pem", another("TriValley/orderer/msp/keystore/key.pem"), "is not that of"),
        ("Nishitetsu/peer/msp/signcerts/cert.pem", garble, "Nishitetsu/peer/msp is damaged"),
        ("Nishitetsu/peer/msp/signcerts/cert.pem", another("City/ca/ca.crt"), "is none of the channel's"),
        ("TriValley/peer/tls/server.key", remove, "server.key"),
        ("TriValley/peer/tls/server.key", another("City/peer/tls/server.key"), "is not that of"),
        ("TriValley/peer/tls/server.crt", garble, "server.crt is damaged"),
        ("TriValley/orderer/tls/server.crt", expire, "server.crt has expired"),
        ("City/tlsca/tlsca.key", remove, "tlsca.key"),
        ("City/tlsca/tlsca.key", garble, "City/tlsca is damaged"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value))[:40],
)
def test_damage_is_said(stopped: Folder, file: str, damage: Callable[[Path], None], message: str) -> None:
    path = stopped.path / file
    good = {one: one.read_bytes() for one in path.parent.iterdir() if one.is_file() and one.suffix != ".log"}
    damage(path)
    try:
        with pytest.raises(NetworkError, match=message) as caught:
            control.up(stopped)
    finally:
        for one, content in good.items():
            one.write_bytes(content)
    assert caught.value.next_step
    assert "Traceback" not in (stopped.embedded / "embedded.log").read_text()


def test_the_command_says_it_and_a_copy_that_is_put_back_is_used(copy: Commands) -> None:
    path = copy.folder.embedded / "ledger.db"
    good = path.read_bytes()
    garble(path)
    result = copy("network", "up", "--json")
    assert (result.status, result.records[0]["error"]["code"]) == (2, "not-started")
    assert "the ledger is damaged" in result.messages
    assert "put a copy back" in result.messages
    path.write_bytes(good)
    copy.ok("network", "up")
    assert copy("verify", "a").status == 0


def test_another_channels_ledger_is_refused(copy: Commands, network: Folder) -> None:
    shutil.copy(network.path / "channel.block", copy.folder.path / "channel.block")
    result = copy("network", "up", "--json")
    assert result.status == 2
    assert "of another channel" in result.records[0]["error"]["message"]


@pytest.mark.parametrize("content", [b"", b"\x37\x7f\x06\x82" + bytes(100), os.urandom(5000)])
def test_what_is_left_of_a_log_that_is_none_changes_nothing(copy: Commands, content: bytes) -> None:
    (copy.folder.embedded / "ledger.db-wal").write_bytes(content)
    copy.ok("network", "up")
    assert copy("verify", "a").status == 0


def test_a_folder_whose_making_was_interrupted_is_completed(copy: Commands) -> None:
    shutil.rmtree(copy.folder.path / "profiles")
    (copy.folder.organisation("City") / "connection.json").unlink()
    copy.ok("network", "up")
    assert copy("verify", "a").status == 0
    assert len(copy.ok("profile", "list")) == 12


def test_a_folder_that_was_moved_is_used_where_it_is(copy: Commands, stopped: Folder) -> None:
    copy.ok("network", "up")
    for path in [*copy.folder.path.rglob("*.json"), copy.folder.path / "profiles" / "current"]:
        assert str(stopped.path) not in path.read_text()


def test_a_clock_that_was_moved_back_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder.at(tmp_path / "net")
    with monkeypatch.context() as patched:
        patched.setattr(authority, "BACKDATE", timedelta(hours=-1))
        control.create(folder, ports="auto")
    with pytest.raises(NetworkError, match="is valid from .* and the clock says") as caught:
        control.up(folder)
    assert "clock" in caught.value.next_step
