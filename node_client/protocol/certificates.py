"""Certificates and the signatures made with them."""

from functools import lru_cache
from hashlib import sha256
from warnings import catch_warnings, simplefilter

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from node_client.identity.signer import CURVE_ORDERS
from node_client.protocol.errors import ProtocolError

_SHA256 = ec.ECDSA(hashes.SHA256())
_UNUSABLE = (
    ValueError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


@lru_cache(maxsize=4096)
def load_certificate(pem: bytes) -> x509.Certificate:
    """The certificate in a PEM text. What is wrong within shows here, not when a part is looked at.

    Raises:
        ProtocolError: there is none, something follows it, or it cannot be used.
    """
    try:
        # The library warns of what Fabric takes, such as a country of three letters, and of what is refused here.
        with catch_warnings():
            simplefilter("ignore")
            (certificate,) = x509.load_pem_x509_certificates(pem)
            if certificate.serial_number <= 0:
                raise ProtocolError("a certificate whose serial number is not positive")
            certificate.public_key()
            _ = certificate.extensions, certificate.subject, certificate.issuer, certificate.signature_hash_algorithm
    except _UNUSABLE as error:
        raise ProtocolError(f"not exactly one certificate in PEM that can be used: {error}") from error
    return certificate


def verify_signature(certificate: x509.Certificate, signature: bytes, message: bytes) -> bool:
    """Whether the certificate's key made this signature over the message: ECDSA with SHA-256 and a low S, or Ed25519.

    Fabric's MSPs hash with SHA-256 whatever the curve (`msp/identities.go`), and refuse a high S.
    """
    key = certificate.public_key()
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            order = CURVE_ORDERS.get(key.curve.name)
            if order is None or decode_dss_signature(signature)[1] > order // 2:
                return False
            key.verify(signature, message, _SHA256)
            return True
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
            return True
    except (InvalidSignature, ValueError):
        return False
    return False


def fingerprint(certificate: x509.Certificate) -> bytes:
    """SHA-256 over the certificate's DER form."""
    return sha256(certificate.public_bytes(Encoding.DER)).digest()


def is_ca(certificate: x509.Certificate) -> bool:
    """Whether the certificate may sign others."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def subject_units(certificate: x509.Certificate) -> tuple[str, ...]:
    """The organisational units of the subject."""
    units = certificate.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATIONAL_UNIT_NAME)
    return tuple(str(unit.value) for unit in units)
