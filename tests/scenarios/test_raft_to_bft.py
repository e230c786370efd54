"""Three sites move their running channel from Raft to BFT, by the steps of docs/operations.md and nothing else."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from shutil import copy, copytree, rmtree
from typing import Any

import pytest

from cli.exit_codes import ExitCode
from network.fabric.nodes import PORTS_PER_ORDERER
from network.folder import Engine
from network.ports import placed
from network.topology import Topology, default_configtx, read_topology
from tests.conftest import Result
from tests.sites import NAMES, PATIENCE, Site, bring, formed, issued_without, lose_disk, site

pytestmark = [pytest.mark.fabric, pytest.mark.slow]

CONFIG = ("network", "config")


def with_room() -> tuple[Topology, str]:
    """The consortium at free ports, and where the city's second orderer will be, free too."""
    four = read_topology(default_configtx(), "BFT")
    city, *others = placed(four, "auto", Engine.FABRIC)
    assert city.more_orderers[0].endswith(str(int(city.orderer.rpartition(":")[2]) + PORTS_PER_ORDERER))
    raft = read_topology(default_configtx(), "Raft")
    first = raft.organisation("City")
    three = (type(first)(first.name, first.msp_id, city.peer, city.orderer), *others)
    return Topology(three, raft.name, raft.profile), city.more_orderers[0]


@pytest.fixture(scope="module")
def room() -> tuple[Topology, str]:
    return with_room()


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory, room: tuple[Topology, str]) -> Iterator[Sequence[Site]]:
    place = tmp_path_factory.mktemp("migrating")
    sites = [site(place, name) for name in NAMES]
    with formed(sites, room[0]):
        yield sites


def agreed(three: Sequence[Site], file: str) -> Callable[[], Result]:
    """The city and Tri-Valley sign an update, and the city submits it: what that gives."""
    city, _, trivalley = three
    city.commands.ok(*CONFIG, "sign", file, "--profile", "city-admin")
    copy(city.commands.home / file, trivalley.commands.home / file)
    (signed,) = trivalley.commands.ok(*CONFIG, "sign", file, "--profile", "trivalley-admin")
    assert signed["missing"] == []
    copy(trivalley.commands.home / file, city.commands.home / file)
    return lambda: city.commands(*CONFIG, "submit", file, "--profile", "city-admin")


def propose(three: Sequence[Site], file: str) -> str:
    (proposed,) = three[0].commands.ok(*CONFIG, "migrate", file, "--profile", "city-admin")
    return str(proposed["step"])


def take(three: Sequence[Site], step: str) -> None:
    """A step, from the proposal until it is in force."""
    assert propose(three, f"{step}.pb") == step
    done = agreed(three, f"{step}.pb")()
    assert done.status == 0, done


def restart(sites: Sequence[Site], meanwhile: Callable[[Site], object] | None = None) -> None:
    """Stop every site when all orderers have the same blocks, do something at each, and start all of them again."""
    level(sites)
    for one in sites:
        one.run("down")
    for one in sites:
        if meanwhile:
            meanwhile(one)
    for one in sites:
        one.run("start")


def backup(one: Site) -> Path:
    return one.commands.home / "backup"


def put_back(one: Site) -> None:
    """The whole folder as it was when the channel had come into maintenance mode."""
    rmtree(one.commands.folder.path)
    copytree(backup(one), one.commands.folder.path)


def led(three: Sequence[Site]) -> None:
    """Wait until the orderers have a leader, as operators do with `network status`."""
    deadline = time.monotonic() + PATIENCE
    while not any(node["leader"] for one in three for node in one.run("status")["nodes"]):
        assert time.monotonic() < deadline


def consensus(one: Site, path: Path) -> tuple[str, str]:
    one.commands.ok(*CONFIG, "fetch", str(path), "--profile", f"{one.name.lower()}-admin")
    value = json.loads(path.read_text())["channel_group"]["groups"]["Orderer"]["values"]["ConsensusType"]["value"]
    return value["type"], value["state"]


