"""Keys that sign for Fabric, hashes, and identities as they stand in messages."""

import hashlib

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature, encode_dss_signature
from fabric_protos.msp import identities_pb2

from node_client import Hash, Identity, KeySigner
from node_client.identity.signer import CURVE_ORDERS, low_s

P256, P384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def pem(key: Key, password: bytes = b"") -> bytes:
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


@pytest.mark.parametrize("key", [P256, P384], ids=["P-256", "P-384"])
def test_a_signature_holds_and_has_a_low_s(key: ec.EllipticCurvePrivateKey) -> None:
    digest = hashlib.sha256(b"message").digest()
    signer = KeySigner.from_pem(pem(key))
    for _ in range(16):  # half of them would have a high S
        signature = signer.sign(digest)
        key.public_key().verify(signature, digest, ec.ECDSA(Prehashed(hashes.SHA256())))
        assert decode_dss_signature(signature)[1] <= CURVE_ORDERS[key.curve.name] // 2


@pytest.mark.parametrize("name", ["sha256", "sha384", "sha512"])
def test_a_digest_of_any_of_the_hashes_is_signed(name: str) -> None:
    digest = hashlib.new(name, b"message").digest()
    algorithm = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}[name]
    P384.public_key().verify(KeySigner(P384).sign(digest), digest, ec.ECDSA(Prehashed(algorithm)))


@pytest.mark.parametrize("length", [0, 20, 31, 33, 100])
def test_what_is_no_digest_is_not_signed(length: int) -> None:
    with pytest.raises(ValueError, match="choose a hash"):
        KeySigner(P256).sign(b"x" * length)


def test_an_ed25519_key_signs_the_message_itself() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    key.public_key().verify(KeySigner.from_pem(pem(key)).sign(b"any message"), b"any message")


def test_both_values_of_s_are_one_signature_and_the_low_one_is_given() -> None:
    order = CURVE_ORDERS["secp256r1"]
    low = encode_dss_signature(7, order // 2)
    assert low_s(low, order) == low
    assert low_s(encode_dss_signature(7, order - order // 2), order) == low
    assert low_s(encode_dss_signature(7, order - 1), order) == encode_dss_signature(7, 1)


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 2048),
        ec.generate_private_key(ec.SECP521R1()),
        ec.generate_private_key(ec.SECP256K1()),
    ],
    ids=["RSA", "P-521", "secp256k1"],
)
def test_a_key_of_another_kind_is_refused(key: Key) -> None:
    with pytest.raises(ValueError, match="use .*P-256, P-384 or Ed25519"):
        KeySigner.from_pem(pem(key))


# A key on a curve that has a name and that nobody implements, in SEC 1's form.
UNKNOWN_CURVE = b"""-----BEGIN EC PRIVATE KEY-----
MBECAQEEBAECAwSgBgYEKoMdBA==
-----END EC PRIVATE KEY-----
"""


@pytest.mark.parametrize(
    "data",
    [b"", b"nothing", pem(P256)[:100], pem(P256).replace(b"M", b"N"), UNKNOWN_CURVE],
    ids=["empty", "no PEM", "cut short", "altered", "unknown curve"],
)
def test_what_is_no_key_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        KeySigner.from_pem(data)


def test_a_password_must_be_the_right_one() -> None:
    locked = pem(P256, b"secret")
    digest = hashlib.sha256(b"message").digest()
    signature = KeySigner.from_pem(locked, b"secret").sign(digest)
    P256.public_key().verify(signature, digest, ec.ECDSA(Prehashed(hashes.SHA256())))
    for data, password in ((locked, b"wrong"), (locked, None), (pem(P256), b"secret")):
        with pytest.raises(ValueError):
            KeySigner.from_pem(data, password)


@pytest.mark.parametrize(
    ("hash_", "digest"),
    [
        (Hash.NONE, b"message"),
        (Hash.SHA256, hashlib.sha256(b"message").digest()),
        (Hash.SHA384, hashlib.sha384(b"message").digest()),
        (Hash.SHA3_256, hashlib.sha3_256(b"message").digest()),
        (Hash.SHA3_384, hashlib.sha3_384(b"message").digest()),
    ],
)
def test_a_hash_gives_its_digest(hash_: Hash, digest: bytes) -> None:
    assert hash_.digest(b"message") == digest


def test_an_identity_stands_in_messages_with_its_msp() -> None:
    found = identities_pb2.SerializedIdentity.FromString(Identity("CityMSP", b"certificate").serialized)
    assert (found.mspid, found.id_bytes) == ("CityMSP", b"certificate")
    assert Identity("CityMSP", b"certificate") == Identity("CityMSP", b"certificate")
    assert Identity("CityMSP", b"certificate") != Identity("TownMSP", b"certificate")
