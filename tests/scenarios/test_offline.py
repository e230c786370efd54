"""Verifying without a network: the trust file that the channel's blocks give, receipts, and status lists."""

from pathlib import Path

from network.folder import Folder
from tests.conftest import Commands, Result, certledger


def offline(commands: Commands, *arguments: str | Path) -> Result:
    """Verify as somebody who has files alone: no network's folder, no identity."""
    nowhere = Folder.at(commands.home / "nowhere")
    return certledger("verify", *arguments, "--offline", "--json", cwd=commands.home, folder=nowhere)


def test_a_bank_needs_files_alone(commands: Commands) -> None:
    path = commands.document("a.pdf")
    (issued,) = commands.ok("issue", path.name)
    (trust,) = commands.ok("network", "export-trust", "trust.json")
    certificate_id = issued["certificateId"]
    commands.ok("status-list", "export", certificate_id, "--out", "a.jwt")

    alone = offline(commands, path.name, "--trust", "trust.json")
    assert alone.status == 7
    assert alone.records[0]["trust"] == trust["sha256"]
    settled = offline(commands, path.name, "--trust", "trust.json", "--status-list", "a.jwt", "--issuer", "CityMSP")
    assert settled.status == 0
    assert {one["outcome"] for one in settled.records[0]["checks"]} == {"passed"}

    commands.ok("revoke", certificate_id, "--reason", "unspecified")
    commands.ok("status-list", "export", certificate_id, "--out", "a.jwt")
    assert offline(commands, path.name, "--trust", "trust.json", "--status-list", "a.jwt").status == 4
    path.write_bytes(b"another document")
    assert offline(commands, path.name, "--trust", "trust.json", "--status-list", "a.jwt").status == 3


def test_the_trust_file_of_the_blocks_is_the_one_that_was_pinned(commands: Commands) -> None:
    commands.ok("network", "export-trust", "trust.json")
    assert (commands.home / "trust.json").read_bytes() == (commands.folder.path / "trust.json").read_bytes()


def test_the_ledgers_answer_is_kept_as_evidence(commands: Commands) -> None:
    path = commands.document("a.pdf")
    commands.ok("issue", path.name)
    commands.ok("verify", path.name, "--save", "evidence.json")
    commands.ok("network", "export-trust", "trust.json")
    evidence, receipt = commands.home / "evidence.json", commands.home / "a.pdf.receipt.json"
    assert evidence.read_bytes() != receipt.read_bytes()
    result = offline(commands, path.name, "--receipt", "evidence.json", "--trust", "trust.json")
    assert result.status == 7
    assert {one["outcome"] for one in result.records[0]["checks"]} == {"passed", "skipped"}


def test_no_status_list_is_no_verdict(commands: Commands) -> None:
    path = commands.document("a.pdf")
    commands.ok("issue", path.name)
    commands.ok("network", "export-trust", "trust.json")
    (commands.home / "no.jwt").write_text("nothing")
    for source in ("no.jwt", "missing.jwt", "http://localhost:1/list"):
        assert offline(commands, path.name, "--trust", "trust.json", "--status-list", source).status == 7
    assert offline(commands, path.name).status == 2
