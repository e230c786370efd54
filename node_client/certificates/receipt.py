"""Receipts: what the holder of a document keeps to show that it was certified.

A receipt's file holds RFC 8785 canonical JSON and nothing else, not even a line's end. What does not encode to the
same bytes again is refused.
"""

import base64
import binascii
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from chaincode.registry.model import merkle
from chaincode.registry.model.commitment import SALT_SIZE
from chaincode.registry.model.ids import is_digest, is_id
from node_client.certificates import canonical
from node_client.certificates.canonical import Fields
from node_client.certificates.errors import ReceiptError
from node_client.certificates.statement import Statement

SCHEMA = "certledger/v1/receipt"


@dataclass(frozen=True)
class Inclusion:
    """A certificate's place in a batch, and the proof of it.

    Attributes:
        batch_id: 32 hex digits.
        index: the place, from 0.
        size: how many certificates the batch has.
        path: the inclusion proof of RFC 9162, from the leaf upwards.
    """

    batch_id: str
    index: int
    size: int
    path: tuple[bytes, ...]

    @property
    def proof(self) -> str:
        """The proof as the registry's functions take it."""
        return canonical.encode({"index": self.index, "path": [node.hex() for node in self.path]}).decode()

    def shows(self, leaf: bytes, root: bytes) -> bool:
        """Whether the leaf's hash stands at this place under the root."""
        return merkle.verify_inclusion(leaf, self.index, self.size, self.path, root)

    def to_values(self) -> dict[str, Any]:
        """The values that its JSON has."""
        path = [node.hex() for node in self.path]
        return {"batchId": self.batch_id, "index": self.index, "path": path, "size": self.size}

    @classmethod
    def from_fields(cls, fields: Fields) -> "Inclusion":
        """Read it from JSON. Raises FormatError."""
        path = fields.texts("path")
        if not all(map(is_digest, path)):
            raise fields.bad("path")
        nodes = tuple(map(bytes.fromhex, path))
        inclusion = cls(fields.text("batchId"), fields.number("index"), fields.number("size"), nodes)
        fields.end()
        if not is_id(inclusion.batch_id):
            raise fields.bad("batchId")
        return inclusion


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """A certificate's receipt.

    Attributes:
        statement: what the issuer asserted.
        salt: 32 bytes, with which statement and commitment belong together.
        transaction_id: of the transaction that wrote the certificate, or its batch.
        attestation: an endorsed read of the record of the certificate, or of its batch: `common.Payload`.
        inclusion: its place in its batch; None for a certificate with a record of its own.
    """

    statement: Statement
    salt: bytes
    transaction_id: str
    attestation: bytes
    inclusion: Inclusion | None = None

    @property
    def certificate_id(self) -> str:
        """The certificate's id."""
        return self.statement.certificate_id

    @cached_property
    def commitment(self) -> str:
        """What the ledger has of the statement, in hex."""
        return self.statement.commitment(self.salt)

    @cached_property
    def leaf(self) -> bytes:
        """Its leaf's hash in a batch."""
        return merkle.leaf_hash(merkle.certificate_leaf(self.certificate_id, self.commitment))

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
        if self.inclusion is not None:
            values["batch"] = self.inclusion.to_values()
        return canonical.encode(values)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Receipt":
        """Read a receipt.

        Raises:
            ReceiptError: the bytes are not exactly what `to_bytes` gives for a receipt.
        """
        fields = Fields.read(data, ReceiptError, "receipt", exact=False)
        fields.expect("schema", SCHEMA)
        named = fields.text("certificateId")
        batch = fields.optional_fields("batch")
        receipt = cls(
            statement=Statement.from_fields(fields.fields("statement")),
            salt=_hex(fields, "salt", SALT_SIZE),
            transaction_id=_hex(fields, "transactionId", 32).hex(),
            attestation=_base64(fields, "attestation"),
            inclusion=Inclusion.from_fields(batch) if batch else None,
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
