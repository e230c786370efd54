"""The network goes away while certificates are issued, and comes back: the command finishes."""

import json
from pathlib import Path

import pytest

from network.folder import Folder
from tests.conftest import Commands
from tests.scenarios.batches import anchor_and_hold, given, let_go

COUNT = 150


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
