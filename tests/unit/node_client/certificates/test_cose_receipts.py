"""COSE Receipts, verified by a library of other authors."""

from hashlib import sha256
from typing import Any

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cwt import COSE, COSEKey, DecodeError, VerifyError

from chaincode.registry.model import merkle
from node_client.certificates.cose import cose_receipt
from node_client.identity.identity import Identity
from tests.authorities import Holder
from tests.unit.node_client.certificates.consortium import BATCH_ID, CERTIFICATE_ID, CITY, Consortium, role

COMMITMENT = "5b" * 32
ENTRY = bytes.fromhex(CERTIFICATE_ID + COMMITMENT)
SUBJECT = f"urn:certledger:batch:{BATCH_ID}"
VDS, VDP, CLAIMS, X5CHAIN = 395, 396, 15, 33


@pytest.fixture(scope="module")
def city() -> Consortium:
    return Consortium()


def made(holder: Holder, index: int = 0, size: int = 1, path: tuple[bytes, ...] = ()) -> bytes:
    return cose_receipt(
        certificate_id=CERTIFICATE_ID,
        commitment=COMMITMENT,
        index=index,
        size=size,
        path=path,
        subject=SUBJECT,
        identity=Identity(CITY, holder.pem),
        signer=holder.signer,
    )


def rfc9162_root(entry: bytes, proof: bytes) -> bytes:
    """The root of an inclusion proof, by RFC 9162 §2.1.3.2 and nothing of ours."""
    size, index, path = cbor2.loads(proof)
    current, node, last = sha256(b"\x00" + entry).digest(), index, size - 1
    for sibling in path:
        if node % 2 == 1 or node == last:
            current = sha256(b"\x01" + sibling + current).digest()
            while node % 2 == 0 and node != 0:
                node, last = node // 2, last // 2
        else:
            current = sha256(b"\x01" + current + sibling).digest()
        node, last = node // 2, last // 2
    assert last == 0
    return current


def protected(data: bytes) -> dict[int, Any]:
    header: dict[int, Any] = cbor2.loads(cbor2.loads(data).value[0])
    return header


def verified(data: bytes, entry: bytes = ENTRY) -> bool:
    """What a verifier of RFC 9942 does, with python-cwt."""
    header, (_, unprotected, payload, _) = protected(data), cbor2.loads(data).value
    assert header[VDS] == 1
    assert payload is None
    (proof,) = unprotected[VDP][-1]
    key = x509.load_der_x509_certificate(header[X5CHAIN]).public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    try:
        COSE.new().decode(data, COSEKey.from_pem(pem), detached_payload=rfc9162_root(entry, proof))
    except (VerifyError, DecodeError):
        return False
    return True


def test_a_receipt_of_one_certificate_is_accepted(city: Consortium) -> None:
    data = made(city.issuer)
    assert verified(data)
    assert not verified(data, ENTRY[:-1] + b"\x00")
    assert protected(data)[CLAIMS] == {1: CITY, 2: SUBJECT}


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(ec.generate_private_key(ec.SECP384R1()), -35), (ed25519.Ed25519PrivateKey.generate(), -8)],
)
def test_every_kind_of_key_that_signs_for_fabric_signs_receipts(city: Consortium, key: Any, algorithm: int) -> None:
    holder = city.issue(CITY, "client", extensions=[role("issuer")], key=key)
    data = made(holder)
    assert protected(data)[1] == algorithm
    assert verified(data)


def test_every_place_of_a_batch_is_accepted(city: Consortium) -> None:
    leaves = [merkle.leaf_hash(bytes([number]) * 48) for number in range(4)] + [merkle.leaf_hash(ENTRY)]
    left = merkle.node_hash(merkle.node_hash(leaves[0], leaves[1]), merkle.node_hash(leaves[2], leaves[3]))
    assert verified(made(city.issuer, 4, 5, (left,)))


def test_a_proof_that_proves_nothing_is_not_signed(city: Consortium) -> None:
    for index, size, path in ((1, 1, ()), (0, 2, ()), (0, 1, (b"\x00" * 32,)), (3, 2, (b"\x00" * 32,))):
        with pytest.raises(ValueError, match="place|path"):
            made(city.issuer, index, size, path)


def test_the_encoding_is_the_deterministic_one(city: Consortium) -> None:
    data = made(city.issuer)
    assert cbor2.dumps(cbor2.loads(data), canonical=True) == data
    assert data[0] == 0xD2  # tag 18


def test_every_changed_byte_is_noticed(city: Consortium) -> None:
    sibling = merkle.leaf_hash(b"another")
    data = made(city.issuer, 0, 2, (sibling,))
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 0x01
        try:
            good = verified(bytes(changed))
        except Exception:  # noqa: BLE001 - whatever another's library raises, it does not accept
            continue
        assert not good, place
