"""Signatures of issuers over what they publish, in the forms that JOSE (RFC 7518, RFC 8037) and COSE (RFC 9053) share.

ECDSA signatures are the two numbers one after the other. As everywhere on the ledger, S is low: of the two signatures
that would verify only one is taken, so that nobody can change a byte of what was signed.
"""

from dataclasses import dataclass
from hashlib import sha256, sha384
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from node_client.identity.signer import CURVE_ORDERS

if TYPE_CHECKING:
    from node_client.identity.signer import Signer


@dataclass(frozen=True)
class Algorithm:
    """How a kind of key signs.

    Attributes:
        jose: its name in JOSE.
        cose: its number in COSE.
    """

    jose: str
    cose: int
    curve: str = ""
    size: int = 0


ES256 = Algorithm("ES256", -7, "secp256r1", 32)
ES384 = Algorithm("ES384", -35, "secp384r1", 48)
ED25519 = Algorithm("EdDSA", -8)


def algorithm_of(certificate: x509.Certificate) -> Algorithm:
    """How a certificate's key signs. Raises ValueError when nobody would know."""
    key = certificate.public_key()
    if isinstance(key, ed25519.Ed25519PublicKey):
        return ED25519
    curve = key.curve.name if isinstance(key, ec.EllipticCurvePublicKey) else ""
    for one in (ES256, ES384):
        if one.curve == curve:
            return one
    raise ValueError("keys of this kind sign neither in JOSE nor in COSE: use P-256, P-384 or Ed25519")


def sign(signer: "Signer", algorithm: Algorithm, message: bytes) -> bytes:
    """The signature over a message."""
    if algorithm == ED25519:
        return signer.sign(message)
    digest = (sha256 if algorithm == ES256 else sha384)(message).digest()
    r, s = decode_dss_signature(signer.sign(digest))
    return r.to_bytes(algorithm.size, "big") + s.to_bytes(algorithm.size, "big")


def verify(certificate: x509.Certificate, signature: bytes, message: bytes) -> bool:
    """Whether a certificate's key signed the message."""
    key = certificate.public_key()
    try:
        algorithm = algorithm_of(certificate)
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
            return True
        r, s = (int.from_bytes(half, "big") for half in (signature[: algorithm.size], signature[algorithm.size :]))
        if len(signature) != 2 * algorithm.size or s > CURVE_ORDERS[algorithm.curve] // 2:
            return False
        if isinstance(key, ec.EllipticCurvePublicKey):
            kind = hashes.SHA256() if algorithm == ES256 else hashes.SHA384()
            key.verify(encode_dss_signature(r, s), message, ec.ECDSA(kind))
            return True
    except (InvalidSignature, ValueError):
        pass
    return False
