"""Anchoring as users do it: commands on a running network."""

import json
import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from tests.conftest import Commands
from tests.scenarios.batches import given


def test_anchored_documents_are_genuine(commands: Commands) -> None:
    source = given(commands, 300)
    (batch,) = commands.ok("anchor", source.path.name)
    assert (batch["size"], batch["status"], batch["already"]) == (300, "anchored", False)
    for reference in source.references[::99]:
        document = source.receipt(reference)
        (found,) = commands.ok("verify", document.name)
        assert found["verdict"] == "genuine"
        assert {check["outcome"] for check in found["checks"]} == {"passed"}
        document.write_bytes(document.read_bytes() + b"x")
        assert commands("verify", document.name).status == 3


def test_the_same_source_again_is_the_same_batch(commands: Commands) -> None:
    source = given(commands, 10)
    (first,) = commands.ok("anchor", source.path.name)
    (again,) = commands.ok("anchor", source.path.name)
    assert again == {**first, "already": True}
    (run,) = [one for one in commands.ok("anchor", "status") if one["run"] == first["run"]]
    assert (run["state"], run["certificates"], run["batches"], run["anchored"]) == ("done", 10, 1, 1)


def test_a_folder_of_documents(commands: Commands) -> None:
    folder = commands.home / "out"
    (folder / "below").mkdir(parents=True)
    for name in ("a.pdf", "below/髙﨑.pdf", ".hidden", "a.pdf.receipt.json"):
        commands.document(f"out/{name}")
    (batch,) = commands.ok("anchor", "out")
    assert batch["size"] == 2
    digest = sha256((folder / "a.pdf").read_bytes()).hexdigest()
    receipt = folder / "a.pdf.receipt.json"
    receipt.unlink()
    assert commands("receipt", "export", "--reference", f"{digest}:income", "--out", receipt).status == 0
    assert commands("verify", "out/a.pdf").status == 0


def test_receipts_of_a_run_as_lines_and_as_files(commands: Commands) -> None:
    source = given(commands, 260)
    name = f"night {source.references[0]}"
    commands.ok("anchor", source.path.name, "--run", name, "--batch-size", "100")
    result = commands("receipt", "export", "--run", name)
    assert result.status == 0
    receipts = [json.loads(line) for line in result.output.splitlines()]
    assert [one["batch"]["index"] for one in receipts] == [*range(100), *range(100), *range(60)]
    ids = {one["certificateId"] for one in receipts}
    assert len(ids) == 260
    assert commands("receipt", "export", "--run", name, "--format", "files", "--out", "all").status == 0
    files = {path.name.removesuffix(".receipt.json"): path.read_text() for path in (commands.home / "all").iterdir()}
    assert files == {one["certificateId"]: json.dumps(one, separators=(",", ":")) for one in receipts}
    assert ids <= {
        json.loads(line)["certificateId"] for line in commands("receipt", "export", "--all").output.splitlines()
    }


def test_standard_input(commands: Commands) -> None:
    source = given(commands, 5)
    done = subprocess.run(
        [sys.executable, "-P", "-c", "from cli.main import main; main()", "anchor", "-", "--json"],
        cwd=commands.home,
        env={"CERTLEDGER_DIR": str(commands.folder.path), "PYTHONPATH": ":".join(filter(None, sys.path))},
        input=source.path.read_bytes(),
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout)["size"] == 5
    assert source.verdict(source.references[0]) == "genuine"
    assert commands.ok("anchor", source.path.name)[0]["already"] is True


def test_bad_rows_anchor_nothing(commands: Commands) -> None:
    source = given(commands, 3)
    good = source.path.read_text()
    source.path.write_text(f"{good}bad\n{good.splitlines()[1]}\n")
    result = commands("anchor", source.path.name, "--json")
    assert result.status == 2
    *rows, last = result.records
    assert [(one["line"], one["status"], one["error"]["code"]) for one in rows] == [(5, "refused", "bad-row")]
    assert (last["status"], last["error"]["code"], last["count"]) == ("not-anchored", "bad-rows", 1)
    result = commands("anchor", source.path.name, "--json", "--skip-invalid")
    assert result.status == 11
    *rows, last = result.records
    assert [(one["line"], one["status"]) for one in rows] == [(5, "left-out"), (6, "left-out")]
    assert (last["status"], last["size"]) == ("anchored", 3)
    assert "2 rows left out" in result.messages


def test_a_dry_run_does_nothing(commands: Commands) -> None:
    source = given(commands, 20)
    (record,) = commands.ok("anchor", source.path.name, "--dry-run", "--batch-size", "8")
    assert (record["status"], record["certificates"], record["batches"]) == ("would-be-anchored", 20, 3)
    assert (record["state"], record["already"]) == (None, False)
    assert commands("receipt", "export", source.references[0]).status == 8
    commands.ok("anchor", source.path.name, "--run", f"night {source.references[0]}")
    (record,) = commands.ok("anchor", source.path.name, "--dry-run", "--run", f"night {source.references[0]}")
    assert (record["status"], record["state"], record["already"]) == ("anchored", "done", True)
    other = given(commands, 3, "other.csv")
    refused = commands("anchor", other.path.name, "--dry-run", "--run", f"night {source.references[0]}")
    assert refused.status == 2
    assert "the source is not the one" in refused.messages
    again = given(commands, 2)
    again.path.write_text(again.path.read_text() + source.path.read_text().splitlines()[1] + "\n")
    refused = commands("anchor", again.path.name, "--dry-run", "--json")
    assert refused.status == 2
    assert refused.records[0]["line"] == 4
    assert not list(commands.folder.organisation("City").glob(".trying-*"))


def test_a_dry_run_makes_no_register(commands: Commands) -> None:
    profile = commands.folder.path / "profiles" / "city-issuer.json"
    folder = commands.home / "new"
    folder.mkdir()
    values = {**json.loads(profile.read_text()), "register": str(folder / "register.db")}
    (commands.home / "new.json").write_text(json.dumps(values))
    source = given(commands, 3)
    (record,) = commands.ok("anchor", source.path.name, "--dry-run", "--profile", "new.json")
    assert (record["status"], record["certificates"]) == ("would-be-anchored", 3)
    assert not list(folder.iterdir())


def test_single_certificates_and_batches_share_references(commands: Commands) -> None:
    source = given(commands, 2)
    one, other = source.references
    document = source.documents[one]
    commands.ok("issue", document.name, "--reference", one)
    refused = commands("anchor", source.path.name, "--json")
    assert (refused.status, refused.records[0]["line"]) == (2, 2)
    commands("anchor", source.path.name, "--skip-invalid")
    refused = commands("issue", source.documents[other].name, "--reference", other, "--json")
    assert refused.records[0]["error"]["code"] == "reference-taken"


def test_the_guides_program(commands: Commands) -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "anchoring.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    program = program.replace('Path(".certledger")', f"Path({str(commands.folder.path)!r})")
    for _ in range(2):  # the second time finds what the first one did
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=commands.home, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done
        assert done.stdout.splitlines() == [f"R-{number} {number}" for number in range(1000)]
