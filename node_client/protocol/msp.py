"""Membership service providers: which certificates are an organisation's, and what their holders are.

Source: Fabric's `msp/mspimpl.go`, `msp/mspimplvalidate.go`, `msp/mspimplsetup.go`. A chain is checked at one second
after the certificate's own NotBefore, so that an expired certificate still belongs to its organisation: expiry is
asked separately, when something is endorsed or submitted. A CRL works at once, whatever time of revocation it states.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from fabric_protos.msp import identities_pb2, msp_config_pb2, msp_principal_pb2

from node_client.protocol.certificates import (
    fingerprint,
    is_ca,
    load_certificate,
    subject_units,
    verify_signature,
)
from node_client.protocol.codec import parse
from node_client.protocol.errors import ProtocolError

MAX_DEPTH = 8
ROLE_UNITS = ("client", "peer", "admin", "orderer")


class MspError(ProtocolError):
    """An identity that an MSP does not admit."""


class UnknownIssuer(MspError):
    """An identity's certificate does not come from a CA of its organisation."""


@dataclass(frozen=True)
class Member:
    """An identity of an organisation, as found in a message.

    Attributes:
        msp_id: the organisation's MSP id.
        certificate: its certificate, parsed.
        data: the serialised identity.
    """

    msp_id: str
    certificate: x509.Certificate
    data: bytes

    @property
    def expires_at(self) -> datetime:
        """When the certificate expires."""
        return self.certificate.not_valid_after_utc

    @property
    def key(self) -> tuple[str, bytes]:
        """What makes two identities the same: MSP and certificate."""
        return self.msp_id, fingerprint(self.certificate)

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether this identity signed the message."""
        return verify_signature(self.certificate, signature, message)


@dataclass(frozen=True)
class NodeUnit:
    """An organisational unit that stands for a role; with a certificate, only below that one."""

    name: str
    certificate: x509.Certificate | None


class Msp:
    """One organisation's rules.

    Args:
        config: its definition, `msp.FabricMSPConfig`.
    """

    def __init__(self, config: bytes) -> None:
        message = parse(msp_config_pb2.FabricMSPConfig, config, "MSP definition")
        self.config = config
        self.name = message.name
        self._roots = [load_certificate(pem) for pem in message.root_certs]
        self._intermediates = [load_certificate(pem) for pem in message.intermediate_certs]
        self.tls_roots = tuple(message.tls_root_certs)
        self.tls_intermediates = tuple(message.tls_intermediate_certs)
        self._admins = {fingerprint(load_certificate(pem)) for pem in message.admins}
        self._revocations = [_load_crl(crl) for crl in message.revocation_list]
        self._units = _node_units(message)
        self._verdicts: dict[bytes, MspError | None] = {}
        if not self._roots:
            raise ProtocolError(f"the MSP {self.name} has no root certificate")

    def validate(self, member: Member) -> None:
        """Check that the identity belongs to this organisation.

        Raises:
            MspError: it does not: another CA, revoked, or not exactly one role.
        """
        if member.data not in self._verdicts:
            if len(self._verdicts) > 4096:
                self._verdicts.clear()
            try:
                self._check(member.certificate)
                self._verdicts[member.data] = None
            except MspError as error:
                self._verdicts[member.data] = error
        if (verdict := self._verdicts[member.data]) is not None:
            raise type(verdict)(str(verdict))

    def has_role(self, member: Member, role: str) -> bool:
        """Whether the identity is a `member`, `client`, `peer`, `admin` or `orderer` of this organisation."""
        try:
            self.validate(member)
        except MspError:
            return False
        if role == "member":
            return True
        if role == "admin" and fingerprint(member.certificate) in self._admins:
            return True
        return role in self._roles(member.certificate)

    def satisfies_unit(self, member: Member, unit: str) -> bool:
        """Whether the identity is valid and of this organisational unit."""
        try:
            self.validate(member)
        except MspError:
            return False
        return unit in subject_units(member.certificate)

    def is_revoked(self, certificate: x509.Certificate) -> bool:
        """Whether one of the organisation's CRLs lists the certificate."""
        for crl in self._revocations:
            if crl.issuer == certificate.issuer and crl.get_revoked_certificate_by_serial_number(
                certificate.serial_number
            ):
                return True
        return False

    def _check(self, certificate: x509.Certificate) -> None:
        if is_ca(certificate):
            raise MspError("a CA certificate cannot be an identity")
        chain = self._chain(certificate)
        for link in chain[:-1]:
            if self.is_revoked(link):
                raise MspError("the certificate has been revoked")
        if self._units and len(self._roles(certificate)) != 1 and fingerprint(certificate) not in self._admins:
            raise MspError("the identity must be a client, a peer, an orderer or an admin identity, exactly one")

    def _chain(self, certificate: x509.Certificate) -> list[x509.Certificate]:
        moment = certificate.not_valid_before_utc + timedelta(seconds=1)
        chain = [certificate]
        while len(chain) < MAX_DEPTH:
            issuer = self._issuer(chain[-1], moment)
            if issuer is None:
                break
            chain.append(issuer)
            if issuer in self._roots:
                return chain
        raise UnknownIssuer(f"the certificate does not come from a CA of {self.name}")

    def _issuer(self, certificate: x509.Certificate, moment: datetime) -> x509.Certificate | None:
        for candidate in (*self._roots, *self._intermediates):
            if candidate.subject != certificate.issuer or not is_ca(candidate):
                continue
            if not candidate.not_valid_before_utc <= moment <= candidate.not_valid_after_utc:
                continue
            try:
                certificate.verify_directly_issued_by(candidate)
            except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
                continue
            return candidate
        return None

    def _roles(self, certificate: x509.Certificate) -> frozenset[str]:
        units = subject_units(certificate)
        found = set()
        for role, unit in self._units.items():
            if unit.name not in units:
                continue
            if unit.certificate is not None and unit.certificate not in self._chain(certificate)[1:]:
                continue
            found.add(role)
        return frozenset(found)


