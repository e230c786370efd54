"""The orderers' leader dies while batches are sent: they go on, each is on the ledger once, and receipts are right."""

import json
import os
import signal

import pytest

from tests.conftest import Commands
from tests.scenarios.batches import anchor_and_hold, given, let_go
from tests.scenarios.test_anchoring_killed import check_register
from tests.scenarios.test_fabric_nodes import nodes, the_node, until

pytestmark = pytest.mark.fabric

COUNT = 40


def test_anchoring_goes_on_through_an_election(commands: Commands) -> None:
    source = given(commands, COUNT)
    (before,) = commands.ok("audit", "--no-register")
    leader = the_node(commands, "the leader")
    victim = nodes(commands)[leader]["pid"]
    process = anchor_and_hold(commands, "committed", source.path.name, "--batch-size", "1", "--json")
    os.kill(victim, signal.SIGKILL)
    let_go(process)
    output, messages = process.communicate(timeout=120)
    assert process.returncode == 0, messages
    batches = [json.loads(line) for line in output.splitlines()]
    assert len({batch["batchId"] for batch in batches}) == len(batches) == COUNT
    check_register(commands, {batch["batchId"] for batch in batches})
    until(commands, lambda found: found[leader]["pid"] not in (None, victim))
    again = commands.ok("anchor", source.path.name, "--batch-size", "1")
    assert again == [{**batch, "already": True} for batch in batches]
    (after,) = commands.ok("audit")
    assert after["findings"] == []
    assert after["batches"] - before["batches"] == after["anchored"] - before["anchored"] == COUNT
    for reference in source.references[:: COUNT // 5]:
        assert source.verdict(reference) == "genuine"
