"""The issuer's register beside the ledger."""

from collections.abc import Iterable, Iterator

from chaincode.ledger.state import StateReader
from chaincode.registry.model import keys
from chaincode.registry.model.records import CertificateRecord, RecordError
from node_client.audit.findings import Finding, What
from node_client.certificates.errors import StatementError
from node_client.certificates.register import ATTESTED, COMMITTED, Row
from node_client.certificates.statement import Statement


def check_register(rows: Iterable[Row], chaincode: str, state: StateReader) -> Iterator[Finding]:
    """Where the register and the ledger do not agree.

    What was erased from the register is on the ledger alone, and that is right; what the register says was issued
    must be on the ledger, and be what the register has.
    """
    for row in rows:
        detail = _difference(row, chaincode, state)
        if detail:
            yield Finding(what=What.REGISTER, detail=detail, record=f"certificate {row.certificate_id}")


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
