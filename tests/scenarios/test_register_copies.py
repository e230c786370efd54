"""Copies of the register, and receipts that are attested anew."""

import json
import stat

from network.folder import Folder
from tests.conftest import Commands
from tests.scenarios.batches import given


def test_a_register_is_backed_up_and_restored(own_network: Folder, commands: Commands) -> None:
    commands = Commands(own_network, commands.home)
    source = given(commands, 5)
    (batch,) = commands.ok("anchor", source.path.name)
    single = commands.document("single.pdf")
    commands.ok("issue", single.name)
    commands.ok("register", "backup", "copy.db")
    assert stat.S_IMODE((commands.home / "copy.db").stat().st_mode) == 0o600
    assert commands("register", "backup", "copy.db", "--json").records[0]["error"]["code"] == "bad-register"
    assert commands("register", "restore", "copy.db").status == 2  # there is one
    for path in own_network.organisation("City").glob("register.db*"):
        path.unlink()
    (commands.home / "no.db").write_bytes(b"nothing")
    assert commands("register", "restore", "no.db").status == 2
    assert not (own_network.organisation("City") / "register.db").exists()
    commands.ok("register", "restore", "copy.db")
    assert commands.ok("anchor", source.path.name) == [{**batch, "already": True}]
    assert source.verdict(source.references[-1]) == "genuine"
    assert commands.ok("issue", single.name)[0]["already"] is True
    assert [path.name for path in commands.home.glob(".*")] == []


def test_receipts_are_attested_anew(commands: Commands) -> None:
    source = given(commands, 3)
    (batch,) = commands.ok("anchor", source.path.name)
    one, other, _ = source.references
    place = commands.home / f"{source.receipt(one).name}.receipt.json"
    before = json.loads(place.read_bytes())
    (record,) = commands.ok("receipt", "refresh", one)
    assert (record["batchId"], record["size"]) == (batch["batchId"], 3)
    assert source.verdict(one) == "genuine"
    after = json.loads(place.read_bytes())
    assert after["attestation"] != before["attestation"]
    assert {**after, "attestation": ""} == {**before, "attestation": ""}
    assert source.verdict(other) == "genuine"
    single = commands.document("single.pdf")
    (issued,) = commands.ok("issue", single.name)
    assert commands.ok("receipt", "refresh", issued["certificateId"])[0]["status"] == "attested"
    (commands.home / "single.pdf.receipt.json").unlink()
    commands.ok("issue", single.name)
    assert commands.ok("verify", single.name)[0]["verdict"] == "genuine"
    assert commands("receipt", "refresh", "nobody").status == 8
    assert len(commands.ok("receipt", "refresh", "--run", batch["run"])) == 1
