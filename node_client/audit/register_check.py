"""The issuer's register beside the ledger."""

from collections.abc import Iterator
from contextlib import suppress
from typing import TypeVar

from chaincode.ledger.composite_key import composite_range
from chaincode.ledger.state import StateReader
from chaincode.registry.model import keys, merkle
from chaincode.registry.model.commitment import commitment
from chaincode.registry.model.records import BatchRecord, CertificateRecord, RecordError
from node_client.anchoring.batches import Batch
from node_client.anchoring.members import Member, Members
from node_client.audit.findings import Finding, What
from node_client.certificates.errors import RegisterError, StatementError
from node_client.certificates.register import ATTESTED, COMMITTED, Register, Row
from node_client.certificates.statement import Statement

R = TypeVar("R", BatchRecord, CertificateRecord)


def check_register(register: Register, issuer: str, chaincode: str, state: StateReader) -> Iterator[Finding]:
    """Where the register and the ledger do not agree.

    What the register says was issued must be on the ledger, and be what the register has; every batch that its
    organisation anchored must be in the register. A single certificate that was erased from the register is on the
    ledger alone, and that is right: see `not_in_register`.

    Args:
        issuer: the MSP id of the register's organisation.

    Raises:
        RegisterError: the register cannot be read.
    """
    for row in register.rows():
        detail = _difference(row, chaincode, state)
        if detail:
            yield Finding(what=What.REGISTER, detail=detail, record=f"certificate {row.certificate_id}")
    members = Members(register)
    known: set[str] = set()
    for batch in members.batches.all():
        known.add(batch.batch_id)
        detail = _batch_difference(members, batch, chaincode, state)
        if detail:
            yield Finding(what=What.REGISTER, detail=detail, record=f"batch {batch.batch_id}")
        for member in members.of_batch(batch):
            if _leaf(member) != member.leaf:
                detail = "the register's statement is not the one that was issued"
                yield Finding(what=What.REGISTER, detail=detail, record=f"certificate {member.certificate_id}")
    for record in _records(BatchRecord, keys.BATCH, chaincode, state):
        # Erasing leaves a batch where it is: one that the register never had was made without it.
        if record.issuer_msp == issuer and record.batch_id not in known:
            detail = "the ledger has it, and the register does not"
            yield Finding(what=What.REGISTER, detail=detail, record=f"batch {record.batch_id}")


def not_in_register(register: Register, issuer: str, chaincode: str, state: StateReader) -> int:
    """How many single certificates of the register's organisation are on the ledger alone: erased, or lost."""
    records = _records(CertificateRecord, keys.CERTIFICATE, chaincode, state)
    return sum(one.issuer_msp == issuer and register.find(one.certificate_id) is None for one in records)


def _records(kind: type[R], name: str, chaincode: str, state: StateReader) -> Iterator[R]:
    for _, value in state.range(chaincode, *composite_range(name, [])):
        with suppress(RecordError):  # what is no record has been found by the registry's rules
            yield kind.from_bytes(value.value)


def _batch_difference(members: Members, batch: Batch, chaincode: str, state: StateReader) -> str:
    issued = batch.state in (COMMITTED, ATTESTED)
    found = state.get(chaincode, keys.batch_key(batch.batch_id))
    if found is None:
        return "the register has it as anchored, and the ledger does not have it" if issued else ""
    try:
        record = BatchRecord.from_bytes(found.value)
        root = members.root(batch)
    except (RecordError, RegisterError) as error:
        return f"it cannot be read: {error}"
    if (record.root, record.size) != (root.hex(), batch.size):
        return "the register's certificates are not the ones that were anchored"
    if issued and record.transaction_id != batch.transaction_id:
        return "the register names another transaction than the ledger"
    return ""


def _leaf(member: Member) -> bytes:
    certificate_id = member.certificate_id
    return merkle.leaf_hash(merkle.certificate_leaf(certificate_id, commitment(member.salt, member.statement)))


def _difference(row: Row, chaincode: str, state: StateReader) -> str:
    found = state.get(chaincode, keys.certificate_key(row.certificate_id))
    if found is None:
        return "the register has it as issued, and the ledger does not have it" if _is_issued(row) else ""
    try:
        statement = Statement.from_bytes(row.statement)
        record = CertificateRecord.from_bytes(found.value)
    except (StatementError, RecordError) as error:
        return f"it cannot be read: {error}"
    if statement.certificate_id != row.certificate_id or statement.commitment(row.salt) != record.commitment:
        return "the register's statement is not the one that was issued"
    if statement.issuer != record.issuer_msp:
        return f"the register names another issuer than the ledger, {record.issuer_msp}"
    if _is_issued(row) and row.transaction_id != record.transaction_id:
        return "the register names another transaction than the ledger"
    return ""


def _is_issued(row: Row) -> bool:
    return row.state in (COMMITTED, ATTESTED)
