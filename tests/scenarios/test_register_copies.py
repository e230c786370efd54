"""Copies of the register, and receipts that are attested anew."""

import json
import stat

from network import control
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


def test_a_run_waits_for_a_network_that_is_lost(own_network: Folder, commands: Commands) -> None:
    commands = Commands(own_network, commands.home)
    source = given(commands, 20)
    control.down(own_network)
    refused = commands("anchor", source.path.name, "--json")
    assert (refused.status, refused.records[0]["error"]["code"]) == (10, "unreachable")
    (run,) = commands.ok("anchor", "status")
    assert (run["state"], run["certificates"], run["anchored"]) == ("sending", 20, 0)
    assert commands("receipt", "export", source.references[0], "--json").status == 2  # not on the ledger yet
    control.up(own_network)
    (batch,) = commands.ok("anchor", source.path.name)
    assert batch["size"] == 20
    assert [one["run"] for one in commands.ok("anchor", "status")] == [run["run"]]
    assert source.verdict(source.references[-1]) == "genuine"
