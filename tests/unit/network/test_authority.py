"""Certificate authorities: what their certificates say, and who may read keys."""

import json
import os
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from network.authority import CA_LIFETIME, LIFETIME, Authority, KeyPair, write_private
from network.credential import ATTRIBUTES_OID

CA = Authority.create("City", "ca.city")
ROOT = x509.load_pem_x509_certificate(CA.pair.certificate)


def read(pair: KeyPair) -> x509.Certificate:
    """The pair's certificate; the key is checked to be its own."""
    certificate = x509.load_pem_x509_certificate(pair.certificate)
    key = serialization.load_pem_private_key(pair.key, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.public_key() == certificate.public_key()
    assert isinstance(key.curve, ec.SECP256R1)
    return certificate


def usages(certificate: x509.Certificate) -> set[str]:
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    return {name for name in (*names, "key_cert_sign", "crl_sign") if getattr(usage.value, name)}


def is_ca(certificate: x509.Certificate) -> bool:
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    return constraints.value.ca


def subject(certificate: x509.Certificate) -> list[tuple[x509.ObjectIdentifier, str]]:
    return [(one.oid, str(one.value)) for one in certificate.subject]


def test_an_authority_signs_certificates_and_itself() -> None:
    assert is_ca(ROOT)
    assert usages(ROOT) == {"digital_signature", "key_cert_sign", "crl_sign"}
    assert ROOT.issuer == ROOT.subject
    assert subject(ROOT) == [(NameOID.ORGANIZATION_NAME, "City"), (NameOID.COMMON_NAME, "ca.city")]
    ROOT.verify_directly_issued_by(ROOT)
    assert ROOT.not_valid_after_utc - ROOT.not_valid_before_utc > CA_LIFETIME
    assert Authority.create("City", "ca.city").pair.key != CA.pair.key


def test_an_identity_has_a_unit_and_a_pseudonym_and_signs_only() -> None:
    certificate = read(CA.issue_identity("issuer-01", unit="client"))
    certificate.verify_directly_issued_by(ROOT)
    assert subject(certificate) == [(NameOID.ORGANIZATIONAL_UNIT_NAME, "client"), (NameOID.COMMON_NAME, "issuer-01")]
    assert not is_ca(certificate)
    assert usages(certificate) == {"digital_signature"}
    kinds = {one.oid.dotted_string for one in certificate.extensions}
    assert ATTRIBUTES_OID.dotted_string not in kinds
    # Fabric refuses an identity that is for TLS clients only: there is no extended key usage at all.
    assert x509.ExtendedKeyUsage.oid.dotted_string not in kinds


def test_attributes_are_written_as_fabric_ca_writes_them() -> None:
    certificate = read(CA.issue_identity("issuer-01", unit="client", attributes={"certledger.role": "issuer"}))
    extension = certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier("1.2.3.4.5.6.7.8.1"))
    assert not extension.critical
    assert isinstance(extension.value, x509.UnrecognizedExtension)
    assert extension.value.value == b'{"attrs":{"certledger.role":"issuer"}}'
    assert json.loads(extension.value.value) == {"attrs": {"certledger.role": "issuer"}}


def test_a_certificate_names_its_authoritys_key() -> None:
    certificate = read(CA.issue_identity("issuer-01", unit="client"))
    authority = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    root = ROOT.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert authority.key_identifier == root.digest
    own = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert own == x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())


def test_a_server_is_known_by_names_and_addresses_and_is_a_client_too() -> None:
    certificate = read(CA.issue_tls("peer0.city", ["localhost", "127.0.0.1", "::1", "peer0.city"]))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "peer0.city"]
    assert names.get_values_for_type(x509.IPAddress) == [ip_address("127.0.0.1"), ip_address("::1")]
    uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(uses) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    assert usages(certificate) == {"digital_signature", "key_encipherment"}
    assert not is_ca(certificate)


def test_a_client_serves_nobody() -> None:
    certificate = read(CA.issue_tls("issuer-01"))
    assert list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.CLIENT_AUTH
    ]
    with pytest.raises(x509.ExtensionNotFound):
        certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)


def test_a_certificate_is_valid_from_a_little_before_now() -> None:
    certificate = read(CA.issue_identity("issuer-01", unit="client"))
    now = datetime.now(UTC)
    assert now - timedelta(hours=1) < certificate.not_valid_before_utc < now - timedelta(minutes=1)
    assert abs(certificate.not_valid_after_utc - now - LIFETIME) < timedelta(hours=1)


def test_a_negative_lifetime_makes_a_certificate_that_has_expired() -> None:
    certificate = read(CA.issue_identity("issuer-01", unit="client", lifetime=timedelta(days=-1)))
    assert certificate.not_valid_before_utc < certificate.not_valid_after_utc < datetime.now(UTC)


def test_serial_numbers_and_keys_do_not_repeat() -> None:
    pairs = [CA.issue_identity("issuer-01", unit="client") for _ in range(3)]
    assert len({read(pair).serial_number for pair in pairs}) == 3
    assert len({pair.key for pair in pairs}) == 3


def test_an_authority_is_read_back_and_goes_on_issuing(tmp_path: Path) -> None:
    CA.pair.write(tmp_path / "ca.key", tmp_path / "ca.crt")
    again = Authority.load(tmp_path / "ca.key", tmp_path / "ca.crt")
    assert again.pair == CA.pair
    read(again.issue_identity("issuer-01", unit="client")).verify_directly_issued_by(ROOT)


@pytest.mark.parametrize("damage", ["key of another kind", "no key", "no certificate", "another's certificate"])
def test_an_authority_that_cannot_be_one_is_refused(tmp_path: Path, damage: str) -> None:
    key, certificate = CA.pair.key, CA.pair.certificate
    if damage == "key of another kind":
        key = rsa.generate_private_key(65537, 2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    elif damage == "no key":
        key = b"-----BEGIN PRIVATE KEY-----\n"
    elif damage == "no certificate":
        certificate = b""
    else:
        certificate = Authority.create("City", "ca.city").pair.certificate
    KeyPair(key, certificate).write(tmp_path / "ca.key", tmp_path / "ca.crt")
    with pytest.raises(ValueError):
        Authority.load(tmp_path / "ca.key", tmp_path / "ca.crt")


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_a_key_can_be_read_by_its_owner_alone_whatever_the_mask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        CA.issue_identity("issuer-01", unit="client").write(tmp_path / "keys" / "key.pem", tmp_path / "cert.pem")
    finally:
        os.umask(before)
    assert (tmp_path / "keys" / "key.pem").stat().st_mode & 0o777 == 0o600


def test_a_private_file_is_never_written_over(tmp_path: Path) -> None:
    write_private(tmp_path / "key.pem", b"first")
    with pytest.raises(FileExistsError):
        write_private(tmp_path / "key.pem", b"second")
    assert (tmp_path / "key.pem").read_bytes() == b"first"
