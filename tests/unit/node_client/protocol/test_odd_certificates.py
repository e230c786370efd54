"""Certificates that are none, or none that can be used, are refused when they are read and never later."""

import base64
import random

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from fabric_protos.msp import identities_pb2

from node_client.identity.signer import CURVE_ORDERS
from node_client.protocol.certificates import (
    fingerprint,
    identity_digest,
    is_ca,
    load_certificate,
    subject_units,
    verify_signature,
)
from node_client.protocol.errors import ProtocolError
from node_client.protocol.msp import Msp, MspError, MspManager
from tests.authorities import Ca, msp_config, with_other_s

ROOT = Ca.root()
HOLDER = ROOT.issue("issuer-01", "client", "sales")
MANAGER = MspManager([Msp(msp_config("CityMSP", [ROOT]))])


def pem(der: bytes, label: str = "CERTIFICATE") -> bytes:
    text = base64.encodebytes(der)
    return b"-----BEGIN " + label.encode() + b"-----\n" + text + b"-----END " + label.encode() + b"-----\n"


DER = HOLDER.certificate.public_bytes(Encoding.DER)


def test_a_certificate_says_what_it_is() -> None:
    certificate = load_certificate(HOLDER.pem)
    assert certificate == HOLDER.certificate
    assert subject_units(certificate) == ("client", "sales")
    assert not is_ca(certificate)
    assert is_ca(ROOT.certificate)
    assert load_certificate(pem(DER)) == certificate


def test_what_surrounds_the_certificate_is_not_looked_at() -> None:
    for data in (b"a comment\n" + HOLDER.pem, HOLDER.pem + b"\nthe end", HOLDER.pem + ROOT.pem):
        assert load_certificate(data) == HOLDER.certificate


def test_a_fingerprint_is_of_every_byte_and_an_identity_is_not_of_the_signatures_form() -> None:
    other = load_certificate(with_other_s(HOLDER.pem))
    assert fingerprint(other) != fingerprint(HOLDER.certificate)
    assert identity_digest(other) == identity_digest(HOLDER.certificate)
    assert identity_digest(ROOT.issue("issuer-01", "client", "sales").certificate) != identity_digest(other)


@pytest.mark.parametrize(
    "data",
    [b"", b"text", HOLDER.pem[:200], pem(b""), pem(b"\x30\x00"), pem(DER[:-1]), pem(DER + b"\0"), HOLDER.key_pem],
)
def test_what_is_no_certificate_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        load_certificate(data)


def test_versions_that_nobody_knows_are_refused() -> None:
    place = DER.index(b"\xa0\x03\x02\x01\x02")  # version 3
    for version in (3, 7, 0x7F):
        with pytest.raises(ProtocolError):
            load_certificate(pem(DER[: place + 4] + bytes([version]) + DER[place + 5 :]))


def test_a_serial_number_that_is_not_positive_is_refused() -> None:
    serial = HOLDER.certificate.serial_number
    size = (serial.bit_length() + 8) // 8
    encoded = b"\x02" + bytes([size]) + serial.to_bytes(size, "big", signed=True)
    assert encoded in DER
    for other in (-serial, 0):
        value = other.to_bytes(size, "big", signed=True)
        with pytest.raises(ProtocolError):
            load_certificate(pem(DER.replace(encoded, b"\x02" + bytes([size]) + value)))


def test_a_damaged_certificate_is_refused_or_belongs_to_nobody() -> None:
    chance = random.Random(1)
    read = 0
    for _ in range(1500):
        place = chance.randrange(len(DER))
        changed = DER[:place] + bytes([DER[place] ^ 1 << chance.randrange(8)]) + DER[place + 1 :]
        try:
            certificate = load_certificate(pem(changed))
        except ProtocolError:
            continue
        read += 1
        # Nothing of it can surprise anyone later.
        subject_units(certificate), is_ca(certificate), fingerprint(certificate), certificate.not_valid_after_utc
        assert not verify_signature(certificate, b"no signature", b"message")
        msp = MANAGER.msps["CityMSP"]
        data = identities_pb2.SerializedIdentity(mspid="CityMSP", id_bytes=pem(changed)).SerializeToString()
        with pytest.raises(MspError):
            msp.validate(MANAGER.member(data))
    assert read > 100


@pytest.mark.parametrize("curve", [ec.SECP224R1(), ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_signatures_on_every_curve_that_fabric_checks_hold_with_a_low_s(curve: ec.EllipticCurve) -> None:
    order = CURVE_ORDERS[curve.name]
    ec.derive_private_key(order - 1, curve)
    with pytest.raises(ValueError):
        ec.derive_private_key(order, curve)
    holder = ROOT.issue("issuer-01", "client", key=ec.generate_private_key(curve))
    certificate = load_certificate(holder.pem)
    signature = holder.sign(b"message")
    r, s = decode_dss_signature(signature)
    assert verify_signature(certificate, signature, b"message")
    assert not verify_signature(certificate, encode_dss_signature(r, order - s), b"message")
    assert not verify_signature(certificate, signature, b"another")


def test_a_key_of_a_kind_that_nobody_signs_with_verifies_nothing() -> None:
    for key in (ec.generate_private_key(ec.SECP256K1()), rsa.generate_private_key(65537, 2048)):
        holder = ROOT.issue("issuer-01", "client", key=key)
        signature = holder.sign(b"message") if isinstance(key, ec.EllipticCurvePrivateKey) else b"signature"
        assert not verify_signature(x509.load_pem_x509_certificate(holder.pem), signature, b"message")
