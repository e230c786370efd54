"""Membership service providers: which certificates are an organisation's, and what their holders are.

Source: Fabric's `msp/mspimpl.go`, `msp/mspimplvalidate.go`, `msp/mspimplsetup.go`, as they are for the channel
capability V3_0. Expiry is asked separately, when something is endorsed or submitted: an expired certificate still
belongs to its organisation.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from fabric_protos.msp import identities_pb2, msp_config_pb2, msp_principal_pb2

from node_client.protocol.certificates import (
    canonical_der,
    identity_digest,
    is_ca,
    load_certificate,
    subject_units,
    verify_signature,
)
from node_client.protocol.chains import Authorities, Chain, MspError, UnknownIssuer
from node_client.protocol.codec import parse
from node_client.protocol.errors import ProtocolError
from node_client.protocol.principals import Requirement, requirement

__all__ = ["Member", "Msp", "MspError", "MspManager", "UnknownIssuer", "is_expired"]

ROLE_UNITS = ("client", "peer", "admin", "orderer")
_CACHED = 4096


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

    @cached_property
    def key(self) -> tuple[str, bytes]:
        """What makes two identities the same: MSP and certificate, whichever form its signature has."""
        return self.msp_id, identity_digest(self.certificate)

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether this identity signed the message."""
        return verify_signature(self.certificate, signature, message)


@dataclass(frozen=True)
class Unit:
    """An organisational unit; with `certifiers`, only below the chain of CAs that has this identifier."""

    name: str
    certifiers: bytes

    def matches(self, name: str, certifiers: bytes) -> bool:
        """Whether an identity that states this unit, under this chain of CAs, is of it."""
        return self.name == name and self.certifiers in (b"", certifiers)


@dataclass(frozen=True)
class _Verdict:
    error: MspError | None
    certifiers: bytes = b""


class Msp:
    """One organisation's rules.

    Args:
        config: its definition, `msp.FabricMSPConfig`.

    Raises:
        ProtocolError: it is not well formed, or names CAs that cannot be any.
    """

    def __init__(self, config: bytes) -> None:
        message = parse(msp_config_pb2.FabricMSPConfig, config, "MSP definition")
        self.config = config
        self.name = message.name
        self.revocation_lists = tuple(message.revocation_list)
        self.tls_roots = tuple(message.tls_root_certs)
        self.tls_intermediates = tuple(message.tls_intermediate_certs)
        self._authorities = Authorities(
            message.name,
            [load_certificate(pem) for pem in message.root_certs],
            [load_certificate(pem) for pem in message.intermediate_certs],
            [_load_crl(crl) for crl in message.revocation_list],
        )
        self._admins = {identity_digest(load_certificate(pem)) for pem in message.admins}
        self._units = [
            Unit(one.organizational_unit_identifier, self._certifiers_of(one.certificate))
            for one in message.organizational_unit_identifiers
        ]
        self._roles = self._node_units(message.fabric_node_ous)
        self._verdicts: dict[bytes, _Verdict] = {}
        self._check_admins([load_certificate(pem) for pem in message.admins])

    def validate(self, member: Member) -> None:
        """Check that the identity belongs to this organisation.

        Raises:
            MspError: it does not: another CA, revoked, or not exactly one role.
        """
        if (error := self._verdict(member).error) is not None:
            raise type(error)(str(error))

    def has_role(self, member: Member, role: str) -> bool:
        """Whether the identity is a `member`, `client`, `peer`, `admin` or `orderer` of this organisation.

        An admin that the definition names must be valid, too; Fabric does not look again, not even for a revocation.
        """
        if self._verdict(member).error is not None:
            return False
        if role == "member":
            return True
        if role == "admin" and identity_digest(member.certificate) in self._admins:
            return True
        return role in self._roles and self._roles[role].name in subject_units(member.certificate)

    def satisfies_unit(self, member: Member, unit: str, certifiers: bytes) -> bool:
        """Whether the identity is valid and of this organisational unit, under the chain of CAs of this identifier."""
        verdict = self._verdict(member)
        return verdict.error is None and unit in subject_units(member.certificate) and verdict.certifiers == certifiers

    def is_revoked(self, certificate: x509.Certificate) -> bool:
        """Whether one of the organisation's CRLs lists the certificate."""
        return self._authorities.is_revoked(certificate)

    def _verdict(self, member: Member) -> _Verdict:
        found = self._verdicts.get(member.data)
        if found is None:
            if len(self._verdicts) >= _CACHED:
                self._verdicts.clear()
            try:
                found = _Verdict(None, self._check(member.certificate))
            except MspError as error:
                found = _Verdict(error)
            self._verdicts[member.data] = found
        return found

    def _check(self, certificate: x509.Certificate) -> bytes:
        """Check a certificate. Returns the identifier of its chain of CAs."""
        if not isinstance(certificate.public_key(), ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey):
            raise MspError("the identity's key is neither ECDSA nor Ed25519")
        if is_ca(certificate):
            raise MspError("a CA certificate cannot be an identity")
        chain = self._authorities.chain(certificate)
        self._authorities.check_revocation(chain)
        certifiers = _certifiers(chain[1:])
        names = subject_units(certificate)
        if self._units and not any(unit.matches(name, certifiers) for unit in self._units for name in names):
            raise MspError(f"none of the identity's organisational units is one of {self.name}")
        if self._roles:
            self._check_roles(names, certifiers)
        return certifiers

    def _check_roles(self, names: tuple[str, ...], certifiers: bytes) -> None:
        """Exactly one role, from the CA that gives it (`validateIdentityOUsV142`)."""
        roles = {role.name: role for role in self._roles.values()}
        stated = [roles[name] for name in names if name in roles]
        if not all(role.matches(role.name, certifiers) for role in stated):
            raise MspError("the identity's role comes from a CA that does not give it")
        if len(stated) != 1:
            raise MspError("the identity must be a client, a peer, an orderer or an admin identity, exactly one")

    def _check_admins(self, admins: Sequence[x509.Certificate]) -> None:
        """An MSP has admins, and where roles are told apart they have one that admins can have (`setupAdminsV142`)."""
        if not admins and "admin" not in self._roles:
            raise ProtocolError(f"the MSP {self.name} says nowhere who its admins are")
        names = {self._roles[role].name for role in ("client", "admin") if role in self._roles}
        for one in admins:
            if self._roles and not names.intersection(subject_units(one)):
                raise ProtocolError(f"the MSP {self.name} names an admin that is neither client nor admin")

    def _node_units(self, message: msp_config_pb2.FabricNodeOUs) -> dict[str, Unit]:
        if not message.enable:
            return {}
        found = {}
        for role in ROLE_UNITS:
            one: msp_config_pb2.FabricOUIdentifier = getattr(message, f"{role}_ou_identifier")
            if one.organizational_unit_identifier:
                certifiers = self._certifiers_of(one.certificate) if one.certificate else b""
                found[role] = Unit(one.organizational_unit_identifier, certifiers)
        return found

    def _certifiers_of(self, pem: bytes) -> bytes:
        return _certifiers(self._authorities.chain_of_ca(load_certificate(pem)))


