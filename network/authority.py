"""Certificate authorities, and private keys that only their owner can read."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ATTRIBUTES_OID = x509.ObjectIdentifier("1.2.3.4.5.6.7.8.1")  # fabric-ca's `lib/attrmgr`
BACKDATE = timedelta(minutes=5)  # for clocks that are behind, as Fabric CA does
CA_LIFETIME = timedelta(days=15 * 365)
LIFETIME = timedelta(days=3 * 365)


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
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
                x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            ]
        )
        usage = _key_usage(digital_signature=True, key_cert_sign=True, crl_sign=True)
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
        return KeyPair(_key_pem(self._key), _pem(self._certificate))

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
        subject = [
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
        extensions: list[x509.ExtensionType] = []
        if attributes:
            value = json.dumps({"attrs": dict(attributes)}, separators=(",", ":")).encode()
            extensions.append(x509.UnrecognizedExtension(ATTRIBUTES_OID, value))
        return self._issue(subject, _key_usage(digital_signature=True), extensions, lifetime)

    def issue_tls(self, common_name: str, hosts: Sequence[str] = (), *, lifetime: timedelta = LIFETIME) -> KeyPair:
        """A key and a TLS certificate, for clients, and with host names or addresses for servers too."""
        uses = [ExtendedKeyUsageOID.CLIENT_AUTH]
        extensions: list[x509.ExtensionType] = []
        if hosts:
            uses.insert(0, ExtendedKeyUsageOID.SERVER_AUTH)
            extensions.append(x509.SubjectAlternativeName([_general_name(host) for host in hosts]))
        extensions.append(x509.ExtendedKeyUsage(uses))
        subject = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
        usage = _key_usage(digital_signature=True, key_encipherment=True)
        return self._issue(subject, usage, extensions, lifetime)

    def has_issued(self, certificate: x509.Certificate) -> bool:
        """Whether a certificate is one of this authority's."""
        try:
            certificate.verify_directly_issued_by(self._certificate)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

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
        self,
        subject: list[x509.NameAttribute[str]],
        usage: x509.KeyUsage,
        extensions: Sequence[x509.ExtensionType],
        lifetime: timedelta,
    ) -> KeyPair:
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        begin = min(now, now + lifetime) - BACKDATE
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(subject))
            .issuer_name(self._certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(now + lifetime)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(self._authority_key, critical=False)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return KeyPair(_key_pem(key), _pem(builder.sign(self._key, hashes.SHA256())))


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_usage(
    *,
    digital_signature: bool = False,
    key_encipherment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=key_encipherment,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
