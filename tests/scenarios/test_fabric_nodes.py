"""The nodes of a Fabric network: seen, restarted, killed one by one, left behind."""

import os
import re
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from network.folder import Folder
from network.process_end import Process
from network.progress import Step
from tests.conftest import Commands, Result

pytestmark = pytest.mark.fabric

PATIENCE = 60.0
POLL = 0.1
ORGANISATIONS = ("City", "Nishitetsu", "TriValley")
KINDS = {"orderer0": "orderer", "peer0": "peer", "registry": "chaincode"}
EVERY_NODE = [f"{stem}.{organisation.lower()}" for stem in KINDS for organisation in ORGANISATIONS]
KILLED = ["peer0.city", "peer0.trivalley", "registry.city", "registry.nishitetsu", "orderer0.city", "the leader"]

OF_OTHERS = {Step.RESTARTED, Step.CAUGHT_UP}  # which a network does not take when it comes up

Nodes = dict[str, dict[str, Any]]


def nodes(commands: Commands) -> Nodes:
    (status,) = commands.ok("network", "status")
    return {node["name"]: node for node in status["nodes"]}


def until(commands: Commands, wanted: Callable[[Nodes], bool]) -> Nodes:
    deadline = time.monotonic() + PATIENCE
    while not wanted(found := nodes(commands)):
        assert time.monotonic() < deadline, found
        time.sleep(POLL)
    return found


def leader(found: Nodes) -> str:
    (name,) = [name for name, node in found.items() if node["leader"]]
    return name


def the_node(commands: Commands, name: str) -> str:
    """The node of this name, or whichever leads now."""
    if name != "the leader":
        return name
    return leader(until(commands, lambda found: sum(node["leader"] is True for node in found.values()) == 1))


def test_status_tells_every_node(commands: Commands) -> None:
    (status,) = commands.ok("network", "status")
    found = status["nodes"]
    assert [(node["name"], node["kind"], node["org"]) for node in found] == [
        (f"{stem}.{organisation.lower()}", kind, organisation)
        for stem, kind in KINDS.items()
        for organisation in ORGANISATIONS
    ]
    assert len({node["pid"] for node in found} | {status["pid"]}) == 10
    for node in found:
        os.kill(node["pid"], 0)
        assert (node["height"] is None) == (node["kind"] == "chaincode")
        assert (node["chaincode"] is None) == (node["kind"] != "peer")
        assert node["chaincode"] is None or "registry 1" in node["chaincode"]
        assert datetime.fromisoformat(node["expires"]) > datetime.now(UTC) + timedelta(days=1000)
        assert (node["leader"] is None) == (node["kind"] != "orderer")
    text = commands("network", "status").output
    assert all(node["name"] in text and str(node["pid"]) in text for node in found)


@pytest.mark.slow
def test_status_tells_of_a_node_that_runs_and_says_nothing(commands: Commands) -> None:
    found = nodes(commands)
    assert all(node["healthy"] is (None if node["kind"] == "chaincode" else True) for node in found.values())
    silent = found["peer0.trivalley"]
    os.kill(silent["pid"], signal.SIGSTOP)
    try:
        now = nodes(commands)
    finally:
        os.kill(silent["pid"], signal.SIGCONT)
    changed = {name: node["healthy"] for name, node in now.items() if node["healthy"] != found[name]["healthy"]}
    assert changed == {silent["name"]: False}
    assert (now[silent["name"]]["pid"], now[silent["name"]]["height"]) == (silent["pid"], None)


def test_up_tells_each_step_when_it_is_reached(tmp_path: Path) -> None:
    own = Commands(Folder.at(tmp_path / "net"), tmp_path)
    try:
        assert steps(own("network", "up", "--ports", "auto")) == [one for one in Step if one not in OF_OTHERS]
        own.ok("network", "down")
        again = [Step.STARTED, Step.ORDERERS_JOINED, Step.PEERS_JOINED, Step.ENDORSING]
        assert steps(own("network", "up")) == again
    finally:
        own("network", "down")


