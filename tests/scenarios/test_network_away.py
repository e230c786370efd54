"""The network goes away while certificates are issued, and comes back: the command finishes."""

import json
from pathlib import Path

from network.folder import Folder
from tests.conftest import Commands

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


def test_a_network_that_is_not_there_is_said_at_once(own_network: Folder, tmp_path: Path) -> None:
    commands = Commands(own_network, tmp_path)
    names = [commands.document(f"d{number}").name for number in range(3)]
    commands.ok("network", "down")
    refused = commands("issue", *names)
    assert refused.status == 10
    assert "trying again" not in refused.messages
