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
        raise AttestationError(Reason.FORM, f"the answer is not a record: {error}") from error
    if record.certificate_id != certificate_id:
        raise AttestationError(Reason.SUBJECT, "it attests another certificate")
    return record


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
