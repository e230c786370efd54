"""What the ledger has to say for a receipt to hold: asked for, and compared, for certificates of both kinds."""

from dataclasses import dataclass

from chaincode.registry.model.records import BatchRecord, CertificateRecord, StatusRecord
from chaincode.registry.model.status import Reason, Status
from node_client.certificates import attestation
from node_client.certificates.attestation import Answer, Question
from node_client.certificates.questions import (
    batch_answer,
    batch_question,
    certificate_answer,
    certificate_question,
    member_answer,
    member_question,
)
from node_client.certificates.receipt import Receipt
from node_client.certificates.trust import Trust


@dataclass(frozen=True)
class Standing:
    """What the ledger says of a receipt's certificate.

    Attributes:
        holds: whether the record is of the receipt's statement and salt; for a member of a batch, whether the batch
            has it.
        issuer_msp: who issued it.
        status: what it is worth; None where that is not told.
        reason: why it is not active.
        record: the certificate's record, or its batch's.
        change: the record of a member's status, if that ever changed.
    """

    holds: bool
    issuer_msp: str
    status: Status | None
    reason: Reason | None
    record: CertificateRecord | BatchRecord
    change: StatusRecord | None = None

    @property
    def final(self) -> bool:
        """Whether no other status can follow."""
        return self.status is not None and self.status.final


def standing_question(receipt: Receipt) -> Question:
    """What tells a receipt's standing."""
    inclusion = receipt.inclusion
    if inclusion is None:
        return certificate_question(receipt.certificate_id)
    return member_question(inclusion.batch_id, receipt.leaf.hex())


def standing(receipt: Receipt, answer: Answer) -> Standing:
    """What the answer to `standing_question` says. Raises AttestationError when it is no answer to that."""
    if receipt.inclusion is None:
        record = certificate_answer(answer, receipt.certificate_id)
        holds = record.commitment == receipt.commitment
        return Standing(holds, record.issuer_msp, record.status, record.reason, record)
    batch, change = member_answer(answer, receipt.inclusion.batch_id, receipt.leaf.hex())
    status, reason = (change.status, change.reason) if change else (Status.ACTIVE, None)
    return Standing(_has(batch, receipt), batch.issuer_msp, status, reason, batch, change)


def attested_standing(receipt: Receipt, trust: Trust) -> Standing:
    """What a receipt's own attestation says: of a batch's member mostly its batch's record, which tells no status.

    Raises:
        AttestationError: it proves nothing, or something else.
    """
    data = receipt.attestation
    if receipt.inclusion is None or attestation.asked_function(data) == standing_question(receipt).function:
        return standing(receipt, attestation.verify(data, standing_question(receipt), trust))
    batch_id = receipt.inclusion.batch_id
    batch = batch_answer(attestation.verify(data, batch_question(batch_id), trust), batch_id)
    return Standing(_has(batch, receipt), batch.issuer_msp, None, None, batch)


def _has(batch: BatchRecord, receipt: Receipt) -> bool:
    inclusion = receipt.inclusion
    if inclusion is None or inclusion.size != batch.size:
        return False
    return inclusion.shows(receipt.leaf, bytes.fromhex(batch.root))