def _load_crl(pem: bytes) -> x509.CertificateRevocationList:
    try:
        return x509.load_pem_x509_crl(pem)
    except ValueError as error:
        raise ProtocolError("a revocation list cannot be read") from error


def _node_units(message: msp_config_pb2.FabricMSPConfig) -> dict[str, NodeUnit]:
    units = message.fabric_node_ous
    if not units.enable:
        return {}
    found = {}
    for role in ROLE_UNITS:
        identifier = getattr(units, f"{role}_ou_identifier")
        if identifier.organizational_unit_identifier:
            pem = identifier.certificate
            found[role] = NodeUnit(identifier.organizational_unit_identifier, load_certificate(pem) if pem else None)
    return found


class MspManager:
    """The organisations of a channel.

    Args:
        msps: their MSPs.
    """

    def __init__(self, msps: Iterable[Msp]) -> None:
        self._msps = {msp.name: msp for msp in msps}

    @property
    def msps(self) -> dict[str, Msp]:
        """The MSPs by their ids."""
        return dict(self._msps)

    def member(self, data: bytes) -> Member:
        """The identity in its serialised form, not yet validated.

        Raises:
            MspError: it is not well formed or names an unknown organisation.
        """
        message = parse(identities_pb2.SerializedIdentity, data, "identity")
        if message.mspid not in self._msps:
            raise MspError(f"MSP {message.mspid} is unknown")
        return Member(message.mspid, load_certificate(message.id_bytes), data)

    def valid_member(self, data: bytes) -> Member:
        """The identity, validated by its own MSP.

        Raises:
            MspError: it is not well formed, unknown or not valid.
        """
        member = self.member(data)
        self._msps[member.msp_id].validate(member)
        return member

    def satisfies(self, member: Member, principal: msp_principal_pb2.MSPPrincipal) -> bool:
        """Whether an identity is what a policy asks for."""
        kind = msp_principal_pb2.MSPPrincipal
        if principal.principal_classification == kind.ROLE:
            role = parse(msp_principal_pb2.MSPRole, principal.principal, "role")
            msp = self._msps.get(role.msp_identifier)
            name = msp_principal_pb2.MSPRole.MSPRoleType.Name(role.role).lower()
            return member.msp_id == role.msp_identifier and msp is not None and msp.has_role(member, name)
        if principal.principal_classification == kind.ORGANIZATION_UNIT:
            unit = parse(msp_principal_pb2.OrganizationUnit, principal.principal, "organisational unit")
            msp = self._msps.get(unit.msp_identifier)
            return (
                member.msp_id == unit.msp_identifier
                and msp is not None
                and msp.satisfies_unit(member, unit.organizational_unit_identifier)
            )
        if principal.principal_classification == kind.IDENTITY:
            return principal.principal == member.data
        return False


def is_expired(member: Member, now: datetime | None = None) -> bool:
    """Whether the identity's certificate has expired."""
    return member.expires_at < (now or datetime.now(UTC))
