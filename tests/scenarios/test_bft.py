"""Four orderers that agree by BFT: one of them may be bad, and the city's two are needed."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cli.exit_codes import ExitCode
from network import control
from network.folder import Engine, Folder
from tests.conftest import Commands, engine
from tests.sites import Site

pytestmark = [pytest.mark.fabric, pytest.mark.slow]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    assert engine() is Engine.FABRIC
    place = tmp_path_factory.mktemp("bft")
    folder = Folder.at(place / "net")
    control.up(folder, ports="auto", engine=Engine.FABRIC, consensus="bft")
    try:
        yield Site("City", Commands(folder, place))
    finally:
        control.down(folder)


def orderers(city: Site) -> dict[str, dict[str, Any]]:
    return {node["name"]: node for node in city.run("status")["nodes"] if node["kind"] == "orderer"}


@contextmanager
def silent(*nodes: dict[str, Any]) -> Iterator[None]:
    """While these nodes run and say nothing."""
    for node in nodes:
        os.kill(node["pid"], signal.SIGSTOP)
    try:
        yield
    finally:
        for node in nodes:
            os.kill(node["pid"], signal.SIGCONT)


def test_status_says_what_four_orderers_bear(city: Site) -> None:
    assert city.run("status")["consensus"] == {
        "type": "bft",
        "orderers": 4,
        "faults": 1,
        "indispensable": ["City"],
    }
    assert list(orderers(city)) == ["orderer0.city", "orderer1.city", "orderer0.nishitetsu", "orderer0.trivalley"]
    text = city.commands("network", "status").output
    assert "4 orderers (BFT): 1 may fail or lie; nothing is ordered without City" in text


@pytest.mark.parametrize("name", ["the leader", "orderer0.trivalley"])
def test_one_silent_orderer_is_borne(city: Site, name: str) -> None:
    found = orderers(city)
    node = found.get(name) or next(one for one in found.values() if one["leader"])
    document = city.commands.document(f"without {node['name']}")
    with silent(node):
        city.issue(document.name)
        assert city.commands("verify", document.name).status == 0


def test_without_the_citys_two_orderers_nothing_is_ordered_until_they_are_back(city: Site) -> None:
    document = city.commands.document("later.pdf")
    found = orderers(city)
    with silent(found["orderer0.city"], found["orderer1.city"]):
        waiting = city.commands("issue", document.name, "--json")
        assert waiting.status in (ExitCode.OUTCOME_UNKNOWN, ExitCode.UNREACHABLE)
    (issued,) = city.issue(document.name)
    (history,) = city.commands.ok("history", issued["certificateId"])
    assert history["transactionId"]
    assert city.commands("verify", document.name).status == 0


def test_renewed_certificates_are_believed_where_the_channel_has_the_old_ones(city: Site) -> None:
    before = city.commands.document("before.pdf")
    city.issue(before.name)
    assert len(city.commands.ok("network", "renew")) > 40
    city.run("down")
    city.run("up")
    after = city.commands.document("after.pdf")
    city.issue(after.name)
    for document in (before, after):
        assert city.commands("verify", document.name).status == 0


def test_a_network_keeps_the_way_in_which_its_orderers_agree(city: Site) -> None:
    assert city.commands("network", "up", "--consensus", "bft").status == 0
    assert city.commands("network", "up", "--consensus", "raft").status == 2


def test_the_embedded_network_has_no_such_orderers(tmp_path: Path) -> None:
    commands = Commands(Folder.at(tmp_path / "net"), tmp_path)
    refused = commands("network", "up", "--engine", "embedded", "--consensus", "bft", "--json")
    assert refused.status == 2
    assert not commands.folder.path.exists()
