"""What goes wrong at a site before its nodes run: a clear error, its exit status, and nothing half done."""

import os
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from network.topology import Topology
from tests.sites import NAMES, Site, free_topology, site

pytestmark = pytest.mark.fabric


@pytest.fixture
def topology() -> Topology:
    return free_topology()


@pytest.fixture
def made(tmp_path: Path, topology: Topology) -> Iterator[tuple[Sequence[Site], Sequence[Path]]]:
    """Three sites and their bundles, without the channel."""
    three = [site(tmp_path, name) for name in NAMES]
    bundles = [one.init(topology) for one in three]
    yield three, bundles
    for one in three:
        one.commands("network", "down")


def content(one: Site) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in one.commands.folder.path.rglob("*") if path.is_file()}


def refused(one: Site, code: str, *arguments: str, **environment: str) -> str:
    """A command that is refused with this code and changes nothing at the site. Returns its message."""
    before = content(one)
    result = one.commands("network", *arguments, "--json", **environment)
    assert result.status == 2, result
    (record,) = result.records
    assert record["error"]["code"] == code, record
    assert content(one) == before
    return f"{record['error']['message']}: {record['error'].get('nextStep', '')}"


def test_bundles_that_do_not_make_a_channel(made: tuple[Sequence[Site], Sequence[Path]]) -> None:
    (city, nishitetsu, _), (own, second, third) = made
    home = city.commands.home
    (home / "truncated.json").write_bytes(second.read_bytes()[:-20])
    (home / "changed.json").write_bytes(second.read_bytes().replace(b"NishitetsuMSP", b"CityMSP"))
    bad = [
        ([str(own), "truncated.json", str(third)], "truncated.json"),
        ([str(own), "changed.json", str(third)], "changed.json"),
        ([str(own), "nowhere.json", str(third)], "cannot be read"),
        ([str(own), str(third)], "the bundle of Nishitetsu is missing"),
        ([str(city.commands.folder.path / "configtx.yaml"), str(second), str(third)], "not JSON"),
    ]
    for bundles, what in bad:
        assert what in refused(city, "bad-bundle", "channel-block", *bundles)
    assert "not the expected one" in refused(
        city, "bad-bundle", "channel-block", str(own), str(second), str(third), "--sha256", "0" * 64
    )
    assert "certledger network channel-block" in refused(nishitetsu, "bad-folder", "start")


def test_a_site_that_was_made_anew_is_not_the_one_that_the_others_know(
    made: tuple[Sequence[Site], Sequence[Path]], topology: Topology
) -> None:
    (city, *_), bundles = made
    old = bundles[0].read_bytes()
    city.run("down", "--purge")
    city.init(topology)
    (city.commands.home / "old.json").write_bytes(old)
    message = refused(city, "bad-bundle", "channel-block", "old.json", *map(str, bundles[1:]))
    assert "is not what this site tells of itself" in message


def test_a_folder_that_is_somebody_elses(made: tuple[Sequence[Site], Sequence[Path]], tmp_path: Path) -> None:
    (city, *_), _ = made
    assert "is the site of City already" in refused(city, "bad-folder", "init-org", "Nishitetsu")
    identity = ["add-identity", "Nishitetsu", "x1", "--role", "issuer"]
    assert "keys of Nishitetsu are not here" in refused(city, "bad-folder", *identity)
    assert "there is no organisation Nowhere" in refused(city, "bad-configuration", "env", "Nowhere")
    unmade = site(tmp_path, "Elsewhere")
    (unmade.commands.folder.path).mkdir()
    (unmade.commands.folder.path / "notes.txt").write_text("somebody's")
    for command in ("start", "join", "export-org"):
        assert "is not a network's folder" in refused(unmade, "bad-folder", command)
    assert "is not a network's folder" in refused(unmade, "bad-folder", "init-org", "City")
    assert "there is no organisation Town" in refused(site(tmp_path, "Town"), "bad-configuration", "init-org", "Town")


def test_nodes_that_cannot_be_started(
    made: tuple[Sequence[Site], Sequence[Path]], topology: Topology, tmp_path: Path
) -> None:
    (city, *_), bundles = made
    city.channel(bundles)
    programs = tmp_path / "programs"
    programs.mkdir()
    assert "has no program peer" in _not_started(city, "no-fabric", FABRIC_BIN=str(programs))
    for name in ("peer", "orderer"):
        (programs / name).write_text("#!/bin/sh\necho Version: v2.5.9\n")
        (programs / name).chmod(0o755)
    assert "is of version 2.5.9" in _not_started(city, "no-fabric", FABRIC_BIN=str(programs))
    with socket.socket() as taken:
        host, _, port = topology.organisation("City").peer.rpartition(":")
        assert host == "localhost"
        taken.bind(("127.0.0.1", int(port)))
        taken.listen()
        assert f"{topology.organisation('City').peer} is in use" in _not_started(city, "not-started")
    assert city.commands("network", "join").status == 10
    assert not list(city.commands.folder.home.glob("run/*.json"))
    city.run("start")
    city.run("down")


def _not_started(one: Site, code: str, **environment: str) -> str:
    result = one.commands("network", "start", "--json", **environment)
    assert result.status == 2, result
    (record,) = result.records
    assert record["error"]["code"] == code, record
    return str(record["error"]["message"])


def test_data_of_another_channel(made: tuple[Sequence[Site], Sequence[Path]]) -> None:
    (city, *_), bundles = made
    city.channel(bundles)
    city.run("start")
    city.run("down")
    block = city.commands.folder.path / "channel.block"
    data = block.read_bytes()
    block.write_bytes(data + os.urandom(1))
    assert "are of the channel that begins with" in refused(city, "bad-folder", "start")
    block.write_bytes(data)
    city.run("start")


def test_another_sites_first_block_is_another(made: tuple[Sequence[Site], Sequence[Path]]) -> None:
    """Somebody's configtx.yaml was not the one that all share: the later one is not let in."""
    (city, nishitetsu, trivalley), bundles = made
    for one in (city, trivalley):
        one.channel(bundles)
    text = (nishitetsu.commands.folder.path / "configtx.yaml").read_text().replace("50ms", "70ms")
    (nishitetsu.commands.home / "other.yaml").write_text(text)
    other = nishitetsu.run("channel-block", *map(str, bundles), "--configtx", "other.yaml")
    assert other["sha256"] != trivalley.channel(bundles)
    for one in (city, nishitetsu):
        one.run("start")
    city.run("join")
    message = nishitetsu.commands("network", "join", "--json").records[0]["error"]["message"]
    assert "City has begun the channel with another first block" in message
