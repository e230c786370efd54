"""Statements: what the issuer asserts of a certificate. They travel with it and are never on the ledger."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from chaincode.registry.model.commitment import commitment
from chaincode.registry.model.ids import is_digest, is_id
from node_client.certificates import canonical
from node_client.certificates.canonical import Fields
from node_client.certificates.certificate_type import is_type
from node_client.certificates.document import Document, is_media_type
from node_client.certificates.errors import FormatError, StatementError

SCHEMA = "certledger/v1/statement"


@dataclass(frozen=True)
class Ledger:
    """The ledger that a certificate is bound to.

    Attributes:
        first_block: the ledger's id: SHA-256 of the channel's first block header, in hex.
        channel: the channel's name.
        chaincode: the registry's name.
    """

    first_block: str
    channel: str
    chaincode: str

    def to_values(self) -> dict[str, str]:
        """The values that its JSON has."""
        return {"chaincode": self.chaincode, "channel": self.channel, "firstBlock": self.first_block}

    @classmethod
    def from_fields(cls, fields: Fields) -> "Ledger":
        """Read it from JSON. Raises FormatError."""
        ledger = cls(fields.text("firstBlock"), fields.text("channel"), fields.text("chaincode"))
        fields.end()
        if not is_digest(ledger.first_block):
            raise fields.bad("firstBlock")
        return ledger


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What the issuer asserts.

    Attributes:
        certificate_id: 32 hex digits, random.
        type: what is certified, such as income.
        issuer: the issuing organisation's MSP id.
        issue_date: the day of issue in the issuer's calendar.
        document: digest, size and media type of the document.
        valid_until: the last day on which the certificate is good, if the issuer set one.
        ledger: the ledger that it is bound to.
    """

    certificate_id: str
    type: str
    issuer: str
    issue_date: date
    document: Document
    ledger: Ledger
    valid_until: date | None = None

    def to_values(self) -> dict[str, Any]:
        """The values that its JSON has."""
        values = {
            "schema": SCHEMA,
            "certificateId": self.certificate_id,
            "type": self.type,
            "issuer": self.issuer,
            "issueDate": self.issue_date.isoformat(),
            "mediaType": self.document.media_type,
            "sha256": self.document.sha256,
            "size": self.document.size,
            "ledger": self.ledger.to_values(),
        }
        if self.valid_until is not None:
            values["validUntil"] = self.valid_until.isoformat()
        return values

    def to_bytes(self) -> bytes:
        """Its one encoding: RFC 8785 canonical JSON."""
        return canonical.encode(self.to_values())

    def commitment(self, salt: bytes) -> str:
        """What the ledger gets of it, in hex."""
        return commitment(salt, self.to_bytes())

    @classmethod
    def from_bytes(cls, data: bytes) -> "Statement":
        """Read a statement.

        Raises:
            StatementError: the bytes are not exactly what `to_bytes` gives for a statement.
        """
        return cls.from_fields(Fields.read(data, StatementError, "statement"))

    @classmethod
    def from_fields(cls, fields: Fields) -> "Statement":
        """Read it from JSON. Raises FormatError."""
        fields.expect("schema", SCHEMA)
        valid_until = fields.optional_text("validUntil")
        statement = cls(
            certificate_id=fields.text("certificateId"),
            type=fields.text("type"),
            issuer=fields.text("issuer"),
            issue_date=_date(fields, "issueDate", fields.text("issueDate")),
            document=Document(fields.text("sha256"), fields.number("size"), fields.text("mediaType")),
            ledger=Ledger.from_fields(fields.fields("ledger")),
            valid_until=_date(fields, "validUntil", valid_until) if valid_until else None,
        )
        fields.end()
        statement._check(fields)
        return statement

    def _check(self, fields: Fields) -> None:
        if not is_id(self.certificate_id):
            raise fields.bad("certificateId")
        if not is_type(self.type):
            raise fields.bad("type")
        if not is_digest(self.document.sha256):
            raise fields.bad("sha256")
        if not is_media_type(self.document.media_type):
            raise fields.bad("mediaType")


def _date(fields: Fields, name: str, text: str) -> date:
    error: FormatError = fields.bad(name)
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise error from None
    if found.isoformat() != text:  # Python reads other forms of ISO 8601 too
        raise error
    return found
