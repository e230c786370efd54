"""The issuer's register beside the ledger: every difference is found, and named."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import cast

import pytest

from chaincode.ledger.state import StateReader, Version, VersionedValue
from chaincode.registry.model import keys
from chaincode.registry.model.records import BatchRecord, CertificateRecord
from node_client.anchoring.batches import Batches
from node_client.anchoring.members import Members
from node_client.anchoring.source import Entry
from node_client.audit.findings import Finding, What
from node_client.audit.register_check import check_register, not_in_register
from node_client.certificates.document import Document
from node_client.certificates.register import Register
from node_client.certificates.statement import Statement
from tests.unit.node_client.anchoring.registers import ISSUER, LEDGER, digest, reader

CHAINCODE, OTHER = "registry", "OtherMSP"
SINGLE, SALT = "5b" * 16, b"\x5a" * 32
TX, OTHER_TX = "11" * 32, "22" * 32
COUNT = 300


class Ledger(dict[str, bytes]):
    """The registry's state: records by their keys."""

    def put(self, record: BatchRecord | CertificateRecord) -> None:
        if isinstance(record, BatchRecord):
            self[keys.batch_key(record.batch_id)] = record.to_bytes()
        else:
            self[keys.certificate_key(record.certificate_id)] = record.to_bytes()

    def findings(self, register: Path) -> list[tuple[str, str]]:
        """What is found, each as the record and the detail."""
        with Register(register) as opened:
            found: list[Finding] = list(check_register(opened, ISSUER, CHAINCODE, _reader(self)))
        assert {one.what for one in found} <= {What.REGISTER}
        return [(one.record, one.detail) for one in found]


class _State:
    def __init__(self, values: Ledger) -> None:
        self._values = values

    def get(self, namespace: str, key: str) -> VersionedValue | None:
        value = self._values.get(key)
        return VersionedValue(value, Version(1, 0)) if value is not None else None

    def range(self, namespace: str, start: str, end: str) -> Iterator[tuple[str, VersionedValue]]:
        for key, value in sorted(self._values.items()):
            if start <= key < end:
                yield key, VersionedValue(value, Version(1, 0))


def _reader(values: Ledger) -> StateReader:
    return cast(StateReader, _State(values))


@pytest.fixture
async def register(tmp_path: Path) -> Path:
    """A register with a batch and a single certificate, which are on the ledger."""
    path = tmp_path / "register.db"
    entries = [Entry(sha256=digest(number), size=number + 1, reference=f"R{number}") for number in range(COUNT)]
    run, _ = await reader(path).entries(entries)
    statement = Statement(
        certificate_id=SINGLE,
        type="income",
        issuer=ISSUER,
        issue_date=date(2026, 11, 25),
        document=Document.of_bytes(b"document", "application/pdf"),
        ledger=LEDGER,
    )
    with Register(path) as opened:
        (batch,) = Batches(opened).of_run(run.run)
        await Batches(opened).committed(batch, TX)
        await opened.prepare(certificate_id=SINGLE, reference="S", statement=statement.to_bytes(), salt=SALT)
        await opened.committed(SINGLE, TX)
    return path


@pytest.fixture
def batch(register: Path) -> BatchRecord:
    with Register(register) as opened:
        (one,) = Batches(opened).all()
    return BatchRecord(one.batch_id, one.root.hex(), one.size, ISSUER, "t", TX)


@pytest.fixture
def single(register: Path) -> CertificateRecord:
    with Register(register) as opened:
        row = opened.find(SINGLE)
    assert row is not None
    return CertificateRecord(SINGLE, Statement.from_bytes(row.statement).commitment(row.salt), ISSUER, "t", TX)


@pytest.fixture
def ledger(batch: BatchRecord, single: CertificateRecord) -> Ledger:
    made = Ledger()
    made.put(batch)
    made.put(single)
    return made


