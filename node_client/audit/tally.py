"""What a ledger has: how many certificates and batches, by whom, and what has become of them."""

from dataclasses import asdict, dataclass, field
from typing import Any

from chaincode.registry.model.keys import BATCH, CERTIFICATE, STATUS
from chaincode.registry.model.records import BatchRecord, CertificateRecord, StatusRecord
from chaincode.registry.model.status import Status

Record = CertificateRecord | BatchRecord | StatusRecord
KINDS: dict[str, type[CertificateRecord] | type[BatchRecord] | type[StatusRecord]] = {
    CERTIFICATE: CertificateRecord,
    BATCH: BatchRecord,
    STATUS: StatusRecord,
}


@dataclass
class Issued:
    """What one organisation issued.

    Attributes:
        certificates: single ones.
        batches: of certificates.
        anchored: the certificates in these batches.
        revoked, suspended, superseded: of both kinds, as they are now.
    """

    certificates: int = 0
    batches: int = 0
    anchored: int = 0
    revoked: int = 0
    suspended: int = 0
    superseded: int = 0


@dataclass
class Tally:
    """Everything that has been counted.

    Attributes:
        transactions: without configurations.
        invalid: those of them that wrote nothing.
        issuers: what each organisation issued, by its MSP id.
    """

    blocks: int = 0
    transactions: int = 0
    invalid: int = 0
    issuers: dict[str, Issued] = field(default_factory=dict)

    def changed(self, old: Record | None, new: Record) -> None:
        """Count a record's new version."""
        issued = self.issuers.setdefault(new.issuer_msp, Issued())
        if isinstance(new, BatchRecord):
            issued.batches += 1
            issued.anchored += new.size
            return
        if isinstance(new, CertificateRecord) and old is None:
            issued.certificates += 1
        if old is not None and not isinstance(old, BatchRecord):
            _count(issued, old.status, -1)
        _count(issued, new.status, 1)

    def total(self) -> Issued:
        """What all organisations issued."""
        sums = Issued()
        for one in self.issuers.values():
            for name, value in asdict(one).items():
                setattr(sums, name, getattr(sums, name) + value)
        return sums

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> "Tally":
        """The tally of which `asdict` gave these values. Raises TypeError when there is none."""
        issuers = {msp: Issued(**one) for msp, one in values["issuers"].items()}
        return cls(**{**values, "issuers": issuers})


def _count(issued: Issued, status: Status, by: int) -> None:
    if status is not Status.ACTIVE:
        setattr(issued, status.value, getattr(issued, status.value) + by)