def steps(done: Result) -> list[str]:
    """What a command told of its steps, each with the seconds until then: on stderr alone."""
    assert done.status == 0, done
    told = [re.fullmatch(r" *(\d+\.\d) s  (.+)", line) for line in done.messages.splitlines()]
    found = [(float(one[1]), one[2]) for one in told if one]
    assert [seconds for seconds, _ in found] == sorted(seconds for seconds, _ in found)
    assert not [text for _, text in found if text in done.output]
    return [text for _, text in found]


@pytest.mark.parametrize("name", EVERY_NODE)
def test_logs_of_one_node(commands: Commands, name: str) -> None:
    (log,) = commands.ok("network", "logs", name.upper(), "--lines", "1")
    assert log["file"].endswith(f"{name}.log")
    assert len(log["lines"]) == 1 or name.startswith("registry")  # it has nothing to say where nothing goes wrong


def test_logs_of_all_nodes(commands: Commands) -> None:
    unknown = commands("network", "logs", "peer9.city", "--json")
    assert unknown.status == 2
    assert "peer0.city" in unknown.records[0]["error"]["nextStep"]
    assert len(commands.ok("network", "logs", "--lines", "1")) == 10


@pytest.mark.parametrize("name", [*EVERY_NODE, "the leader"])
def test_restarted_node_is_a_new_process_and_serves(commands: Commands, name: str) -> None:
    name, before = the_node(commands, name), nodes(commands)
    (status,) = commands.ok("network", "restart", name)
    after = {node["name"]: node["pid"] for node in status["nodes"]}
    assert after.pop(name) != before.pop(name)["pid"]
    assert after == {other: node["pid"] for other, node in before.items()}
    commands.ok("issue", commands.document("a").name)
    assert commands("verify", "a", "--profile", "nishitetsu-verifier").status == 0
    assert commands("network", "restart", "peer9.city").status == 2


@pytest.mark.parametrize("name", KILLED)
def test_nothing_is_lost_when_a_node_is_killed(commands: Commands, name: str) -> None:
    """Certificates are issued while the node dies; it comes back by itself, and the command goes on until all are."""
    names = [commands.document(f"d{number}").name for number in range(60)]
    name = the_node(commands, name)
    victim = nodes(commands)[name]["pid"]
    process = commands.start("issue", *names, "--json")
    assert process.stdout
    process.stdout.readline()
    os.kill(victim, signal.SIGKILL)
    _, messages = process.communicate(timeout=120)
    assert process.returncode == 0, messages
    told = {path.name for path in commands.home.glob("*.receipt.json")}
    assert told == {f"{name}.receipt.json" for name in names}
    until(commands, lambda found: found[name]["pid"] not in (None, victim))
    deadline = time.monotonic() + PATIENCE
    while (again := commands("issue", *names, "--json")).status:
        assert time.monotonic() < deadline, again
    records = again.records
    assert len({record["certificateId"] for record in records}) == len(names)
    assert {f"{record['file']}.receipt.json" for record in records if record["already"]} >= told
    found = until(
        commands, lambda found: len({node["height"] for node in found.values() if node["kind"] != "chaincode"}) == 1
    )
    assert sum(node["leader"] is True for node in found.values()) == 1
    for file in names[:: len(names) // 3]:
        assert commands("verify", file, "--profile", "trivalley-verifier").status == 0


def test_what_a_killed_network_left_behind_is_ended(own_network: Folder, commands: Commands) -> None:
    own = Commands(own_network, commands.home)
    own.ok("issue", own.document("a").name)
    (status,) = own.ok("network", "status")
    os.kill(status["pid"], signal.SIGKILL)
    left = own("network", "status", "--json")
    assert left.status == 10
    assert {node["pid"] for node in left.records[0]["nodes"]} == {node["pid"] for node in status["nodes"]}
    assert own("verify", "a").status == 0  # the nodes go on
    (started,) = own.ok("network", "up")
    assert not {node["pid"] for node in started["nodes"]} & {node["pid"] for node in status["nodes"]}
    assert own("verify", "a").status == 0
    os.kill(started["pid"], signal.SIGKILL)
    (stopped,) = own.ok("network", "down")
    assert stopped["wasRunning"] is True
    for node in started["nodes"]:
        assert ended(node["pid"])


def ended(pid: int) -> bool:
    try:
        with Process(pid) as process:
            return process.wait(PATIENCE)
    except Exception:  # noqa: BLE001 - there is none
        return True