def _certifiers(chain: Chain) -> bytes:
    """The identifier of a chain of CAs (`getCertificationChainIdentifierFromChain`)."""
    issuers = (*chain[1:], chain[-1])
    return sha256(b"".join(map(canonical_der, chain, issuers))).digest()


def _load_crl(pem: bytes) -> x509.CertificateRevocationList:
    try:
        crl = x509.load_pem_x509_crl(pem)
        _ = crl.extensions  # what is wrong within shows here
    except (ValueError, x509.DuplicateExtension) as error:
        raise ProtocolError("a revocation list cannot be read") from error
    return crl


class MspManager:
    """The organisations of a channel.

    Args:
        msps: their MSPs.
    """

    def __init__(self, msps: Iterable[Msp]) -> None:
        self._msps = {msp.name: msp for msp in msps}
        self._members: dict[bytes, Member] = {}

    @property
    def msps(self) -> dict[str, Msp]:
        """The MSPs by their ids."""
        return dict(self._msps)

    def member(self, data: bytes) -> Member:
        """The identity in its serialised form, not yet validated.

        Raises:
            ProtocolError: it is not well formed or names an unknown organisation.
        """
        if data not in self._members:
            if len(self._members) >= _CACHED:
                self._members.clear()
            self._members[data] = self._read(data)
        return self._members[data]

    def _read(self, data: bytes) -> Member:
        message = parse(identities_pb2.SerializedIdentity, data, "identity")
        if message.mspid not in self._msps:
            raise MspError(f"MSP {message.mspid} is unknown")
        return Member(message.mspid, load_certificate(message.id_bytes), data)

    def valid_member(self, data: bytes) -> Member:
        """The identity, validated by its own MSP.

        Raises:
            ProtocolError: it is not well formed, unknown or not valid.
        """
        member = self.member(data)
        self._msps[member.msp_id].validate(member)
        return member

    def satisfies(self, member: Member, principal: msp_principal_pb2.MSPPrincipal) -> bool:
        """Whether an identity is what a policy asks for; nobody is what cannot be read."""
        return self.requirement(principal)(member)

    def requirement(self, principal: msp_principal_pb2.MSPPrincipal) -> Requirement:
        """What `satisfies` asks, read once for many identities."""
        return requirement(principal, self)


def is_expired(member: Member, now: datetime | None = None) -> bool:
    """Whether the identity's certificate has expired."""
    return member.expires_at < (now or datetime.now(UTC))
