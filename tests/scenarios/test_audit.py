"""The auditor's test: a ledger in which one thing was changed by hand is found, and what was changed is named."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from chaincode.registry.model.records import CertificateRecord
from chaincode.registry.model.status import Status
from network import control
from network.folder import Folder
from node_client.protocol.block import TRANSACTIONS_FILTER, Block, data_hash, parse_block
from tests.conftest import PROGRAM, Commands

SALT, LEAF = 48, 80  # where they are in a member's body
# Asks as often as ever whether a peer catches up, without the pauses: no time mends what was changed by hand.
HASTY = f"from node_client.audit import peers; peers.PAUSES = (0.0,) * len(peers.PAUSES); {PROGRAM}"


def test_a_network_that_nobody_touched_is_as_it_should_be(commands: Commands) -> None:
    for name in ("a", "b"):
        commands.ok("issue", commands.document(name).name, "--reference", f"{commands.home}/{name}")
    commands.ok("revoke", f"{commands.home}/a", "--reason", "unspecified")
    before = commands.ok("audit", "--checkpoint", "audit.db")[0]
    assert before["findings"] == []
    assert len(before["peers"]) == 3
    assert before["certificates"] >= 2
    assert before["revoked"] >= 1
    assert set(before["issuers"]) == {"CityMSP"}

    commands.ok("issue", commands.document("c").name)
    after = commands.ok("audit", "--checkpoint", "audit.db", "--profile", "trivalley-auditor")[0]
    assert after["firstBlock"] == before["height"]
    assert after["certificates"] >= before["certificates"] + 1


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """A network that has been stopped, with two certificates and a batch on its ledger."""
    place = tmp_path_factory.mktemp("audited")
    folder = Folder.at(place / "net")
    control.up(folder, ports="auto")
    try:
        commands = Commands(folder, place)
        for name in ("a", "b"):
            commands.ok("issue", commands.document(name).name)
        (place / "documents").mkdir()
        for number in range(3):
            (place / "documents" / f"{number}.txt").write_text(str(number))
        commands.ok("anchor", "documents")
    finally:
        control.down(folder)
    return folder


@pytest.fixture
def copy(stopped: Folder, tmp_path: Path) -> Iterator[Commands]:
    folder = Folder.at(tmp_path / "copy")
    shutil.copytree(stopped.path, folder.path)
    yield Commands(folder, tmp_path)
    control.down(folder)


def a_record(ledger: sqlite3.Connection) -> tuple[bytes, CertificateRecord]:
    key, value = ledger.execute("SELECT key, value FROM state WHERE namespace = 'registry' ORDER BY block").fetchone()
    return key, CertificateRecord.from_bytes(value)


def change_record(ledger: sqlite3.Connection) -> str:
    key, record = a_record(ledger)
    changed = record.with_status(Status.REVOKED).to_bytes()
    ledger.execute("UPDATE state SET value = ? WHERE namespace = 'registry' AND key = ?", (changed, key))
    return record.certificate_id


def remove_record(ledger: sqlite3.Connection) -> str:
    key, record = a_record(ledger)
    ledger.execute("DELETE FROM state WHERE namespace = 'registry' AND key = ?", (key,))
    return record.certificate_id


def change_block(ledger: sqlite3.Connection, change: Callable[[Block], Block]) -> str:
    """Change the block of a certificate."""
    _, record = a_record(ledger)
    (number,) = ledger.execute("SELECT block FROM transactions WHERE id = ?", (record.transaction_id,)).fetchone()
    (data,) = ledger.execute("SELECT data FROM blocks WHERE number = ?", (number,)).fetchone()
    changed = change(parse_block(data)).encode()
    ledger.execute("UPDATE blocks SET data = ? WHERE number = ?", (changed, number))
    return record.transaction_id


def change_code(ledger: sqlite3.Connection) -> str:
    def change(block: Block) -> Block:
        return block.with_metadata(TRANSACTIONS_FILTER, bytes([11] * len(block.envelopes)))

    return change_block(ledger, change)


def change_endorsement(ledger: sqlite3.Connection) -> str:
    def change(block: Block) -> Block:
        # The end of an envelope's payload is the last endorsement's signature, and the creator's comes after it.
        last = block.envelopes[-1]
        place = len(last) - 80
        envelopes = (*block.envelopes[:-1], last[:place] + bytes([last[place] ^ 1]) + last[place + 1 :])
        return Block(block.number, block.previous_hash, data_hash(envelopes), envelopes, block.metadata)

    return change_block(ledger, change)


CHANGES = {
    "record": (change_record, {"record"}),
    "lost record": (remove_record, {"record"}),
    "code": (change_code, {"validation-code"}),
    "endorsement": (change_endorsement, {"validation-code", "orderers", "chain"}),
}


@pytest.mark.embedded
@pytest.mark.parametrize("kind", CHANGES)
def test_what_was_changed_by_hand_is_found_and_named(copy: Commands, kind: str) -> None:
    change, expected = CHANGES[kind]
    (path,) = copy.folder.path.glob("embedded/**/ledger.db")
    with closing(sqlite3.connect(path)) as ledger, ledger:
        named = change(ledger)
    control.up(copy.folder)
    result = replace(copy, program=HASTY)("audit", "--json")
    assert result.status == 3
    findings = result.records[0]["findings"]
    assert {one["what"] for one in findings} >= expected
    assert any(named in (one.get("record", "") + one.get("transactionId", "")) for one in findings)
    assert all("block" in one or "record" in one for one in findings)


@pytest.mark.embedded
def test_a_register_with_other_content_is_found_and_named(copy: Commands) -> None:
    path = copy.folder.organisation("City") / "register.db"
    with closing(sqlite3.connect(path)) as register, register:
        register.execute("UPDATE certificates SET salt = ?", (os.urandom(32),))
        for line, place in ((1, SALT), (2, LEAF)):
            ((body,),) = register.execute("SELECT body FROM members WHERE line = ?", (line,))
            changed = body[:place] + os.urandom(32) + body[place + 32 :]
            register.execute("UPDATE members SET body = ? WHERE line = ?", (changed, line))
    control.up(copy.folder)
    result = copy("audit", "--json")
    assert result.status == 3
    findings = result.records[0]["findings"]
    assert {one["what"] for one in findings} == {"register"}
    # Two certificates, the batch, and two of its members.
    assert [one["record"].split()[0] for one in findings] == [
        "certificate",
        "certificate",
        "batch",
        "certificate",
        "certificate",
    ]
    assert copy("audit", "--json", "--no-register").status == 0


@pytest.mark.embedded
def test_what_the_ledger_alone_has_is_found_and_counted(copy: Commands) -> None:
    with closing(sqlite3.connect(copy.folder.organisation("City") / "register.db")) as register, register:
        ((batch,),) = register.execute("SELECT id FROM batches")
        for table in ("batches", "members", "by_id", "by_reference", "tiles", "runs"):
            register.execute(f"DELETE FROM {table}")
        register.execute("DELETE FROM certificates WHERE id = (SELECT min(id) FROM certificates)")
    control.up(copy.folder)
    result = copy("audit", "--json")
    assert result.status == 3
    (record,) = result.records
    (finding,) = record["findings"]
    assert (finding["what"], finding["record"]) == ("register", f"batch {batch}")
    assert record["notInRegister"] == 1
    assert "single certificates that are not in the register: 1" in copy("audit").output
