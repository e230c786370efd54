"""Certificates and the signatures made with them."""

import json
from functools import lru_cache
from hashlib import sha256
from warnings import catch_warnings, simplefilter

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from node_client.identity.signer import CURVE_ORDERS, low_s
from node_client.protocol.codec import der
from node_client.protocol.errors import ProtocolError

_ATTRIBUTES = x509.ObjectIdentifier("1.2.3.4.5.6.7.8.1")
_BIT_STRING, _SEQUENCE = 0x03, 0x30
_PREHASHED = ec.ECDSA(Prehashed(hashes.SHA256()))
_UNUSABLE = (
    ValueError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


@lru_cache(maxsize=4096)
def load_certificate(pem: bytes) -> x509.Certificate:
    """The first certificate in a PEM text. What is wrong within shows here, not when a part is looked at.

    What follows it, such as the certificates of its issuers, is not looked at (Fabric's `getCertFromPem`).

    Raises:
        ProtocolError: there is none, or it cannot be used.
    """
    try:
        # The library warns of what Fabric takes, such as a country of three letters, and of what is refused here.
        with catch_warnings():
            simplefilter("ignore")
            certificate = x509.load_pem_x509_certificate(pem)
            if certificate.serial_number <= 0:
                raise ProtocolError("a certificate whose serial number is not positive")
            certificate.public_key()
            _ = certificate.extensions, certificate.subject, certificate.issuer, certificate.signature_hash_algorithm
    except _UNUSABLE as error:
        raise ProtocolError(f"no certificate in PEM that can be used: {error}") from error
    return certificate


def verify_signature(certificate: x509.Certificate, signature: bytes, message: bytes) -> bool:
    """Whether the certificate's key made this signature over the message: ECDSA with SHA-256 and a low S, or Ed25519.

    Fabric's MSPs hash with SHA-256 whatever the curve (`msp/identities.go`), and refuse a high S.
    """
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _verify_ecdsa(certificate, signature, sha256(message).digest())
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
            return True
    except InvalidSignature:
        return False
    return False


@lru_cache(maxsize=8192)
def _verify_ecdsa(certificate: x509.Certificate, signature: bytes, digest: bytes) -> bool:
    """Whether an ECDSA key signed a digest. What is signed once is looked at by several: endorsers, orderers, peers."""
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    order = CURVE_ORDERS.get(key.curve.name)
    try:
        if order is None or decode_dss_signature(signature)[1] > order // 2:
            return False
        key.verify(signature, digest, _PREHASHED)
    except (InvalidSignature, ValueError):
        return False
    return True


def fingerprint(certificate: x509.Certificate) -> bytes:
    """SHA-256 over the certificate's DER form."""
    return sha256(certificate.public_bytes(Encoding.DER)).digest()


@lru_cache(maxsize=4096)
def identity_digest(certificate: x509.Certificate) -> bytes:
    """What tells identities apart: SHA-256 over what the CA signed.

    The CA's signature is left out, for anyone can turn an ECDSA signature into its equivalent with the other S; Fabric
    writes it with a low S before it compares (`sanitizeCert` of `msp/mspimpl.go`).
    """
    return sha256(certificate.tbs_certificate_bytes).digest()


def canonical_der(certificate: x509.Certificate, issuer: x509.Certificate) -> bytes:
    """The certificate's DER form with its issuer's signature in the form with a low S (`sanitizeECDSASignedCert`)."""
    data = certificate.public_bytes(Encoding.DER)
    key = issuer.public_key()
    order = CURVE_ORDERS.get(key.curve.name) if isinstance(key, ec.EllipticCurvePublicKey) else None
    if order is None or (signature := low_s(certificate.signature, order)) == certificate.signature:
        return data
    signed = certificate.tbs_certificate_bytes
    algorithm = data[data.index(signed) + len(signed) : -len(der(_BIT_STRING, b"\0" + certificate.signature))]
    return der(_SEQUENCE, signed + algorithm + der(_BIT_STRING, b"\0" + signature))


def is_ca(certificate: x509.Certificate) -> bool:
    """Whether the certificate may sign others."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


@lru_cache(maxsize=4096)
def subject_units(certificate: x509.Certificate) -> tuple[str, ...]:
    """The organisational units of the subject."""
    units = certificate.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATIONAL_UNIT_NAME)
    return tuple(str(unit.value) for unit in units)


@lru_cache(maxsize=4096)
def attribute(certificate: x509.Certificate, name: str) -> str:
    """An attribute that fabric-ca wrote into a certificate (`lib/attrmgr`); empty when it did not."""
    try:
        extension = certificate.extensions.get_extension_for_oid(_ATTRIBUTES).value
        found = json.loads(extension.value)["attrs"] if isinstance(extension, x509.UnrecognizedExtension) else {}
    except (x509.ExtensionNotFound, *_UNUSABLE, KeyError, TypeError, RecursionError):
        return ""
    # Go's attrmgr reads a map of text to text, or nothing.
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        return ""
    return str(found.get(name, ""))
