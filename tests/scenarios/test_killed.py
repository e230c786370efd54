"""`issue` is killed at every step it takes, and run again: every file has one certificate and one valid receipt."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Commands

# Runs `issue` and dies by SIGKILL before or after the named step. The steps are those of the code, in order.
DYING = """
import asyncio, functools, os, signal, sys
from importlib import import_module

module, owner, name, moment = sys.argv.pop(1).split(":")
target = import_module(module)
if owner:
    target = getattr(target, owner)
step = getattr(target, name)

def die():
    os.kill(os.getpid(), signal.SIGKILL)

@functools.wraps(step)
async def asynchronous(*args, **kwargs):
    if moment == "before":
        die()
    result = await step(*args, **kwargs)
    die()

@functools.wraps(step)
def plain(*args, **kwargs):
    if moment == "before":
        die()
    step(*args, **kwargs)
    die()

setattr(target, name, asynchronous if asyncio.iscoroutinefunction(step) else plain)
from cli.main import main
main()
"""
CERTIFICATES = "node_client.certificates"
STEPS = [
    f"{CERTIFICATES}.register:Register:prepare",
    f"{CERTIFICATES}._async.client:AsyncRegistryClient:endorse_issue",
    f"{CERTIFICATES}.register:Register:endorsed",
    "node_client.gateway._async.transaction:AsyncTransaction:submit",
    "node_client.gateway.pipeline:Pipeline:submit",
    f"{CERTIFICATES}.register:Register:committed",
    f"{CERTIFICATES}._async.client:AsyncRegistryClient:attest",
    f"{CERTIFICATES}.register:Register:attested",
    f"{CERTIFICATES}.issuing::write_receipt",
    f"{CERTIFICATES}.receipt_file::_put",
    f"{CERTIFICATES}.receipt_file::sync_folder",
]


@pytest.mark.parametrize("step", [f"{step}:{moment}" for step in STEPS for moment in ("before", "after")])
def test_killed_at_a_step(commands: Commands, step: str) -> None:
    names = [commands.document(f"d{number}").name for number in range(3)]
    before = _ledger(commands)
    killed = subprocess.run(
        [sys.executable, "-c", DYING, step, "issue", *names],
        cwd=commands.home,
        env={**os.environ, "CERTLEDGER_DIR": str(commands.folder.path)},
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed
    _check_repaired(commands, names, before)


def test_killed_at_any_moment(commands: Commands) -> None:
    """Killed again and again as soon as the next receipts are there, until nothing is left to do."""
    names = [commands.document(f"d{number}").name for number in range(60)]
    before = _ledger(commands)
    kills = 0
    for wanted in (1, 7, 20, 33, 50):
        process = subprocess.Popen(
            [sys.executable, "-c", "from cli.main import main; main()", "issue", *names, "--in-flight", "8", "--json"],
            cwd=commands.home,
            env={**os.environ, "CERTLEDGER_DIR": str(commands.folder.path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        with process.stdout as lines:
            for _ in range(wanted):
                lines.readline()
            process.kill()
        kills += process.wait() == -signal.SIGKILL
    assert kills
    _check_repaired(commands, names, before)


def test_interrupted(commands: Commands) -> None:
    """Ctrl-C finishes what is in flight, and says what was and was not issued."""
    names = [commands.document(f"d{number}").name for number in range(200)]
    process = commands.start("issue", *names, "--in-flight", "4", "--json")
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest, messages = process.communicate()
    assert process.returncode == 130
    records = [json.loads(line) for line in [first, *rest.splitlines()]]
    issued = {record["file"] for record in records if record["status"] == "issued"}
    left = {record["file"] for record in records if record["status"] == "not-issued"}
    assert issued | left == set(names), [one for one in records if one["status"] not in ("issued", "not-issued")]
    assert not issued & left
    assert left
    assert f"{len(issued)} of 200 issued" in messages.decode()
    assert {path.name for path in commands.home.glob("*.receipt.json")} == {f"{name}.receipt.json" for name in issued}


def test_two_commands_at_once(commands: Commands) -> None:
    names = [commands.document(f"d{number}").name for number in range(40)]
    before = _ledger(commands)
    both = [
        subprocess.Popen(
            [sys.executable, "-c", "from cli.main import main; main()", "issue", *names],
            cwd=commands.home,
            env={**os.environ, "CERTLEDGER_DIR": str(commands.folder.path)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    for process in both:
        _, messages = process.communicate()
        assert process.returncode == 0, messages
    _check_repaired(commands, names, before)


def _ledger(commands: Commands) -> set[str]:
    return {record["certificateId"] for record in commands.ok("list")}


def _check_repaired(commands: Commands, names: list[str], before: set[str]) -> None:
    issued = {record["file"]: record["certificateId"] for record in commands.ok("issue", *names)}
    assert set(issued) == set(names)
    receipts = {path.name: json.loads(path.read_bytes())["certificateId"] for path in _receipts(commands.home)}
    assert receipts == {f"{name}.receipt.json": certificate for name, certificate in issued.items()}
    assert _ledger(commands) - before == set(issued.values())
    for name in names[:3]:
        assert commands("verify", name).status == 0


def _receipts(home: Path) -> Iterator[Path]:
    return home.glob("*.receipt.json")
