"""Certificate authorities, and private keys that only their owner can read."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID, NameOID

from network.credential import Credential, Extensions, key_usage

BACKDATE = timedelta(minutes=5)  # for clocks that are behind, as Fabric CA does
CA_LIFETIME = timedelta(days=15 * 365)
LIFETIME = timedelta(days=3 * 365)
_OF_KEYS = (ExtensionOID.SUBJECT_KEY_IDENTIFIER, ExtensionOID.AUTHORITY_KEY_IDENTIFIER)


@dataclass(frozen=True)
class KeyPair:
    """A private key and its certificate, PEM."""

    key: bytes
    certificate: bytes

    def write(self, key_path: Path, certificate_path: Path) -> None:
        """Write both; the key so that only its owner can read it."""
        write_private(key_path, self.key)
        certificate_path.parent.mkdir(parents=True, exist_ok=True)
        certificate_path.write_bytes(self.certificate)


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, from its first moment on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


class Authority:
    """A certificate authority with its key at hand."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self._key = key
        self._certificate = certificate

    @classmethod
    def create(cls, organisation: str, common_name: str) -> Self:
        """A new authority with a self-signed certificate."""
        key = new_key()
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
                x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            ]
        )
        usage = key_usage(digital_signature=True, key_cert_sign=True, crl_sign=True)
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - BACKDATE)
            .not_valid_after(now + CA_LIFETIME)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(key, certificate)

    @classmethod
    def load(cls, key_path: Path, certificate_path: Path) -> Self:
        """An authority from its files. Raises OSError, ValueError."""
        key = serialization.load_pem_private_key(key_path.read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError(f"{key_path} is not an elliptic-curve key")
        certificate = x509.load_pem_x509_certificate(certificate_path.read_bytes())
        if certificate.public_key() != key.public_key():
            raise ValueError(f"{certificate_path} is not the certificate of {key_path}")
        return cls(key, certificate)

    @property
    def pair(self) -> KeyPair:
        """The authority's own key and certificate."""
        return KeyPair(key_pem(self._key), _pem(self._certificate))

    def issue_identity(
        self,
        common_name: str,
        *,
        unit: str,
        attributes: Mapping[str, str] | None = None,
        lifetime: timedelta = LIFETIME,
    ) -> KeyPair:
        """A key and an identity certificate.

        Args:
            common_name: a pseudonym or a node's name, never a person's.
            unit: its role by NodeOUs: client, peer, admin or orderer.
            attributes: attributes as Fabric CA writes them, such as `certledger.role`.
            lifetime: how long the certificate is valid; a negative one is expired already.
        """
        return self.issue(Credential(common_name=common_name, unit=unit, attributes=attributes or {}), lifetime)

    def issue_tls(self, common_name: str, hosts: Sequence[str] = (), *, lifetime: timedelta = LIFETIME) -> KeyPair:
        """A key and a TLS certificate, for clients, and with host names or addresses for servers too."""
        return self.issue(Credential(common_name=common_name, hosts=tuple(hosts)), lifetime)

    def issue(self, credential: Credential, lifetime: timedelta = LIFETIME) -> KeyPair:
        """A new key, and its certificate that says what it must."""
        key = new_key()
        certificate = self._issue(key.public_key(), credential.subject, credential.extensions, lifetime)
        return KeyPair(key_pem(key), _pem(certificate))

    def renew(self, certificate: x509.Certificate, lifetime: timedelta = LIFETIME) -> bytes:
        """A certificate that says the same of the same key, valid from now on; PEM. Raises ValueError."""
        public_key = certificate.public_key()
        if not isinstance(public_key, ec.EllipticCurvePublicKey):
            raise ValueError("its key is not an elliptic-curve key")
        extensions = [(one.value, one.critical) for one in certificate.extensions if one.oid not in _OF_KEYS]
        return _pem(self._issue(public_key, certificate.subject, extensions, lifetime))

    def has_issued(self, certificate: x509.Certificate) -> bool:
        """Whether a certificate is one of this authority's."""
        return has_issued(self._certificate, certificate)

    def has_signed(self, revocations: x509.CertificateRevocationList) -> bool:
        """Whether a revocation list is this authority's."""
        return revocations.issuer == self._certificate.subject and revocations.is_signature_valid(
            self._key.public_key()
        )

    def sign_revocation_list(
        self, entries: Sequence[x509.RevokedCertificate], *, number: int, now: datetime
    ) -> x509.CertificateRevocationList:
        """A revocation list with these entries.

        It is in force until the next one comes, and nobody fetches one by the clock: `nextUpdate`, which RFC 5280
        demands, is the end of the authority itself.
        """
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._certificate.subject)
            .last_update(now)
            .next_update(max(self._certificate.not_valid_after_utc, now + timedelta(days=1)))
            .add_extension(x509.CRLNumber(number), critical=False)
            .add_extension(self._authority_key, critical=False)
        )
        for one in entries:
            builder = builder.add_revoked_certificate(one)
        return builder.sign(self._key, hashes.SHA256())

    @property
    def _authority_key(self) -> x509.AuthorityKeyIdentifier:
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
            self._certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        )

    def _issue(
        self, public_key: ec.EllipticCurvePublicKey, subject: x509.Name, extensions: Extensions, lifetime: timedelta
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._certificate.subject)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(now, now + lifetime) - BACKDATE)
            .not_valid_after(now + lifetime)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(self._authority_key, critical=False)
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self._key, hashes.SHA256())


def has_issued(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Whether a certificate is one of the authority's that has the other."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def new_key() -> ec.EllipticCurvePrivateKey:
    """A new private key, of the kind that all of Fabric's nodes and clients can use."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key as it is written."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
