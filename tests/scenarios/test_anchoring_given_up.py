"""`anchor forget`: a run that is not finished is given up, but for what is or may be on the ledger."""

import json
import signal
from pathlib import Path

import pytest

from tests.conftest import Commands
from tests.scenarios.batches import given
from tests.scenarios.deploying import free_address
from tests.scenarios.test_anchoring_killed import run_until_killed
from tests.scenarios.test_killed import DYING

BATCHES = "node_client.anchoring.batches:Batches"
SUBMIT = "node_client.gateway._async.transaction:AsyncTransaction:submit"


def killed(commands: Commands, step: str) -> str:
    """A manifest whose run was killed at a step. Returns the run's name."""
    source = given(commands, 6)
    died = run_until_killed(commands, DYING, step, source.path)
    assert died.returncode == -signal.SIGKILL, died
    return str(commands.ok("anchor", "status")[-1]["run"])


def test_a_run_that_was_never_sent(commands: Commands) -> None:
    name = killed(commands, f"{BATCHES}:endorsed:before")
    refused = commands("anchor", "forget", "--run", name)
    assert (refused.status, "say --yes" in refused.messages) == (2, True)  # nobody there to be asked
    assert commands.ok("anchor", "status")[-1]["certificates"] == 6
    (told,) = commands.ok("anchor", "forget", "--yes", "--run", name)
    assert told == {
        "version": 1,
        "run": name,
        "status": "given-up",
        "certificates": 6,
        "batches": 1,
        "kept": [],
        "unknown": [],
    }
    assert name not in {run["run"] for run in commands.ok("anchor", "status")}
    assert commands("anchor", "forget", "--yes", "--run", name).status == 8
    (batch,) = commands.ok("anchor", "manifest.csv")
    assert (batch["size"], batch["already"]) == (6, False)
    assert commands("anchor", "forget", "--yes", "--run", name).status == 2


@pytest.mark.parametrize("step", [f"{BATCHES}:committed:before", f"{BATCHES}:attested:before"])
def test_a_batch_on_the_ledger_keeps_its_receipts(commands: Commands, step: str) -> None:
    name = killed(commands, step)
    (told,) = commands.ok("anchor", "forget", "--yes", "--run", name)
    assert (told["status"], told["certificates"], len(told["kept"])) == ("anchored", 0, 1)
    receipts = commands("receipt", "export", "--run", name)
    assert (receipts.status, len(receipts.records)) == (0, 6)
    (batch,) = commands.ok("anchor", "manifest.csv")
    assert (batch["batchId"], batch["already"]) == (told["kept"][0], True)


def test_a_batch_of_which_nobody_can_tell_stays_and_can_be_finished(commands: Commands) -> None:
    name = killed(commands, f"{SUBMIT}:before")
    result = commands("anchor", "forget", "--yes", "--run", name, "--json")
    assert result.status == 12
    (told,) = result.records
    assert (told["status"], told["certificates"], len(told["unknown"])) == ("unknown", 0, 1)
    assert told["error"]["code"] == "outcome-unknown"
    assert "run the same anchor command again" in result.messages
    (batch,) = commands.ok("anchor", "manifest.csv")
    assert (batch["transactionId"], batch["size"]) == (told["unknown"][0], 6)


def test_while_the_network_is_away_what_was_never_sent_is_given_up(commands: Commands) -> None:
    """Of the rest nobody can tell; anchoring again finishes it."""
    source = given(commands, 30)
    died = run_until_killed(commands, DYING, f"{SUBMIT}:after", source.path, "--batch-size", "2")
    assert died.returncode == -signal.SIGKILL, died
    run = commands.ok("anchor", "status")[-1]
    result = commands("anchor", "forget", "--yes", "--run", run["run"], "--profile", away(commands), "--json")
    assert result.status == 12, result
    (told,) = result.records
    assert (told["status"], told["kept"]) == ("unknown", [])
    assert told["batches"] + len(told["unknown"]) == 15
    assert told["certificates"] == 2 * told["batches"] > 0
    finished = commands("anchor", source.path.name, "--batch-size", "2", "--json")
    assert finished.status == 11, finished  # the others were given up
    assert {batch["transactionId"] for batch in finished.records} == set(told["unknown"])


def away(commands: Commands) -> str:
    """A profile for a network of which no peer answers."""
    profile = json.loads((commands.folder.path / "profiles" / "city-issuer.json").read_text())
    connection = json.loads(Path(profile["connection"]).read_text())
    for peer in connection["peers"].values():
        peer["url"] = f"grpcs://{free_address()}"
    (commands.home / "connection.json").write_text(json.dumps(connection))
    (commands.home / "away.json").write_text(
        json.dumps({**profile, "connection": str(commands.home / "connection.json")})
    )
    return "away.json"


def test_a_name_is_needed(commands: Commands) -> None:
    assert commands("anchor", "forget").status == 2
    assert commands("anchor", "forget", "--run", "x", "--dry-run").status == 2
    assert commands("anchor", "forget", "--run", "x").status == 8
    assert commands("anchor", "forget", "--run", "x", "--yes").status == 8
