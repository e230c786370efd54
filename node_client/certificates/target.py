"""What a change of status is about: a certificate with a record of its own, or a member of a batch."""

from dataclasses import dataclass

from node_client.certificates import canonical
from node_client.certificates.canonical import Fields
from node_client.certificates.errors import FormatError
from node_client.certificates.receipt import Inclusion, Receipt


@dataclass(frozen=True)
class Target:
    """A certificate on the ledger.

    Attributes:
        certificate_id: its id.
        inclusion: its place in its batch; None for one with a record of its own.
        leaf: its leaf's hash, in hex; empty for one with a record of its own.
    """

    certificate_id: str
    inclusion: Inclusion | None = None
    leaf: str = ""

    @classmethod
    def of_receipt(cls, receipt: Receipt) -> "Target":
        """The certificate of a receipt."""
        if receipt.inclusion is None:
            return cls(receipt.certificate_id)
        return cls(receipt.certificate_id, receipt.inclusion, receipt.leaf.hex())

    def to_text(self) -> str:
        """Itself as text: the id alone, or JSON."""
        if self.inclusion is None:
            return self.certificate_id
        values = {"certificateId": self.certificate_id, "leaf": self.leaf, "batch": self.inclusion.to_values()}
        return canonical.encode(values).decode()

    @classmethod
    def from_text(cls, text: str) -> "Target":
        """What `to_text` gave. Raises FormatError."""
        if not text.startswith("{"):
            return cls(text)
        fields = Fields.read(text.encode(), FormatError, "certificate")
        found = cls(fields.text("certificateId"), Inclusion.from_fields(fields.fields("batch")), fields.text("leaf"))
        fields.end()
        return found
