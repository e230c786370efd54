"""Certificates of an authority outside: keys stay, and nothing comes in but what was asked for."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from network.bundle_checks import check
from network.bundle_files import bundle_of, unpack
from network.credential import ATTRIBUTES_OID
from network.errors import FolderError, NetworkError
from network.folder import Folder
from network.renewal import renew
from network.requests import REQUESTS, is_incomplete, make_requests, places_of, take_in
from network.sites import export, make_site
from network.topology import default_configtx, read_topology
from tests.authorities import new_key
from tests.outside import MIDDLE, ROOT, TLS_MIDDLE, Change, answer

TOPOLOGY = read_topology(default_configtx(), "BFT")
CITY = TOPOLOGY.organisations[0]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "City"
    make_requests(home, CITY)
    return home


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_there_is_a_request_for_every_certificate_and_its_key_stays(home: Path) -> None:
    names = {path.stem for path in (home / REQUESTS).iterdir()}
    assert names == {place.name for place in places_of(CITY)}
    assert {"peer.identity", "orderer1.tls", "users.issuer.identity"} <= names
    for place in places_of(CITY):
        request = x509.load_pem_x509_csr((home / REQUESTS / f"{place.name}.csr").read_bytes())
        assert request.is_signature_valid
        assert (home / place.key).stat().st_mode & 0o777 == 0o600
    for path in (home / REQUESTS).iterdir():
        assert b"PRIVATE" not in path.read_bytes()
    assert is_incomplete(home)


def test_what_was_taken_in_makes_an_organisation(home: Path, tmp_path: Path) -> None:
    take_in(home, CITY, answer(home / REQUESTS, tmp_path / "in"))
    assert not is_incomplete(home)
    assert not (home / REQUESTS).exists()
    bundle = bundle_of(home, CITY)
    assert bundle.roots == (ROOT.pem.decode(),)
    assert bundle.tls_intermediates == (TLS_MIDDLE.pem.decode(),)
    unpack(bundle, tmp_path / "elsewhere")
    check(bundle, tmp_path / "elsewhere")
    served = x509.load_pem_x509_certificates((home / "peer" / "tls" / "server.crt").read_bytes())
    assert len(served) == 2  # with the authority between it and the root
    assert (home / "users" / "issuer" / "msp" / "intermediatecerts").is_dir()
    with pytest.raises(FolderError, match="City has asked for no certificates"):
        take_in(home, CITY, tmp_path / "in")


def other_key(builder: x509.CertificateBuilder, request: x509.CertificateSigningRequest) -> x509.CertificateBuilder:
    builder._public_key = new_key().public_key()
    return builder


def other_subject(unit: str, name: str) -> Change:
    def change(builder: x509.CertificateBuilder, _: x509.CertificateSigningRequest) -> x509.CertificateBuilder:
        attributes = [(NameOID.ORGANIZATIONAL_UNIT_NAME, unit), (NameOID.COMMON_NAME, name)]
        builder._subject_name = x509.Name([x509.NameAttribute(kind, value) for kind, value in attributes])
        return builder

    return change


def without(*kinds: type[x509.ExtensionType] | x509.ObjectIdentifier) -> Change:
    def change(builder: x509.CertificateBuilder, _: x509.CertificateSigningRequest) -> x509.CertificateBuilder:
        builder._extensions = [
            one for one in builder._extensions if type(one.value) not in kinds and one.oid not in kinds
        ]
        return builder

    return change


def expired(builder: x509.CertificateBuilder, _: x509.CertificateSigningRequest) -> x509.CertificateBuilder:
    builder._not_valid_after = datetime.now(UTC).replace(tzinfo=None) - timedelta(minutes=1)
    return builder


@pytest.mark.parametrize(
    ("name", "change", "what"),
    [
        ("peer.identity", other_key, "is of another key than was asked for"),
        ("peer.identity", other_subject("client", "peer0.city"), "does not have the organisational unit peer"),
        ("users.admin.identity", other_subject("admin", "somebody-1"), "is not of admin-01"),
        ("users.issuer.identity", without(ATTRIBUTES_OID), "has other attributes than certledger.role=issuer"),
        ("orderer.tls", without(x509.SubjectAlternativeName), "does not name the host localhost"),
        ("orderer1.identity", expired, "has expired"),
    ],
)
def test_a_certificate_that_is_not_what_was_asked_for_is_refused(
    home: Path, tmp_path: Path, name: str, change: Change, what: str
) -> None:
    folder = answer(home / REQUESTS, tmp_path / "in", change, name)
    before = files(home)
    with pytest.raises(NetworkError, match=f"{name}.crt {what}"):
        take_in(home, CITY, folder)
    assert files(home) == before
    take_in(home, CITY, answer(home / REQUESTS, tmp_path / "in"))


def test_a_certificate_without_stated_uses_is_for_all(home: Path, tmp_path: Path) -> None:
    take_in(home, CITY, answer(home / REQUESTS, tmp_path / "in", without(x509.ExtendedKeyUsage), "peer.tls"))


@pytest.mark.parametrize("damage", ["missing", "no PEM", "no root", "other authorities", "none"])
def test_certificates_that_are_not_complete_are_refused(home: Path, tmp_path: Path, damage: str) -> None:
    folder = answer(home / REQUESTS, tmp_path / "in")
    if damage == "missing":
        (folder / "orderer.tls.crt").unlink()
    elif damage == "no PEM":
        (folder / "orderer.tls.crt").write_text("text")
    elif damage == "no root":
        (folder / "ca.pem").write_bytes(MIDDLE.pem)
    elif damage == "other authorities":
        (folder / "tlsca.pem").write_bytes(ROOT.pem + MIDDLE.pem)
    else:
        folder = tmp_path / "nowhere"
    before = files(home)
    with pytest.raises(NetworkError):
        take_in(home, CITY, folder)
    assert files(home) == before


def test_a_site_says_that_its_certificates_have_not_come_in(tmp_path: Path) -> None:
    folder = Folder.at(tmp_path / "net")
    make_site(folder, TOPOLOGY, CITY, outside=True)
    with pytest.raises(FolderError, match="the certificates of City have not come in") as caught:
        export(folder, CITY)
    assert "network take-in" in caught.value.next_step
    take_in(folder.organisation("City"), CITY, answer(folder.organisation("City") / REQUESTS, tmp_path / "in"))
    assert export(folder, CITY).organisation == "City"


def test_certificates_are_asked_for_again_with_the_same_keys(home: Path, tmp_path: Path) -> None:
    take_in(home, CITY, answer(home / REQUESTS, tmp_path / "in"))
    before = bundle_of(home, CITY)
    keys = {place.name: (home / place.key).read_bytes() for place in places_of(CITY)}
    assert renew(home, CITY) == []  # there is no authority here
    make_requests(home, CITY)
    assert not is_incomplete(home)
    assert {place.name: (home / place.key).read_bytes() for place in places_of(CITY)} == keys
    take_in(home, CITY, answer(home / REQUESTS, tmp_path / "again"))
    after = bundle_of(home, CITY)
    assert after.orderers != before.orderers
    assert after.roots == before.roots
