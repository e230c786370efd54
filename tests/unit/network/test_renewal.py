"""Certificates made anew: for the same keys, saying the same, and believed where the old ones were."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from network.authority import Authority
from network.bundle_checks import check
from network.bundle_files import bundle_of, unpack
from network.crypto import create_organisation, create_user
from network.errors import FolderError
from network.expiry import earliest
from network.fabric.keys import create_links
from network.renewal import renew
from network.topology import default_configtx, read_topology

CITY = read_topology(default_configtx(), "BFT").organisations[0]
KEYS = (ExtensionOID.SUBJECT_KEY_IDENTIFIER, ExtensionOID.AUTHORITY_KEY_IDENTIFIER)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "City"
    create_organisation(home, CITY)
    create_links(home, CITY)
    create_user(home, "window-7", "issuer", lifetime=timedelta(days=1))
    return home


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def says(one: x509.Certificate) -> object:
    """What a certificate says, its validity and serial number aside."""
    return one.subject, one.issuer, one.public_key(), {x.oid: x for x in one.extensions}


def test_every_certificate_says_the_same_for_longer(home: Path) -> None:
    paths = [path for path in home.rglob("*") if path.name in ("cert.pem", "server.crt", "client.crt")]
    old = {path: certificate(path) for path in paths}
    keys = {path: path.read_bytes() for path in home.rglob("*") if path.name.endswith((".key", "key.pem"))}
    done = renew(home, CITY)
    for path, before in old.items():
        after = certificate(path)
        assert after.serial_number != before.serial_number
        assert after.not_valid_after_utc >= before.not_valid_after_utc
        if path.relative_to(home).parts[0] not in ("operator", "registry"):
            assert says(after) == says(before)
    for path, data in keys.items():
        changed = path.read_bytes() != data
        assert changed == (path.relative_to(home).parts[0] in ("operator", "registry"))
        assert path.stat().st_mode & 0o777 == 0o600
    assert {home / one.file for one in done} >= set(old)
    assert all(one.after >= one.before for one in done)


def test_the_others_believe_an_organisation_as_before(home: Path, tmp_path: Path) -> None:
    before = bundle_of(home, CITY)
    renew(home, CITY)
    after = bundle_of(home, CITY)
    assert after != before
    assert (after.roots, after.tls_roots) == (before.roots, before.tls_roots)
    for one, other in zip(before.orderers, after.orderers, strict=True):
        for old, new in ((one.identity, other.identity), (one.tls_certificate, other.tls_certificate)):
            keys = [x509.load_pem_x509_certificate(pem.encode()).public_key() for pem in (old, new)]
            assert keys[0] == keys[1]
    unpack(after, tmp_path / "elsewhere")
    check(after, tmp_path / "elsewhere")


def test_an_expired_certificate_can_be_renewed(home: Path) -> None:
    path = home / "users" / "window-7" / "msp" / "signcerts" / "cert.pem"
    ca = Authority.load(home / "ca" / "ca.key", home / "ca" / "ca.crt")
    path.write_bytes(ca.renew(certificate(path), timedelta(days=-1)))
    renew(home, CITY)
    assert certificate(path).not_valid_after_utc > certificate(path).not_valid_before_utc + timedelta(days=1000)


def test_a_certificate_of_somebody_else_is_not_renewed(home: Path) -> None:
    path = home / "peer" / "tls" / "server.crt"
    path.write_bytes(Authority.create("City", "tlsca.city").issue_tls("peer0.city", ["localhost"]).certificate)
    with pytest.raises(FolderError, match="is not of this organisation's own authority"):
        renew(home, CITY)


def test_a_nodes_first_expiry_is_told(home: Path) -> None:
    tls = certificate(home / "peer" / "tls" / "server.crt").not_valid_after_utc
    identity = certificate(home / "peer" / "msp" / "signcerts" / "cert.pem").not_valid_after_utc
    assert earliest(home / "peer") == min(tls, identity)
    assert earliest(home / "registry") == certificate(home / "registry" / "server.crt").not_valid_after_utc
    assert earliest(home / "nothing") is None
