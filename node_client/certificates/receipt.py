"""Receipts: what the holder of a document keeps to show that it was certified.

A receipt's file holds RFC 8785 canonical JSON and nothing else, not even a line's end. What does not encode to the
same bytes again is refused.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from chaincode.registry.model.commitment import SALT_SIZE
from node_client.certificates import canonical
from node_client.certificates.canonical import Fields
from node_client.certificates.errors import ReceiptError
from node_client.certificates.statement import Statement

SCHEMA = "certledger/v1/receipt"


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """A certificate's receipt.

    Attributes:
        statement: what the issuer asserted.
        salt: 32 bytes, with which statement and commitment belong together.
        transaction_id: of the transaction that wrote the certificate.
        attestation: an endorsed read of the certificate's record: `common.Payload`.
    """

    statement: Statement
    salt: bytes
    transaction_id: str
    attestation: bytes

    @property
    def certificate_id(self) -> str:
        """The certificate's id."""
        return self.statement.certificate_id

    @property
    def commitment(self) -> str:
        """What the ledger has of the statement, in hex."""
        return self.statement.commitment(self.salt)

    def to_bytes(self) -> bytes:
        """Its one encoding."""
        values: dict[str, Any] = {
            "schema": SCHEMA,
            "certificateId": self.certificate_id,
            "statement": self.statement.to_values(),
            "salt": self.salt.hex(),
            "transactionId": self.transaction_id,
            "attestation": base64.b64encode(self.attestation).decode(),
        }
        return canonical.encode(values)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Receipt":
        """Read a receipt.

        Raises:
            ReceiptError: the bytes are not exactly what `to_bytes` gives for a receipt.
        """
        fields = Fields.read(data, ReceiptError, "receipt")
        fields.expect("schema", SCHEMA)
        named = fields.text("certificateId")
        receipt = cls(
            statement=Statement.from_fields(fields.fields("statement")),
            salt=_hex(fields, "salt", SALT_SIZE),
            transaction_id=_hex(fields, "transactionId", 32).hex(),
            attestation=_base64(fields, "attestation"),
        )
        fields.end()
        if named != receipt.certificate_id:
            raise fields.bad("certificateId")
        if receipt.to_bytes() != data:
            raise ReceiptError("receipt: not in the one form that it has")
        return receipt


def _hex(fields: Fields, name: str, size: int) -> bytes:
    try:
        found = bytes.fromhex(fields.text(name))
    except ValueError:
        raise fields.bad(name) from None
    if len(found) != size:
        raise fields.bad(name)
    return found


def _base64(fields: Fields, name: str) -> bytes:
    try:
        return base64.b64decode(fields.text(name), validate=True)
    except binascii.Error:
        raise fields.bad(name) from None
