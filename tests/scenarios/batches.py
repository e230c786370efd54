"""Manifests, and the receipts of what was anchored from them."""

import subprocess
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from chaincode.registry.model.ids import new_id
from tests.conftest import Commands

# Runs a command that, when the first of its batches has reached a state, says so and waits for a line.
HELD = """
import sys
from node_client.anchoring.batches import Batches

state, held = sys.argv.pop(1), False
step = getattr(Batches, state)

async def hold(*args):
    global held
    batch = await step(*args)
    if not held:
        held = True
        print("held", flush=True)
        input()
    return batch

setattr(Batches, state, hold)
from cli.main import main
main()
"""


@dataclass(frozen=True)
class Given:
    """A manifest, and its documents by their references."""

    commands: Commands
    path: Path
    documents: dict[str, Path]

    @property
    def references(self) -> list[str]:
        return list(self.documents)

    def receipt(self, reference: str) -> Path:
        """Write a document's receipt beside it. Returns the document."""
        document = self.documents[reference]
        place = document.parent / f"{document.name}.receipt.json"
        assert self.commands("receipt", "export", "--reference", reference, "--out", place).status == 0
        return document

    def verdict(self, reference: str) -> str:
        """What `verify` says of a document with a new receipt."""
        result = self.commands("verify", self.receipt(reference).name, "--json")
        record = result.records[0]
        assert record["verdict"] != "unconfirmed", record  # nothing here makes it so: the checks say what happened
        return str(record["verdict"])


def given(commands: Commands, count: int, name: str = "manifest.csv") -> Given:
    """A manifest of new documents, by their digests."""
    mark = new_id()[:12]
    documents = {f"{mark}-{number}": commands.document(f"{mark}-{number}.pdf") for number in range(count)}
    rows = [
        f"{reference},{path.stat().st_size},{sha256(path.read_bytes()).hexdigest()}"
        for reference, path in documents.items()
    ]
    path = commands.home / name
    path.write_text("\n".join(["reference,size,sha256", *rows, ""]))
    return Given(commands, path, documents)


def anchor_and_hold(commands: Commands, state: str, *arguments: str, before: str = "") -> "subprocess.Popen[bytes]":
    """Start `anchor`; returns when a batch has reached the state, and the command waits until `let_go`.

    Args:
        before: what the process does first.
    """
    process = replace(commands, program=f"{before}\n{HELD}").start(state, "anchor", *arguments, stdin=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def let_go(process: "subprocess.Popen[bytes]") -> None:
    """Let a command go on that was held."""
    assert process.stdin is not None
    process.stdin.write(b"\n")
