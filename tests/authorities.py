"""Throw-away certificate authorities that issue whatever a test needs, well formed or not, and MSPs made of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from fabric_protos.msp import identities_pb2, msp_config_pb2

from node_client.identity.signer import CURVE_ORDERS, KeySigner, low_s

Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
DAY = timedelta(days=1)
NODE_UNITS = ("client", "peer", "admin", "orderer")


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class Holder:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def sign(self, message: bytes) -> bytes:
        """The signature over the message's SHA-256, with a low S."""
        assert isinstance(self.key, ec.EllipticCurvePrivateKey)
        order = CURVE_ORDERS.get(self.key.curve.name, 0)
        signature = self.key.sign(message, ec.ECDSA(hashes.SHA256()))
        return low_s(signature, order) if order else signature

    def serialized(self, msp_id: str) -> bytes:
        return identities_pb2.SerializedIdentity(mspid=msp_id, id_bytes=self.pem).SerializeToString()

    @cached_property
    def signer(self) -> KeySigner:
        return KeySigner.from_pem(self.key_pem)


@dataclass(frozen=True)
class Ca(Holder):
    """A certificate authority."""

    @classmethod
    def root(cls, name: str = "ca.city", key: Key | None = None, **options: object) -> "Ca":
        key = key or new_key()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        return cls(Order(subject, subject, key.public_key(), ca=True, **options).signed_by(key), key)  # type: ignore[arg-type]

    def ca(self, name: str, **options: object) -> "Ca":
        """A certificate authority below this one."""
        return Ca(*self._issue(name, (), ca=True, **options))

    def issue(self, name: str = "someone", *units: str, **options: object) -> Holder:
        """A certificate of these organisational units."""
        return Holder(*self._issue(name, units, **options))

    def _issue(self, name: str, units: Sequence[str], **options: object) -> tuple[x509.Certificate, Key]:
        key = options.pop("key", None) or new_key()
        assert isinstance(key, Key)
        attributes = [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit) for unit in units]
        subject = x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, name)])
        order = Order(self.certificate.subject, subject, key.public_key(), **options)  # type: ignore[arg-type]
        return order.signed_by(self.key), key

    def crl(self, *revoked: x509.Certificate, key: Key | None = None, named: bool = True) -> bytes:
        """A revocation list; with a key, signed by that one instead; `named`: with the authority's key identifier."""
        now = datetime.now(UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now - DAY)
            .next_update(now + DAY)
        )
        for one in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(one.serial_number).revocation_date(now + DAY)
            builder = builder.add_revoked_certificate(entry.build())
        if named:
            identifier = x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()).digest
            builder = builder.add_extension(x509.AuthorityKeyIdentifier(identifier, None, None), critical=False)
        signing = key or self.key
        crl = builder.sign(signing, None if isinstance(signing, ed25519.Ed25519PrivateKey) else hashes.SHA256())
        return crl.public_bytes(serialization.Encoding.PEM)


@dataclass(kw_only=True)
class _Options:
    ca: bool = False
    path_length: int | None = None
    begin: datetime | None = None
    lifetime: timedelta = 2 * DAY
    uses: Sequence[x509.ObjectIdentifier] = ()
    may_sign: bool | None = None
    identified: bool = True
    extensions: Sequence[x509.Extension[x509.ExtensionType]] = ()
    serial: int | None = None


@dataclass
class Order(_Options):
    """What a certificate shall say."""

    issuer: x509.Name
    subject: x509.Name
    public_key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def signed_by(self, key: Key) -> x509.Certificate:
        begin = self.begin or self.now - DAY
        builder = (
            x509.CertificateBuilder()
            .issuer_name(self.issuer)
            .subject_name(self.subject)
            .public_key(self.public_key)
            .serial_number(self.serial or x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + self.lifetime)
            .add_extension(x509.BasicConstraints(ca=self.ca, path_length=self.path_length), critical=True)
        )
        if self.identified:
            identifier = x509.SubjectKeyIdentifier.from_public_key(self.public_key)
            builder = builder.add_extension(identifier, critical=False)
        if self.may_sign is not None:
            usage = x509.KeyUsage(True, False, False, False, False, self.may_sign, False, False, False)
            builder = builder.add_extension(usage, critical=True)
        if self.uses:
            builder = builder.add_extension(x509.ExtendedKeyUsage(self.uses), critical=False)
        for one in self.extensions:
            builder = builder.add_extension(one.value, critical=one.critical)
        return builder.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())


CLIENT_ONLY = (ExtendedKeyUsageOID.CLIENT_AUTH,)


def with_other_s(pem: bytes) -> bytes:
    """The certificate with the CA's signature in its other, equivalent form."""
    certificate = x509.load_pem_x509_certificate(pem)
    r, s = decode_dss_signature(certificate.signature)
    other = encode_dss_signature(r, CURVE_ORDERS["secp256r1"] - s)
    algorithm = bytes.fromhex("300a06082a8648ce3d040302")
    body = certificate.tbs_certificate_bytes + algorithm + _der(0x03, b"\0" + other)
    der = _der(0x30, body)
    return x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM)


def _der(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + content


def msp_config(
    name: str,
    roots: Sequence[Holder],
    *,
    intermediates: Sequence[Holder] = (),
    admins: Sequence[Holder] = (),
    revocations: Sequence[bytes] = (),
    roles: Sequence[str] = NODE_UNITS,
    certifiers: Holder | None = None,
    units: Sequence[tuple[str, Holder]] = (),
) -> bytes:
    """An MSP definition.

    Args:
        roles: the roles that are told apart by organisational units; none turns that off.
        certifiers: the CA that gives the roles; any when None.
        units: organisational units that members must have one of, and their CAs.
    """
    message = msp_config_pb2.FabricMSPConfig(
        name=name,
        root_certs=[one.pem for one in roots],
        intermediate_certs=[one.pem for one in intermediates],
        admins=[one.pem for one in admins],
        revocation_list=list(revocations),
        organizational_unit_identifiers=[
            msp_config_pb2.FabricOUIdentifier(certificate=ca.pem, organizational_unit_identifier=unit)
            for unit, ca in units
        ],
    )
    if roles:
        message.fabric_node_ous.enable = True
        for role in roles:
            identifier = getattr(message.fabric_node_ous, f"{role}_ou_identifier")
            identifier.organizational_unit_identifier = role
            if certifiers:
                identifier.certificate = certifiers.pem
    return message.SerializeToString()
