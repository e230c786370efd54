"""Signing with private keys.

Fabric takes ECDSA signatures with a low S only: of the two signatures that differ in S, the one with S at most half the
curve's order (Fabric's `bccsp/utils/ecdsa.go`).
"""

from typing import Protocol, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature, encode_dss_signature

# Of the curves whose signatures Fabric checks; ours are on two of them.
CURVE_ORDERS = {
    "secp224r1": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFF16A2E0B8F03E13DD29455C5C2A3D,
    "secp256r1": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "secp384r1": int(
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973", 16
    ),
    "secp521r1": int("1ff" + "f" * 63 + "a51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409", 16),
}
_SIGNING = ("secp256r1", "secp384r1")
_ECDSA_OF_SIZE = {
    hashed.digest_size: ec.ECDSA(Prehashed(hashed)) for hashed in (hashes.SHA256(), hashes.SHA384(), hashes.SHA512())
}


class Signer(Protocol):
    """Something that signs digests: a key in a file, an HSM, a person somewhere else."""

    def sign(self, digest: bytes) -> bytes:
        """The signature over a digest (over the message itself where no hash is used)."""
        ...


class KeySigner:
    """Signs with a private key in memory: ECDSA on P-256 or P-384, or Ed25519.

    Raises:
        ValueError: the key is of another kind.
    """

    def __init__(self, key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> None:
        if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name not in _SIGNING:
            raise ValueError(f"keys on {key.curve.name} cannot sign for Fabric: use P-256, P-384 or Ed25519")
        self._key = key

    @classmethod
    def from_pem(cls, pem: bytes, password: bytes | None = None) -> Self:
        """Read a private key.

        Raises:
            ValueError: it is none, of a kind that Fabric does not know, or the password is wrong.
        """
        try:
            key = serialization.load_pem_private_key(pem, password)
        except (TypeError, UnsupportedAlgorithm) as error:
            raise ValueError(str(error)) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
            raise ValueError("use a key on P-256, P-384 or Ed25519")
        return cls(key)

    def sign(self, digest: bytes) -> bytes:
        """Sign a digest, with a low S."""
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(digest)
        algorithm = _ECDSA_OF_SIZE.get(len(digest))
        if algorithm is None:
            raise ValueError(f"a digest of {len(digest)} bytes cannot be signed: choose a hash")
        return low_s(self._key.sign(digest, algorithm), CURVE_ORDERS[self._key.curve.name])


def low_s(signature: bytes, order: int) -> bytes:
    """The equivalent signature with the lower S."""
    r, s = decode_dss_signature(signature)
    return signature if s <= order // 2 else encode_dss_signature(r, order - s)
