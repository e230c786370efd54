"""`anchor` is killed at every step it takes, and run again: one batch on the ledger, and all receipts right."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from chaincode.registry.model.merkle import certificate_leaf, leaf_hash
from network.folder import Folder
from network.topology import CHANNEL
from node_client import ConnectionProfile, Gateway
from node_client.anchoring.batches import Batches
from node_client.anchoring.members import Members
from node_client.anchoring.tree import root_of
from node_client.certificates.register import Register
from node_client.protocol.transaction import open_envelope, parse_transaction
from node_client.protocol.validation import Code
from tests.conftest import Commands
from tests.scenarios.batches import Given, given
from tests.scenarios.test_killed import DYING

ANCHORING, CERTIFICATES = "node_client.anchoring", "node_client.certificates"
STEPS = [
    f"{ANCHORING}.runs:RunStore:begin",
    f"{ANCHORING}.runs:RunStore:keep",
    f"{ANCHORING}.runs:RunStore:seal",
    f"{ANCHORING}.sealing::take",
    f"{ANCHORING}.sealing::build",
    f"{CERTIFICATES}._async.client:AsyncRegistryClient:endorse_anchor",
    f"{ANCHORING}.batches:Batches:endorsed",
    "node_client.gateway._async.transaction:AsyncTransaction:submit",
    "node_client.gateway._async.commit:AsyncCommit:status",
    f"{ANCHORING}.batches:Batches:committed",
    f"{CERTIFICATES}._async.client:AsyncRegistryClient:attest_batch",
    f"{ANCHORING}.batches:Batches:attested",
]
SENDING = STEPS[STEPS.index(f"{ANCHORING}.batches:Batches:endorsed") :]
# Runs a command and dies by SIGKILL when it has kept so many segments.
DYING_READER = """
import os, signal, sys
from node_client.anchoring.runs import RunStore

left = int(sys.argv.pop(1))
keep = RunStore.keep

def dying(*args):
    global left
    kept = keep(*args)
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return kept

