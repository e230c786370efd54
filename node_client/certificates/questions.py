"""The read that is attested, and what its answer says."""

from chaincode.registry.model import keys
from chaincode.registry.model.records import CertificateRecord, RecordError
from node_client.certificates.attestation import Answer, Question
from node_client.certificates.errors import AttestationError, Reason


def certificate_question(certificate_id: str) -> Question:
    """The read of a certificate's record."""
    return Question("ReadCertificate", (certificate_id,), (keys.certificate_key(certificate_id),))


def certificate_answer(answer: Answer, certificate_id: str) -> CertificateRecord:
    """The record that was attested. Raises AttestationError when the answer is not that certificate's record."""
    if answer.versions.get(keys.certificate_key(certificate_id)) is None:
        raise AttestationError(Reason.SUBJECT, "the record was not read from the ledger")
    try:
        record = CertificateRecord.from_bytes(answer.result)
    except (RecordError, RecursionError) as error:
        raise AttestationError(Reason.FORM, f"the answer is not a record: {error}") from error
    if record.certificate_id != certificate_id:
        raise AttestationError(Reason.SUBJECT, "it attests another certificate")
    return record
