"""Anchoring as users do it: commands on a running network."""

import json
from hashlib import sha256
from pathlib import Path

from chaincode.registry.model.ids import new_id
from tests.conftest import Commands


def manifest(commands: Commands, count: int, name: str = "manifest.csv") -> tuple[Path, dict[str, Path]]:
    """A manifest of documents by digest, and the documents by their references."""
    mark = new_id()[:8]
    documents = {f"{mark}-{number}": commands.document(f"{mark}-{number}.pdf") for number in range(count)}
    rows = [
        f"{reference},{path.stat().st_size},{sha256(path.read_bytes()).hexdigest()}"
        for reference, path in documents.items()
    ]
    place = commands.home / name
    place.write_text("\n".join(["reference,size,sha256", *rows, ""]))
    return place, documents


def export(commands: Commands, reference: str, document: Path) -> Path:
    place = document.parent / (document.name + ".receipt.json")
    assert commands("receipt", "export", "--reference", reference, "--out", place).status == 0
    return place


def test_anchored_documents_are_genuine(commands: Commands) -> None:
    source, documents = manifest(commands, 300)
    (batch,) = commands.ok("anchor", source.name)
    assert (batch["size"], batch["status"], batch["already"]) == (300, "anchored", False)
    for reference, document in list(documents.items())[::99]:
        export(commands, reference, document)
        (found,) = commands.ok("verify", document.name)
        assert found["verdict"] == "genuine"
        assert {check["outcome"] for check in found["checks"]} == {"passed"}
        document.write_bytes(document.read_bytes() + b"x")
        assert commands("verify", document.name).status == 3


def test_the_same_source_again_is_the_same_batch(commands: Commands) -> None:
    source, _ = manifest(commands, 10)
    (first,) = commands.ok("anchor", source.name)
    (again,) = commands.ok("anchor", source.name)
    assert again == {**first, "already": True}


def test_a_folder_of_documents(commands: Commands) -> None:
    folder = commands.home / "out"
    (folder / "below").mkdir(parents=True)
    for name in ("a.pdf", "below/髙﨑.pdf", ".hidden", "a.pdf.receipt.json"):
        commands.document(f"out/{name}")
    (batch,) = commands.ok("anchor", "out")
    assert batch["size"] == 2
    digest = sha256((folder / "a.pdf").read_bytes()).hexdigest()
    (folder / "a.pdf.receipt.json").unlink()
    export(commands, f"{digest}:income", folder / "a.pdf")
    assert commands("verify", "out/a.pdf").status == 0


def test_receipts_of_a_run_as_lines(commands: Commands) -> None:
    source, _ = manifest(commands, 260)
    commands.ok("anchor", source.name, "--run", f"night {source.stat().st_ino}", "--batch-size", "100")
    result = commands("receipt", "export", "--run", f"night {source.stat().st_ino}")
    assert result.status == 0
    receipts = [json.loads(line) for line in result.output.splitlines()]
    assert [one["batch"]["index"] for one in receipts] == [*range(100), *range(100), *range(60)]
    assert len({one["certificateId"] for one in receipts}) == 260
