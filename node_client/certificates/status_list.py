"""Status lists: what has become of a batch's members, or of one certificate, for verifiers without a network.

A list is a W3C `BitstringStatusListCredential`, signed with its time by the issuer as a JSON Web Signature (`vc+jwt`),
and its `evidence` is the organisations' attestation of the records that the bits are made of. So the issuer alone
cannot leave out a revocation, and the organisations' word has a time that the issuer stands for.
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from chaincode.registry.model import codes
from chaincode.registry.model.ids import is_id
from node_client.certificates import attestation, canonical, signatures, status_bits
from node_client.certificates.attestation import Answer
from node_client.certificates.canonical import Fields
from node_client.certificates.errors import StatusListError
from node_client.certificates.statement import Ledger
from node_client.certificates.statuses import BATCH, CERTIFICATE, Statuses, Subject, statuses_of
from node_client.certificates.trust import Trust
from node_client.protocol.certificates import attribute, load_certificate
from node_client.protocol.errors import ProtocolError
from node_client.protocol.msp import Member

if TYPE_CHECKING:
    from node_client.identity.identity import Identity
    from node_client.identity.signer import Signer

MAX_SIZE = 64 * 1024 * 1024
_CONTEXT = ["https://www.w3.org/ns/credentials/v2"]
_TYPE = ["VerifiableCredential", "BitstringStatusListCredential"]
_EVIDENCE = ["CertledgerAttestation"]
_PEM = b"-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n"
_ISSUER = "urn:certledger:issuer:"


@dataclass(frozen=True, kw_only=True)
class StatusList:
    """A status list, read.

    Attributes:
        ledger: the ledger that it is about.
        issuer: the issuing organisation's MSP id.
        valid_from: the time of the list, by the issuer's word.
        encoded: the bits, encoded.
        attestation: the organisations' word on the records.
        certificate: of who signed the list.
    """

    subject: Subject
    ledger: Ledger
    issuer: str
    valid_from: datetime
    encoded: str
    attestation: bytes
    certificate: x509.Certificate
    signature: bytes = b""

    def to_bytes(self) -> bytes:
        """Its one encoding: the three parts of a JSON Web Signature."""
        return self.signed_part() + b"." + _base64url(self.signature)

    def signed_part(self) -> bytes:
        """What the issuer signs."""
        header: dict[str, Any] = {
            "alg": signatures.algorithm_of(self.certificate).jose,
            "typ": "vc+jwt",
            "x5c": [base64.b64encode(self.certificate.public_bytes(Encoding.DER)).decode()],
        }
        evidence = {
            "type": _EVIDENCE,
            "ledger": self.ledger.to_values(),
            "subject": self.subject.kind,
            "subjectId": self.subject.id,
            "attestation": base64.b64encode(self.attestation).decode(),
        }
        payload: dict[str, Any] = {
            "@context": _CONTEXT,
            "id": self.subject.urn,
            "type": _TYPE,
            "issuer": _ISSUER + self.issuer,
            "validFrom": _time(self.valid_from),
            "credentialSubject": {
                "id": f"{self.subject.urn}#list",
                "type": "BitstringStatusList",
                "statusPurpose": "message",
                "encodedList": self.encoded,
            },
            "evidence": [evidence],
        }
        return _base64url(canonical.encode(header)) + b"." + _base64url(canonical.encode(payload))

    @classmethod
    def from_bytes(cls, data: bytes) -> "StatusList":
        """Read a status list. Nothing in it is believed by this: see `statuses`.

        Raises:
            StatusListError: the bytes are not exactly what `to_bytes` gives for a status list.
        """
        data = data.rstrip(b"\r\n")
        parts = data.split(b".")
        if len(data) > MAX_SIZE or len(parts) != 3:
            raise StatusListError("status list: not a signed list")
        try:
            header, payload, signature = map(_from_base64url, parts)
            found = _read(_fields(header), _fields(payload), signature)
        except (binascii.Error, ValueError, ProtocolError) as error:
            raise StatusListError(f"status list: {error}") from error
        if found.to_bytes() != data:
            raise StatusListError("status list: not in the one form that it has")
        return found

    def statuses(self, trust: Trust) -> Statuses:
        """Check that issuer and organisations made this list, and give what it says.

        Raises:
            StatusListError: the issuer did not, or the list does not say what was attested.
            AttestationError: the organisations did not.
        """
        return _statuses(self, trust)

    def check(self, trust: Trust) -> Statuses:
        """As `statuses`, which remembers what this came to."""
        if self.ledger != trust.ledger:
            raise StatusListError("status list: it is of another ledger")
        answer = attestation.verify(self.attestation, self.subject.question, trust, latest=True)
        found = statuses_of(answer, self.subject)
        self._check_signer(trust, answer, found.record.issuer_msp)
        if _time(answer.asked_at) != _time(self.valid_from):
            raise StatusListError("status list: its time is not that of the organisations' answer")
        try:
            same = status_bits.decode(self.encoded, len(found.bits)) == found.bits
        except ValueError as error:
            raise StatusListError(f"status list: {error}") from error
        if not same:
            raise StatusListError("status list: its bits are not what was attested")
        return found

    def _check_signer(self, trust: Trust, answer: Answer, issuer: str) -> None:
        member = _member(trust, answer.creator)
        signer = member.certificate
        holds = {
            "it is not of the organisation that issued": member.msp_id == issuer == self.issuer,
            "it was signed by another than who asked": signer == self.certificate,
            "its signer is no issuer": attribute(signer, codes.ROLE_ATTRIBUTE) == codes.ISSUER,
            "its signer's certificate was not valid": (
                signer.not_valid_before_utc <= self.valid_from <= signer.not_valid_after_utc
            ),
            "its signer's certificate has been revoked": not trust.is_revoked(member),
            "its signature does not hold": signatures.verify(signer, self.signature, self.signed_part()),
        }
        for text, good in holds.items():
            if not good:
                raise StatusListError(f"status list: {text}")


@lru_cache(maxsize=16)
def _statuses(status_list: StatusList, trust: Trust) -> Statuses:
    return status_list.check(trust)


def make(subject: Subject, data: bytes, trust: Trust, identity: "Identity", signer: "Signer") -> StatusList:
    """Make a list of an attestation that the issuer has just asked for.

    Raises:
        AttestationError: the attestation does not hold.
        StatusListError: the caller is not the issuer.
    """
    answer = attestation.verify(data, subject.question, trust, latest=True)
    found = statuses_of(answer, subject)
    certificate = load_certificate(identity.certificate)
    unsigned = StatusList(
        subject=subject,
        ledger=trust.ledger,
        issuer=found.record.issuer_msp,
        valid_from=answer.asked_at,
        encoded=status_bits.encode(found.bits),
        attestation=data,
        certificate=certificate,
    )
    signature = signatures.sign(signer, signatures.algorithm_of(certificate), unsigned.signed_part())
    made = StatusList.from_bytes(unsigned.signed_part() + b"." + _base64url(signature))
    made.statuses(trust)
    return made


def _read(header: Fields, payload: Fields, signature: bytes) -> StatusList:
    header.expect("typ", "vc+jwt")
    header.text("alg")
    (certificate,) = header.texts("x5c")
    header.end()
    payload.expect("@context", _CONTEXT)
    payload.expect("type", _TYPE)
    payload.text("id")
    issuer, valid_from = payload.text("issuer"), payload.text("validFrom")
    listed = payload.fields("credentialSubject")
    listed.text("id")
    listed.expect("type", "BitstringStatusList")
    listed.expect("statusPurpose", "message")
    encoded = listed.text("encodedList")
    listed.end()
    (evidence,) = payload.objects("evidence")
    evidence.expect("type", _EVIDENCE)
    ledger = Ledger.from_fields(evidence.fields("ledger"))
    subject = Subject(evidence.text("subject"), evidence.text("subjectId"))
    attested = base64.b64decode(evidence.text("attestation"), validate=True)
    evidence.end()
    payload.end()
    if subject.kind not in (BATCH, CERTIFICATE) or not is_id(subject.id):
        raise ValueError("it is of something that is not known")
    return StatusList(
        subject=subject,
        ledger=ledger,
        issuer=issuer.removeprefix(_ISSUER),
        valid_from=datetime.fromisoformat(valid_from),
        encoded=encoded,
        attestation=attested,
        certificate=load_certificate(_PEM % certificate.encode()),
        signature=signature,
    )


def _fields(data: bytes) -> Fields:
    return Fields.read(data, StatusListError, "status list", MAX_SIZE)


def _member(trust: Trust, creator: bytes) -> Member:
    try:
        return trust.ranges[-1].manager.valid_member(creator)
    except ProtocolError as error:
        raise StatusListError(f"status list: its signer is not admitted: {error}") from error


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _from_base64url(data: bytes) -> bytes:
    return base64.b64decode(data + b"=" * (-len(data) % 4), altchars=b"-_", validate=True)