RunStore.keep = dying
from cli.main import main
main()
"""


@dataclass(frozen=True)
class Ledger:
    """What has come onto the ledger since a block."""

    commands: Commands
    begin: int

    @classmethod
    def now(cls, commands: Commands) -> Self:
        with gateway(commands.folder) as client:
            return cls(commands, client.get_network(CHANNEL).height())

    def batches(self) -> Counter[str]:
        """How many valid transactions wrote each batch."""
        found: Counter[str] = Counter()
        with gateway(self.commands.folder) as client:
            network = client.get_network(CHANNEL)
            height = network.height()
            if height == self.begin:
                return found
            with network.block_events(start_block=self.begin) as blocks:
                for block in blocks:
                    for envelope, code in zip(block.envelopes, block.validation_codes, strict=True):
                        event = parse_transaction(open_envelope(envelope)[0]).response.event
                        if code == Code.VALID and event is not None and event.name == "BatchAnchored":
                            found[json.loads(event.payload)["batchId"]] += 1
                    if block.number + 1 == height:
                        break
        return found


def gateway(folder: Folder) -> Gateway:
    profile = ConnectionProfile.load(folder.organisation("City") / "connection.json")
    return Gateway.from_profile(profile, "City", "issuer")


@pytest.mark.parametrize("step", [f"{step}:{moment}" for step in STEPS for moment in ("before", "after")])
def test_killed_at_a_step(commands: Commands, step: str) -> None:
    source, ledger = given(commands, 30), Ledger.now(commands)
    killed = run_until_killed(commands, DYING, step, source.path)
    assert killed.returncode == -signal.SIGKILL, killed
    check_repaired(source, 30, ledger)


@pytest.mark.parametrize("step", [f"{step}:after" for step in SENDING])
def test_killed_while_one_of_several_batches_is_sent(commands: Commands, step: str) -> None:
    """The others are anywhere between prepared and attested then."""
    source, ledger = given(commands, 30), Ledger.now(commands)
    killed = run_until_killed(commands, DYING, step, source.path, "--batch-size", "7")
    assert killed.returncode == -signal.SIGKILL, killed
    check_repaired(source, 30, ledger, "--batch-size", "7")
    assert len(ledger.batches()) == 5


def test_of_a_dry_run_that_was_killed_the_next_run_leaves_nothing(commands: Commands) -> None:
    """What it had read holds references."""
    source = given(commands, 3)
    killed = run_until_killed(commands, DYING, f"{ANCHORING}.runs:RunStore:keep:after", source.path, "--dry-run")
    assert killed.returncode == -signal.SIGKILL, killed
    folder = commands.folder.organisation("City")
    assert list(folder.glob(".trying-*"))
    commands.ok("anchor", source.path.name)
    assert not list(folder.glob(".trying-*"))


def run_until_killed(
    commands: Commands, program: str, step: str, path: Path, *options: str
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-c", program, step, "anchor", path.name, *options],
        cwd=commands.home,
        env={**os.environ, "CERTLEDGER_DIR": str(commands.folder.path)},
        capture_output=True,
        check=False,
    )


def check_repaired(source: Given, count: int, ledger: Ledger, *options: str) -> None:
    """The same command again anchors everything once, and everything that it says is so."""
    commands = source.commands
    batches = commands.ok("anchor", source.path.name, *options)
    assert sum(batch["size"] for batch in batches) == count
    assert ledger.batches() == Counter(batch["batchId"] for batch in batches)
    check_register(commands, {batch["batchId"] for batch in batches})
    assert source.verdict(source.references[-1]) == "genuine"


def check_register(commands: Commands, ids: set[str]) -> None:
    """The register has these batches whole, their roots are those of their certificates, and nothing is half done."""
    with Register(commands.folder.organisation("City") / "register.db") as register:
        batches, members = Batches(register), Members(register)
        for batch in batches.all():
            assert batch.state == "attested"
            if batch.batch_id in ids:
                found = list(members.of_batch(batch))
                receipts = [receipt for _, receipt in members.receipts([batch])]
                assert [data for _, data in members.encoded_receipts([batch])] == [one.to_bytes() for one in receipts]
                leaves = [leaf_hash(certificate_leaf(one.certificate_id, one.commitment)) for one in receipts]
                assert root_of(leaves) == batch.root
                assert len(leaves) == batch.size
                assert [one.leaf for one in found] == leaves
                for leaf, receipt in zip(leaves, receipts, strict=True):
                    assert receipt.inclusion is not None
                    assert receipt.inclusion.shows(leaf, batch.root)
                for one in found[:: len(found) // 7 + 1]:
                    assert members.find(one.certificate_id) == one == members.find(one.reference)
                    assert members.receipt(one) in receipts
        (left,) = register.reader.execute("SELECT count(*) FROM segments").fetchone()
        assert left == 0
        counted = "SELECT (SELECT count(*) FROM {}), (SELECT count(*) FROM members WHERE kind IS NOT NULL)"
        for table in ("by_id", "by_reference"):
            found_, wanted = register.reader.execute(counted.format(table)).fetchone()
            assert found_ == wanted, table
        assert {one.batch_id for one in batches.all()} >= ids


def many(commands: Commands, count: int) -> Given:
    """A manifest of so many documents, most of which nobody has."""
    source = given(commands, 2)
    mark = source.references[0].partition("-")[0]
    with source.path.open("a") as file:
        file.writelines(f"{mark} {number},1,{number:064x}\n" for number in range(count - 2))
    return source


def test_killed_again_and_again_while_reading(commands: Commands) -> None:
    """Each run finds what the one before it kept, and goes on."""
    source, ledger = many(commands, 16_000), Ledger.now(commands)
    kept = 0
    for _ in range(3):
        killed = run_until_killed(commands, DYING_READER, "1", source.path)
        assert killed.returncode == -signal.SIGKILL, killed
        (run,) = [one for one in commands.ok("anchor", "status") if one["state"] == "reading"]
        assert run["certificates"] > kept
        kept = run["certificates"]
    check_repaired(source, 16_000, ledger)


def test_two_at_once_make_one_batch(commands: Commands) -> None:
    source, ledger = many(commands, 12_000), Ledger.now(commands)
    both = [commands.start("anchor", source.path.name, "--json") for _ in range(2)]
    told = []
    for process in both:
        output, messages = process.communicate()
        assert process.returncode == 0, messages
        told.append(json.loads(output)["batchId"])
    assert told[0] == told[1]
    check_repaired(source, 12_000, ledger)


def test_two_different_runs_at_once(commands: Commands) -> None:
    ledger = Ledger.now(commands)
    sources = [given(commands, 300, name) for name in ("one.csv", "other.csv")]
    both = [commands.start("anchor", source.path.name, "--json") for source in sources]
    for process in both:
        _, messages = process.communicate()
        assert process.returncode == 0, messages
    batches = [batch for source in sources for batch in commands.ok("anchor", source.path.name)]
    assert [(batch["size"], batch["already"]) for batch in batches] == [(300, True)] * 2
    assert ledger.batches() == Counter(batch["batchId"] for batch in batches)
    check_register(commands, {batch["batchId"] for batch in batches})
    assert [source.verdict(source.references[-1]) for source in sources] == ["genuine"] * 2


@pytest.mark.slow
def test_interrupted_while_reading_it_goes_on(commands: Commands) -> None:
    source = many(commands, 300_000)
    process = commands.start("anchor", source.path.name, "--jobs", "2")
    while not any(one["state"] == "reading" and one["certificates"] for one in commands.ok("anchor", "status")):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    output, messages = process.communicate(timeout=60)
    assert (process.returncode, output) == (130, b""), messages
    assert "the same command goes on where it stopped" in messages.decode()
    assert b"Traceback" not in messages
    (batch,) = commands.ok("anchor", source.path.name)
    assert batch["size"] == 300_000
