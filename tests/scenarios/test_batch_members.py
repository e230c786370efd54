"""Members of a batch: revoked, suspended, reinstated, superseded, shown and erased like any certificate."""

import json

import pytest

from tests.conftest import Commands
from tests.scenarios.batches import Given, given


@pytest.fixture
def batch(commands: Commands) -> Given:
    source = given(commands, 7)
    commands.ok("anchor", source.path.name)
    return source


def test_a_member_is_suspended_reinstated_and_revoked(commands: Commands, batch: Given) -> None:
    reference, other, *_ = batch.references
    (record,) = commands.ok("suspend", reference, "--reason", "certificateHold")
    certificate = record["certificateId"]
    assert record["status"] == "suspended"
    assert batch.verdict(reference) == "suspended"
    commands.ok("reinstate", certificate)
    assert batch.verdict(reference) == "genuine"
    receipt = f"{batch.receipt(reference).name}.receipt.json"
    commands.ok("revoke", receipt, "--reason", "privilegeWithdrawn")
    assert batch.verdict(reference) == "revoked"
    assert commands("verify", batch.documents[reference].name).status == 4
    (shown,) = commands.ok("show", reference)
    assert (shown["status"], shown["change"]["reason"], shown["batch"]["size"]) == (
        "revoked",
        "privilegeWithdrawn",
        7,
    )
    assert commands("reinstate", reference).status == 9
    assert batch.verdict(other) == "genuine"


def test_a_member_is_superseded_by_a_certificate(commands: Commands, batch: Given) -> None:
    reference = batch.references[3]
    new = commands.document("new.pdf")
    (issued,) = commands.ok("supersede", reference, new.name)
    assert batch.verdict(reference) == "superseded"
    assert commands.ok("verify", new.name)[0]["verdict"] == "genuine"
    assert commands.ok("show", reference)[0]["change"]["supersededBy"] == issued["certificateId"]
    assert commands.ok("supersede", reference, new.name)[0]["already"] is True


def test_many_from_a_file(commands: Commands, batch: Given) -> None:
    one, two, three, *rest = batch.references
    single = commands.document("single.pdf")
    (issued,) = commands.ok("issue", single.name)
    batch.receipt(three)
    listed = [one, two, f"{batch.documents[three].name}.receipt.json", issued["certificateId"]]
    (commands.home / "list").write_text("\r\n".join(["", *listed, ""]), encoding="utf-8-sig")
    records = commands.ok("revoke", "--from", "list", "--reason", "unspecified")
    assert {record["status"] for record in records} == {"revoked"}
    assert len({record["certificateId"] for record in records}) == 4
    assert [batch.verdict(reference) for reference in (one, two, three, rest[0])] == ["revoked"] * 3 + ["genuine"]
    assert commands("verify", single.name).status == 4
    (commands.home / "list").write_text(f"{one}\n{rest[0]}\n")
    partly = commands("suspend", "--from", "list", "--reason", "certificateHold", "--json")
    assert partly.status == 11
    assert sorted(record["status"] for record in partly.records) == ["failed", "suspended"]


def test_a_list_that_names_a_certificate_twice_is_refused(commands: Commands, batch: Given) -> None:
    one, two, *_ = batch.references
    one_id = commands.ok("show", one)[0]["certificateId"]
    batch.receipt(two)
    listed = [one, two, "", one_id, f"{batch.documents[two].name}.receipt.json", one]
    (commands.home / "list").write_text("\n".join(listed))
    told = [f"line {line}: the same certificate as line {at}" for line, at in ((4, 1), (5, 2), (6, 1))]
    for command in ("suspend", "revoke"):
        twice = commands(command, "--from", "list", "--reason", "certificateHold")
        assert twice.status == 2
        assert "\n".join(told) in twice.messages
    assert commands("reinstate", "--from", "list").status == 2
    new = commands.document("new.pdf")
    (commands.home / "list").write_text("".join(f"{name},{new.name}\n" for name in listed if name))
    twice = commands("supersede", "--from", "list")
    assert (twice.status, "line 3: the same certificate as line 1" in twice.messages) == (2, True)
    assert [batch.verdict(reference) for reference in (one, two)] == ["genuine"] * 2


def test_many_are_superseded_from_a_file(commands: Commands, batch: Given) -> None:
    pairs = {reference: commands.document(f"new {reference}.pdf") for reference in batch.references[:3]}
    (commands.home / "list").write_text("".join(f"{name},{path.name}\n" for name, path in pairs.items()))
    assert len(commands.ok("supersede", "--from", "list")) == 3
    assert [batch.verdict(reference) for reference in batch.references[:4]] == ["superseded"] * 3 + ["genuine"]


def test_an_erased_member_is_gone_and_the_others_stay(commands: Commands, batch: Given) -> None:
    one, two, *_ = batch.references
    document = batch.receipt(one)
    salt = json.loads((commands.home / f"{document.name}.receipt.json").read_text())["salt"]
    register = commands.folder.organisation("City")
    assert any(bytes.fromhex(salt) in path.read_bytes() for path in register.glob("register.db*"))
    commands.ok("erase", one, "--yes")
    for path in register.glob("register.db*"):
        assert bytes.fromhex(salt) not in path.read_bytes()
        assert one.encode() not in path.read_bytes()
    assert commands("receipt", "export", one).status == 8
    assert commands.ok("verify", document.name)[0]["verdict"] == "genuine"  # the holder's own stays checkable
    assert batch.verdict(two) == "genuine"
    run = commands.ok("anchor", batch.path.name)[0]
    assert run["already"] is True
    lines = commands("receipt", "export", "--run", run["run"]).output.splitlines()
    assert len(lines) == 6


def test_a_receipt_of_one_batch_never_passes_for_another(commands: Commands, batch: Given) -> None:
    other = given(commands, 7, "other.csv")
    commands.ok("anchor", other.path.name)
    document = batch.receipt(batch.references[2])
    mine = commands.home / f"{document.name}.receipt.json"
    theirs = json.loads((commands.home / f"{other.receipt(other.references[2]).name}.receipt.json").read_text())
    for name in ("batch", "attestation", "transactionId", "salt", "statement"):
        forged = {**json.loads(mine.read_text()), name: theirs[name]}
        (commands.home / "forged").write_text(json.dumps(forged, separators=(",", ":"), sort_keys=True))
        result = commands("verify", document.name, "--receipt", "forged", "--json")
        assert result.records[0]["verdict"] == "altered", name