def test_a_running_channel_moves_from_raft_to_bft(
    three: Sequence[Site], room: tuple[Topology, str], tmp_path: Path
) -> None:
    city, nishitetsu, _ = three
    before = city.commands.document("before.pdf")
    city.issue(before.name)

    config = tmp_path / "config.json"
    assert consensus(city, config) == ("etcdraft", "STATE_NORMAL")
    hasty = json.loads(config.read_text())
    value = hasty["channel_group"]["groups"]["Orderer"]["values"]["ConsensusType"]["value"]
    value.update(type="BFT", metadata={})
    config.write_text(json.dumps(hasty))
    city.commands.ok(*CONFIG, "propose", str(config), "0.pb", "--profile", "city-admin")
    refused = agreed(three, "0.pb")()
    assert (refused.status, "is not in maintenance mode" in refused.messages) == (ExitCode.REFUSED, True), refused

    city.run("add-orderer", "City", room[1])
    take(three, "consenter")
    restart([city])
    city.run("join")
    level([city])
    city.issue(city.commands.document("with four.pdf").name)

    take(three, "enter")
    assert consensus(city, config) == ("etcdraft", "STATE_MAINTENANCE")
    refused = city.commands("issue", city.commands.document("during.pdf").name)
    assert refused.status == ExitCode.OUTCOME_UNKNOWN
    assert "no orderers could successfully process transaction" in refused.messages

    restart(three, lambda one: copytree(one.commands.folder.path, backup(one)))
    led(three)
    take(three, "change")
    assert consensus(city, config) == ("BFT", "STATE_MAINTENANCE")
    restart(three, put_back)
    led(three)
    assert consensus(city, config)[0] == "etcdraft"
    nishitetsu.run("down")
    take(three, "change")
    restart(three)
    led(three)
    assert consensus(city, config)[0] == "BFT"
    begins_anew(nishitetsu)
    level(three)

    take(three, "leave")
    for one in three:
        (adopted,) = one.commands.ok(*CONFIG, "adopt", "--profile", f"{one.name.lower()}-admin")
        assert (adopted["consensus"], len(adopted["orderers"])) == ("bft", 4)
        found = one.run("status")["consensus"]
        assert found == {"type": "bft", "orderers": 4, "faults": 1, "indispensable": ["City"]}

    after = city.commands.document("after.pdf")
    city.issue(after.name)
    city.issue("during.pdf")
    for document in (before, after):
        bring(document.name, city, nishitetsu)
        assert nishitetsu.commands("verify", document.name, "--profile", "nishitetsu-verifier").status == 0
    orders_again_after_a_lost_disk(three)
    done = city.commands(*CONFIG, "migrate", "5.pb", "--profile", "city-admin")
    assert (done.status, "agree by BFT already" in done.messages) == (2, True), done


def orders_again_after_a_lost_disk(three: Sequence[Site]) -> None:
    """The first block says that the orderers agree by Raft: a site that begins anew must come to know better."""
    city, nishitetsu, lost = three
    lose_disk(lost)
    for step in ("start", "join", "approve"):
        lost.run(step)
    # Nothing is ordered then, and nothing endorsed, without the restored site.
    document = issued_without(nishitetsu, city, "restored.pdf")
    bring(document.name, city, lost)
    assert lost.commands("verify", document.name, "--profile", "trivalley-verifier").status == 0


def begins_anew(behind: Site) -> None:
    """The way out for an orderer that has missed the block that says BFT: nobody is left to give it by Raft."""
    (orderer,) = orderers([behind])
    behind.run("down")
    rmtree(behind.commands.folder.path / "fabric" / orderer["name"])
    behind.run("start")
    behind.run("join")


def orderers(three: Sequence[Site]) -> list[dict[str, Any]]:
    """How the orderers are, at sites that are stopped, too."""
    found = [one.commands("network", "status", "--json").records[0]["nodes"] for one in three]
    return [node for nodes in found for node in nodes if node["kind"] == "orderer"]


def level(three: Sequence[Site]) -> None:
    """Wait until every orderer that runs has the same blocks: who stops without the one that says BFT, stays behind."""
    deadline = time.monotonic() + PATIENCE
    while True:
        nodes = orderers(three)
        heights = {node["height"] for node in nodes if node["pid"]}
        if len(heights) == 1 and None not in heights:
            return
        assert time.monotonic() < deadline, nodes