def change(register: Path, query: str) -> None:
    with closing(sqlite3.connect(register)) as db, db:
        assert db.execute(query).rowcount > 0


def test_where_both_agree_nothing_is_found(register: Path, ledger: Ledger) -> None:
    assert ledger.findings(register) == []


def test_what_the_ledger_does_not_have(register: Path) -> None:
    found = Ledger().findings(register)
    assert [record.split()[0] for record, _ in found] == ["certificate", "batch"]
    assert {detail.partition(", ")[2] for _, detail in found} == {"and the ledger does not have it"}
    change(register, "UPDATE batches SET state = 'endorsed'")  # nobody says that it was written
    change(register, "UPDATE certificates SET state = 'prepared'")
    assert Ledger().findings(register) == []


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"root": "00" * 32}, "the register's certificates are not the ones that were anchored"),
        ({"size": COUNT + 1}, "the register's certificates are not the ones that were anchored"),
        ({"transaction_id": OTHER_TX}, "the register names another transaction than the ledger"),
    ],
)
def test_a_batch_that_the_ledger_has_otherwise(
    register: Path, ledger: Ledger, batch: BatchRecord, changes: dict[str, object], detail: str
) -> None:
    ledger.put(replace(batch, **changes))  # type: ignore[arg-type]
    assert ledger.findings(register) == [(f"batch {batch.batch_id}", detail)]


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"commitment": "00" * 32}, "the register's statement is not the one that was issued"),
        ({"issuer_msp": OTHER}, f"the register names another issuer than the ledger, {OTHER}"),
        ({"transaction_id": OTHER_TX}, "the register names another transaction than the ledger"),
    ],
)
def test_a_certificate_that_the_ledger_has_otherwise(
    register: Path, ledger: Ledger, single: CertificateRecord, changes: dict[str, object], detail: str
) -> None:
    ledger.put(replace(single, **changes))  # type: ignore[arg-type]
    assert ledger.findings(register) == [(f"certificate {SINGLE}", detail)]


def test_records_that_are_none(register: Path, ledger: Ledger, batch: BatchRecord) -> None:
    for key in ledger:
        ledger[key] = b"nothing"
    assert [detail.partition(":")[0] for _, detail in ledger.findings(register)] == ["it cannot be read"] * 2


def test_a_batch_of_which_the_register_lacks_certificates(register: Path, ledger: Ledger, batch: BatchRecord) -> None:
    change(register, "DELETE FROM members WHERE line = 7")
    ((record, detail),) = ledger.findings(register)
    assert record == f"batch {batch.batch_id}"
    assert "lacks certificates" in detail


def test_a_members_statement_that_is_another(register: Path, ledger: Ledger) -> None:
    change(register, "UPDATE members SET size = size + 1 WHERE line = 7")
    with Register(register) as opened:
        member = Members(opened).find("R6")
    assert member is not None
    text = "the register's statement is not the one that was issued"
    assert ledger.findings(register) == [(f"certificate {member.certificate_id}", text)]


def test_what_was_erased_is_no_difference(register: Path, ledger: Ledger) -> None:
    with Register(register) as opened:
        member = Members(opened).find("R6")
        assert member is not None
        Members(opened).erase(member)
        opened.erase(SINGLE)
        assert not_in_register(opened, ISSUER, CHAINCODE, _reader(ledger)) == 1
        assert not_in_register(opened, OTHER, CHAINCODE, _reader(ledger)) == 0
    assert ledger.findings(register) == []


def test_a_batch_that_was_made_without_the_register(register: Path, ledger: Ledger, batch: BatchRecord) -> None:
    ledger.put(replace(batch, batch_id="ab" * 16, issuer_msp=OTHER))  # another organisation's own
    assert ledger.findings(register) == []
    ledger.put(replace(batch, batch_id="cd" * 16))
    assert ledger.findings(register) == [(f"batch {'cd' * 16}", "the ledger has it, and the register does not")]
