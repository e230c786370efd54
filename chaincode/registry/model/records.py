"""Records as the ledger keeps them: JSON with sorted keys and no spaces, the same bytes from every endorser."""

import json
from dataclasses import dataclass, fields, replace
from typing import ClassVar, Self

from chaincode.registry.model.status import Reason, Status


class RecordError(ValueError):
    """The bytes are not a record of this kind."""


_ENCODER = json.JSONEncoder(separators=(",", ":"), sort_keys=True)
_NAMES: "dict[type[_Record], tuple[tuple[str, str], ...]]" = {}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _names(kind: "type[_Record]") -> tuple[tuple[str, str], ...]:
    """The names of the fields of a kind of record, here and in JSON."""
    if kind not in _NAMES:
        _NAMES[kind] = tuple((field.name, _camel(field.name)) for field in fields(kind))
    return _NAMES[kind]


@dataclass(frozen=True)
class _Record:
    SCHEMA: ClassVar[str]

    def to_dict(self) -> dict[str, object]:
        """The record as JSON values, with its schema; fields that are None are left out."""
        values: dict[str, object] = {"schema": self.SCHEMA}
        for name, written in _names(type(self)):
            value = getattr(self, name)
            if value is not None:
                values[written] = value
        return values

    def to_bytes(self) -> bytes:
        """The record as the ledger keeps it."""
        return _ENCODER.encode(self.to_dict()).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a record.

        Raises:
            RecordError: the bytes are not exactly what `to_bytes` gives for such a record.
        """
        try:
            values = json.loads(data)
            if values.pop("schema") != cls.SCHEMA:
                raise RecordError(f"not a record of schema {cls.SCHEMA}")
            record = cls._from_values({name: values.pop(written, None) for name, written in _names(cls)})
            if values or record.to_bytes() != data:
                raise RecordError("not in the form in which records are kept")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RecordError("not a registry record") from error
        return record

    @classmethod
    def _from_values(cls, values: dict[str, object]) -> Self:
        optional = {"status", "reason", "size", "index", "supersedes", "superseded_by"}
        for name, value in values.items():
            if name not in optional and not isinstance(value, str):
                raise RecordError(f"{name} is missing")
        if "status" in values:
            values["status"] = Status(str(values["status"]))
        if values.get("reason") is not None:
            values["reason"] = Reason(str(values["reason"]))
        return cls(**values)


@dataclass(frozen=True)
class CertificateRecord(_Record):
    """A certificate on the ledger. Times are the issuer's assertion, RFC 3339 in UTC."""

    SCHEMA: ClassVar[str] = "certledger/v1/certificate"

    certificate_id: str
    commitment: str
    issuer_msp: str
    issued_at: str
    transaction_id: str
    status: Status = Status.ACTIVE
    reason: Reason | None = None
    supersedes: str | None = None
    superseded_by: str | None = None

    def same_issue(self, other: "CertificateRecord") -> bool:
        """Whether both are the same certificate, time and transaction aside."""
        return (self.certificate_id, self.commitment, self.issuer_msp, self.supersedes) == (
            other.certificate_id,
            other.commitment,
            other.issuer_msp,
            other.supersedes,
        )

    def with_status(
        self, status: Status, reason: Reason | None = None, superseded_by: str | None = None
    ) -> "CertificateRecord":
        """The record with another status."""
        return replace(self, status=status, reason=reason, superseded_by=superseded_by)


@dataclass(frozen=True)
class BatchRecord(_Record):
    """A batch on the ledger: the root of the Merkle tree over its leaves."""

    SCHEMA: ClassVar[str] = "certledger/v1/batch"

    batch_id: str
    root: str
    size: int
    issuer_msp: str
    anchored_at: str
    transaction_id: str


@dataclass(frozen=True)
class StatusRecord(_Record):
    """The status of a batch's member that has changed; a member without one is active.

    `leaf` is its leaf hash, `index` its place in the batch: the bit of a status list.
    """

    SCHEMA: ClassVar[str] = "certledger/v1/status"

    batch_id: str
    leaf: str
    index: int
    issuer_msp: str
    changed_at: str
    transaction_id: str
    status: Status
    reason: Reason | None = None
    superseded_by: str | None = None
