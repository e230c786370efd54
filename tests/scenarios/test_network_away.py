"""The network goes away while certificates are issued, and comes back: the command finishes."""

import json
import re
from pathlib import Path

import pytest

from network.folder import Folder
from tests.conftest import Commands
from tests.scenarios.batches import anchor_and_hold, given, let_go

COUNT = 150
IMPATIENT = "from node_client.certificates import patience; patience.PATIENCE = 0.0"


def test_issue_goes_on_when_the_network_is_back(own_network: Folder, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    commands = Commands(own_network, home)
    names = [commands.document(f"d{number}").name for number in range(COUNT)]
    process = commands.start("issue", *names, "--json")
    assert process.stdout is not None
    first = process.stdout.readline()
    commands.ok("network", "down")
    commands.ok("network", "up")
    rest, messages = process.communicate(timeout=120)
    assert process.returncode == 0, messages
    assert f"{COUNT} of {COUNT} issued" in messages.decode()
    records = [json.loads(line) for line in (first + rest).splitlines()]
    ids = {record["certificateId"] for record in records if record["status"] == "issued"}
    assert len(ids) == COUNT
    assert {record["certificateId"] for record in commands.ok("issue", *names) if record["already"]} == ids
    assert {record["certificateId"] for record in commands.ok("list")} == ids
    for name in names[:: COUNT // 5]:
        assert commands("verify", name).status == 0


@pytest.mark.parametrize(("batches", "state"), [(20, "committed"), (1, "endorsed")])
def test_anchor_goes_on_when_the_network_is_back(own_network: Folder, tmp_path: Path, batches: int, state: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    commands = Commands(own_network, home)
    source = given(commands, batches)
    process = anchor_and_hold(commands, state, source.path.name, "--batch-size", "1", "--json")
    commands.ok("network", "down")
    let_go(process)
    assert process.stderr is not None
    assert b"trying again for a while" in process.stderr.readline()
    commands.ok("network", "up")
    output, messages = process.communicate(timeout=120)
    assert process.returncode == 0, messages
    ids = {json.loads(line)["batchId"] for line in output.splitlines()}
    assert len(ids) == batches
    assert {batch["batchId"] for batch in commands.ok("anchor", source.path.name, "--batch-size", "1")} == ids
    (audit,) = commands.ok("audit")
    assert (audit["batches"], audit["anchored"], audit["findings"]) == (batches, batches, [])
    assert source.verdict(source.references[-1]) == "genuine"


def test_anchor_says_what_is_not_known_and_the_same_command_finds_out(own_network: Folder, tmp_path: Path) -> None:
    """The network goes when the first of three batches is endorsed, and stays away for longer than is waited for."""
    home = tmp_path / "home"
    home.mkdir()
    commands = Commands(own_network, home)
    source = given(commands, 3)
    anchor = ("anchor", source.path.name, "--batch-size", "1", "--json")
    process = anchor_and_hold(commands, "endorsed", *anchor[1:], before=IMPATIENT)
    commands.ok("network", "down")
    let_go(process)
    output, told = process.communicate(timeout=120)
    assert process.returncode == 12, told
    (record,) = [json.loads(line) for line in output.splitlines()]
    assert (record["status"], record["batches"], record["anchored"]) == ("unknown", 3, 0)
    assert record["error"]["code"] == "outcome-unknown"
    *_, error, step, going_on = told.decode().splitlines()
    assert re.match("error: whether batch [0-9a-f]{32} was written is not known: ", error)
    assert step == "next: do the same again: it finds out, and writes nothing twice"
    assert going_on == "0 of 3 batches are anchored: the same command goes on"
    (run,) = commands.ok("anchor", "status")
    assert (run["state"], run["batches"], run["anchored"]) == ("sending", 3, 0)
    commands.ok("network", "up")
    assert len(commands.ok(*anchor[:-1])) == 3
    (audit,) = commands.ok("audit")
    assert (audit["batches"], audit["anchored"], audit["findings"]) == (3, 3, [])
    assert source.verdict(source.references[0]) == "genuine"


def test_a_network_that_is_not_there_is_said_at_once(own_network: Folder, tmp_path: Path) -> None:
    commands = Commands(own_network, tmp_path)
    names = [commands.document(f"d{number}").name for number in range(3)]
    commands.ok("network", "down")
    refused = commands("issue", *names)
    assert refused.status == 10
    assert "trying again" not in refused.messages
    source = given(commands, 3)
    refused = commands("anchor", source.path.name, "--batch-size", "1")
    assert refused.status == 10
    assert "trying again" not in refused.messages
