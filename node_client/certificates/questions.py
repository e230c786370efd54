"""The reads that are attested, and what their answers say."""

import json
from dataclasses import dataclass

from chaincode.ledger.composite_key import composite_range
from chaincode.registry.model import keys
from chaincode.registry.model.records import BatchRecord, CertificateRecord, RecordError, StatusRecord
from node_client.certificates.attestation import Answer, Question
from node_client.certificates.errors import AttestationError, Reason


def certificate_question(certificate_id: str) -> Question:
    """The read of a certificate's record."""
    return Question("ReadCertificate", (certificate_id,), (keys.certificate_key(certificate_id),))


def certificate_answer(answer: Answer, certificate_id: str) -> CertificateRecord:
    """The record that was attested. Raises AttestationError when the answer is not that certificate's record."""
    _require_read(answer, keys.certificate_key(certificate_id))
    try:
        record = CertificateRecord.from_bytes(answer.result)
    except (RecordError, RecursionError) as error:
        raise _not_a_record(error) from error
    if record.certificate_id != certificate_id:
        raise AttestationError(Reason.SUBJECT, "it attests another certificate")
    return record


def batch_question(batch_id: str) -> Question:
    """The read of a batch's record."""
    return Question("ReadBatch", (batch_id,), (keys.batch_key(batch_id),))


def batch_answer(answer: Answer, batch_id: str) -> BatchRecord:
    """The record that was attested. Raises AttestationError when the answer is not that batch's record."""
    _require_read(answer, keys.batch_key(batch_id))
    try:
        record = BatchRecord.from_bytes(answer.result)
    except (RecordError, RecursionError) as error:
        raise _not_a_record(error) from error
    return _same_batch(record, batch_id)


def member_question(batch_id: str, leaf: str) -> Question:
    """The read of a batch's record and of the status of a member, named by its leaf's hash in hex."""
    return Question("ReadMember", (batch_id, leaf), (keys.batch_key(batch_id), keys.status_key(batch_id, leaf)))


def member_answer(answer: Answer, batch_id: str, leaf: str) -> tuple[BatchRecord, StatusRecord | None]:
    """The records that were attested; a member whose status never changed has none.

    That the leaf is in the batch is not shown by this.

    Raises:
        AttestationError: the answer is not that batch's and member's.
    """
    _require_read(answer, keys.batch_key(batch_id))
    try:
        batch, status = read_member(answer.result)
    except (RecordError, RecursionError) as error:
        raise _not_a_record(error) from error
    if (status is None) != (answer.versions.get(keys.status_key(batch_id, leaf)) is None):
        raise AttestationError(Reason.SUBJECT, "the status was not read from the ledger")
    if status is not None and (status.batch_id, status.leaf) != (batch_id, leaf):
        raise AttestationError(Reason.SUBJECT, "it attests another certificate")
    return _same_batch(batch, batch_id), status


def read_member(data: bytes) -> tuple[BatchRecord, StatusRecord | None]:
    """What `ReadMember` returns. Raises RecordError."""
    try:
        values = json.loads(data)
        batch, status = values.pop("batch"), values.pop("status")
    except (ValueError, KeyError, AttributeError) as error:
        raise RecordError("not a member") from error
    if values:
        raise RecordError("not a member")
    return BatchRecord.from_bytes(_encoded(batch)), StatusRecord.from_bytes(
        _encoded(status)
    ) if status is not None else None


@dataclass(frozen=True)
class BatchStatuses:
    """A batch, and the status of every member that has changed."""

    batch: BatchRecord
    statuses: tuple[StatusRecord, ...]


def status_list_question(batch_id: str) -> Question:
    """The read of a batch's record and of all its members' changes."""
    changes = composite_range(keys.STATUS, [batch_id])
    return Question("ReadStatusList", (batch_id,), (keys.batch_key(batch_id),), (changes,))


def status_list_answer(answer: Answer, batch_id: str) -> BatchStatuses:
    """What was attested. Raises AttestationError when the answer is not of that batch."""
    _require_read(answer, keys.batch_key(batch_id))
    try:
        values = json.loads(answer.result)
        batch = BatchRecord.from_bytes(_encoded(values.pop("batch")))
        statuses = tuple(StatusRecord.from_bytes(_encoded(one)) for one in values.pop("statuses"))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise AttestationError(Reason.FORM, f"the answer is not a status list: {error}") from error
    if values or batch.batch_id != batch_id or any(one.batch_id != batch_id for one in statuses):
        raise AttestationError(Reason.SUBJECT, "it attests another batch")
    if any(not 0 <= one.index < batch.size for one in statuses):
        raise AttestationError(Reason.FORM, "it has a status of something outside the batch")
    return BatchStatuses(batch, statuses)


def _require_read(answer: Answer, key: str) -> None:
    if answer.versions.get(key) is None:
        raise AttestationError(Reason.SUBJECT, "the record was not read from the ledger")


def _encoded(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _not_a_record(error: Exception) -> AttestationError:
    return AttestationError(Reason.FORM, f"the answer is not a record: {error}")


def _same_batch(record: BatchRecord, batch_id: str) -> BatchRecord:
    if record.batch_id != batch_id:
        raise AttestationError(Reason.SUBJECT, "it attests another batch")
    return record
