"""What has become of a batch's members, or of one certificate: the read that tells it, and what its answer says."""

from dataclasses import dataclass

from chaincode.registry.model.records import BatchRecord, CertificateRecord
from chaincode.registry.model.status import Reason, Status
from node_client.certificates import status_bits
from node_client.certificates.attestation import Answer, Question
from node_client.certificates.questions import (
    certificate_answer,
    certificate_question,
    status_list_answer,
    status_list_question,
)

BATCH, CERTIFICATE = "batch", "certificate"


@dataclass(frozen=True)
class Subject:
    """What a list is of: a batch, or a certificate that is in none.

    Attributes:
        kind: `batch` or `certificate`.
        id: its id, 32 hex digits.
    """

    kind: str
    id: str

    @property
    def question(self) -> Question:
        """The read that is attested."""
        return status_list_question(self.id) if self.kind == BATCH else certificate_question(self.id)

    @property
    def urn(self) -> str:
        """Its name in the list."""
        return f"urn:certledger:{self.kind}:{self.id}"


@dataclass(frozen=True)
class Statuses:
    """What the organisations attested.

    Attributes:
        record: the batch's or the certificate's record.
        changed: the members that are no longer active, by their leaf hash, or by the certificate's id.
        places: the status at each place that has changed.
    """

    record: BatchRecord | CertificateRecord
    changed: dict[str, tuple[Status, Reason | None]]
    places: dict[int, Status]

    @property
    def bits(self) -> bytes:
        """The list's bits."""
        size = self.record.size if isinstance(self.record, BatchRecord) else 1
        return status_bits.bits_of(size, self.places.items())


def statuses_of(answer: Answer, subject: Subject) -> Statuses:
    """What an attested answer says. Raises AttestationError."""
    if subject.kind == BATCH:
        found = status_list_answer(answer, subject.id)
        changed = [one for one in found.statuses if one.status is not Status.ACTIVE]
        return Statuses(
            found.batch,
            {one.leaf: (one.status, one.reason) for one in changed},
            {one.index: one.status for one in changed},
        )
    record = certificate_answer(answer, subject.id)
    if record.status is Status.ACTIVE:
        return Statuses(record, {}, {})
    return Statuses(record, {subject.id: (record.status, record.reason)}, {0: record.status})
