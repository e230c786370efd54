"""The main job as users do it: commands on a running network."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import Commands

UNKNOWN_ID = "0" * 32


def verdict(commands: Commands, document: Path, *arguments: str | Path) -> str:
    result = commands("verify", document.name, *arguments, "--json")
    return str(result.records[0]["verdict"])


def test_issued_document_is_genuine(commands: Commands) -> None:
    document = commands.document("所得証明書.pdf")
    (record,) = commands.ok("issue", document.name)
    assert re.fullmatch("[0-9a-f]{32}", record["certificateId"])
    assert re.fullmatch("[0-9a-f]{64}", record["transactionId"])
    assert (record["file"], record["receipt"]) == ("所得証明書.pdf", "所得証明書.pdf.receipt.json")
    assert record["status"] == "issued"
    (found,) = commands.ok("verify", document.name)
    assert found["verdict"] == "genuine"
    assert {check["outcome"] for check in found["checks"]} == {"passed"}
    assert (found["issuer"], found["type"]) == ("CityMSP", "income")


def test_changed_document_is_altered(commands: Commands) -> None:
    document = commands.document("a.pdf")
    commands.ok("issue", document.name)
    document.write_bytes(document.read_bytes() + b" ")
    result = commands("verify", document.name)
    assert result.status == 3
    assert "ALTERED" in result.output


def test_receipt_of_another_document_is_altered(commands: Commands) -> None:
    one, other = commands.document("one"), commands.document("other")
    commands.ok("issue", one.name, other.name)
    assert commands("verify", one.name, "--receipt", "other.receipt.json").status == 3


def test_damaged_receipt_is_altered(commands: Commands) -> None:
    document = commands.document("a")
    commands.ok("issue", document.name)
    receipt = commands.home / "a.receipt.json"
    for damaged in (b"", b"{}", b"\xff" * 10, receipt.read_bytes() + b"\n", receipt.read_bytes()[:-2]):
        receipt.write_bytes(damaged)
        result = commands("verify", document.name, "--json")
        assert result.status == 3
        assert result.records[0]["verdict"] == "altered"


def test_revoked_suspended_reinstated(commands: Commands) -> None:
    document = commands.document("a")
    (issued,) = commands.ok("issue", document.name, "--reference", f"case {document.stat().st_ino}")
    reference, certificate = f"case {document.stat().st_ino}", issued["certificateId"]
    (suspended,) = commands.ok("suspend", reference, "--reason", "certificateHold")
    assert (suspended["certificateId"], suspended["status"]) == (certificate, "suspended")
    assert commands("verify", document.name).status == 5
    commands.ok("reinstate", certificate)
    assert verdict(commands, document) == "genuine"
    commands.ok("revoke", certificate, "--reason", "privilegeWithdrawn")
    result = commands("verify", document.name)
    assert result.status == 4
    assert "REVOKED" in result.output
    assert commands("reinstate", certificate).status == 9
    commands.ok("revoke", certificate, "--reason", "privilegeWithdrawn")  # the same again is no other write
    history = commands.ok("history", reference)
    assert [one["record"]["status"] for one in history] == ["revoked", "active", "suspended", "active"]


def test_superseded(commands: Commands) -> None:
    old, new = commands.document("old"), commands.document("new")
    (first,) = commands.ok("issue", old.name)
    (second,) = commands.ok("supersede", first["certificateId"], new.name)
    assert commands("verify", old.name).status == 6
    assert verdict(commands, old) == "superseded"
    assert verdict(commands, new) == "genuine"
    (record,) = commands.ok("show", second["certificateId"])
    assert record["supersedes"] == first["certificateId"]


def test_expired(commands: Commands) -> None:
    document = commands.document("a")
    today = datetime.now(UTC).astimezone().date()
    commands.ok("issue", document.name, "--valid-until", today.isoformat())
    assert verdict(commands, document) == "genuine"
    past = (today - timedelta(days=2)).isoformat()
    assert commands("issue", document.name, "--valid-until", past).status == 2


def test_list_pages_through_everything(commands: Commands) -> None:
    names = [commands.document(f"d{number}").name for number in range(120)]
    issued = {record["certificateId"] for record in commands.ok("issue", *names)}
    listed = [record["certificateId"] for record in commands.ok("list")]
    assert issued <= set(listed)
    assert listed == sorted(set(listed))
    assert len(commands.ok("list", "--limit", "101")) == 101


@pytest.mark.parametrize(
    "name",
    [
        "with space.pdf",
        "q'uo\"te.pdf",
        "日本語 髙﨑 𠮷野.pdf",
        "tab\tnew\nline",
        "100%",
        "a.receipt.json",
        "{x}",
        "$HOME",
    ],
)
def test_names_of_every_kind(commands: Commands, name: str) -> None:
    document = commands.document(name)
    (record,) = commands.ok("issue", name)
    assert record["file"] == name
    assert verdict(commands, document) == "genuine"
    document.write_bytes(b"x")
    assert verdict(commands, document) == "altered"


@pytest.mark.parametrize("name", ["-dash.pdf", "--json", "--", "-"])
def test_names_that_look_like_options(commands: Commands, name: str) -> None:
    commands.document(name)
    assert commands("issue", "--", name).status == 0
    assert commands("verify", "--", name).status == 0
    assert (commands.home / f"{name}.receipt.json").exists()


def test_name_that_is_not_text(commands: Commands) -> None:
    name = b"caf\xe9.pdf".decode("utf-8", "surrogateescape")
    commands.document(name)
    (record,) = commands.ok("issue", name)
    assert json.dumps(record["file"]) == json.dumps(name)
    assert commands("verify", name).status == 0


def test_one_byte_and_many_megabytes(commands: Commands) -> None:
    small, large = commands.document("small", b"\0"), commands.document("large", bytes(50_000_001))
    commands.ok("issue", small.name, large.name)
    assert [verdict(commands, small), verdict(commands, large)] == ["genuine", "genuine"]


def test_same_again_issues_nothing(commands: Commands) -> None:
    names = [commands.document(f"d{number}").name for number in range(3)]
    first = {record["file"]: record["certificateId"] for record in commands.ok("issue", *names)}
    again = commands.ok("issue", *names, commands.document("new").name)
    assert {record["file"]: record["certificateId"] for record in again if record["already"]} == first
    assert [record["file"] for record in again if not record["already"]] == ["new"]


def test_lost_receipt_is_written_again(commands: Commands) -> None:
    document = commands.document("a")
    commands.ok("issue", document.name)
    receipt = commands.home / "a.receipt.json"
    before = receipt.read_bytes()
    receipt.unlink()
    commands.ok("issue", document.name)
    assert receipt.read_bytes() == before


def test_receipt_of_another_certificate_is_never_overwritten(commands: Commands) -> None:
    document = commands.document("a")
    commands.ok("issue", document.name)
    before = (commands.home / "a.receipt.json").read_bytes()
    document.write_bytes(b"something else")
    result = commands("issue", document.name, "--json")
    assert result.status == 2
    assert result.records[0]["error"]["code"] == "receipt-conflict"
    assert (commands.home / "a.receipt.json").read_bytes() == before
    (moved,) = commands.ok("issue", document.name, "--out", "elsewhere")
    assert moved["receipt"] == str(Path("elsewhere/a.receipt.json"))


def test_two_documents_of_one_name_cannot_share_a_receipt(commands: Commands) -> None:
    for folder in ("x", "y"):
        (commands.home / folder).mkdir()
        commands.document(f"{folder}/same.pdf")
    result = commands("issue", "x/same.pdf", "y/same.pdf", "--out", "out", "--json")
    assert result.status == 11
    assert sorted(record["status"] for record in result.records) == ["issued", "not-issued"]


def test_reference_with_other_content_is_refused(commands: Commands) -> None:
    one, other = commands.document("one"), commands.document("other")
    reference = f"reference-{one.stat().st_ino}-{one.stat().st_mtime_ns}"
    commands.ok("issue", one.name, "--reference", reference)
    result = commands("issue", other.name, "--reference", reference, "--json")
    assert result.status == 2
    assert result.records[0]["error"]["code"] == "reference-taken"
    assert not (commands.home / "other.receipt.json").exists()


def test_erased(commands: Commands) -> None:
    document = commands.document("a")
    reference = f"erase-{document.stat().st_ino}-{document.stat().st_mtime_ns}"
    (issued,) = commands.ok("issue", document.name, "--reference", reference)
    refused = commands("erase", reference)
    assert (refused.status, "say --yes" in refused.messages) == (2, True)  # nobody there to be asked
    commands.ok("erase", reference, "--yes")
    assert commands("show", reference).status == 8
    assert commands("erase", issued["certificateId"], "--yes").status == 8
    commands.ok("show", issued["certificateId"])
    assert verdict(commands, document) == "genuine"
    register = commands.folder.organisation("City") / "register.db"
    kept = b"".join(path.read_bytes() for path in register.parent.glob("register.db*"))
    assert reference.encode() not in kept
    assert issued["certificateId"].encode() not in kept


def test_japanese(commands: Commands) -> None:
    document = commands.document("a")
    result = commands("issue", document.name, CERTLEDGER_LANG="ja_JP.UTF-8")
    assert "発行しました" in result.output
    assert "本物です" in commands("verify", document.name, CERTLEDGER_LANG="ja").output
    document.write_bytes(b"x")
    result = commands("verify", document.name, CERTLEDGER_LANG="", LC_ALL="ja_JP.UTF-8")
    assert "変更されています" in result.output
    assert "見つかりません" in commands("show", UNKNOWN_ID, CERTLEDGER_LANG="ja").messages
