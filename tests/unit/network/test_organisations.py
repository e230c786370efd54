"""An organisation's keys, certificates and MSP folders, and what Fabric's own programs make of them."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from network.credential import ATTRIBUTES_OID
from network.crypto import ROLES, create_organisation, create_user, user_names
from network.errors import FolderError, NetworkError
from network.msp_folder import msp_definition
from network.topology import Organisation
from node_client.identity import Identity
from node_client.protocol.msp import Msp, MspManager
from tests import fabric

CITY = Organisation("City", "CityMSP", "peer.city.example:7051", "localhost:7050")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("network") / "City"
    create_organisation(folder, CITY)
    return folder


@pytest.fixture(scope="module")
def manager(city: Path) -> MspManager:
    return MspManager([Msp(msp_definition(city / "msp", "CityMSP"))])


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def common_name(path: Path) -> str:
    (name,) = certificate(path).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(name.value)


def roles(manager: MspManager, path: Path) -> set[str]:
    member = manager.valid_member(Identity("CityMSP", path.read_bytes()).serialized)
    msp = manager.msps["CityMSP"]
    return {role for role in ("client", "peer", "admin", "orderer") if msp.has_role(member, role)}


def test_every_node_and_user_has_its_role_in_the_msp(city: Path, manager: MspManager) -> None:
    expected = {"peer": "peer", "orderer": "orderer", "users/admin": "admin"}
    expected |= {f"users/{name}": "client" for name in ("issuer", "auditor", "verifier")}
    for place, role in expected.items():
        assert roles(manager, city / place / "msp" / "signcerts" / "cert.pem") == {role}


def test_every_user_but_the_admin_has_a_role_in_the_registry(city: Path) -> None:
    for name in ROLES:
        extensions = certificate(city / "users" / name / "msp" / "signcerts" / "cert.pem").extensions
        found = [one.value.value for one in extensions if one.oid == ATTRIBUTES_OID]  # type: ignore[attr-defined]
        stated = [json.loads(one)["attrs"] for one in found]
        assert stated == ([] if name == "admin" else [{"certledger.role": name}])


def test_every_key_is_its_certificates_and_its_owners_alone(city: Path) -> None:
    keys = [path for path in city.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]
    assert len(keys) == 2 + 2 * 2 + 2 * len(ROLES)
    for path in keys:
        assert path.stat().st_mode & 0o777 == 0o600
        other = {"key.pem": "../signcerts/cert.pem"}.get(path.name, path.with_suffix(".crt").name)
        key = serialization.load_pem_private_key(path.read_bytes(), None)
        assert certificate(path.parent / other).public_key() == key.public_key()
    assert city.stat().st_mode & 0o077 == 0


def test_nodes_serve_under_their_host_their_name_and_loopback(city: Path) -> None:
    for kind, hosts in (("peer", ["peer.city.example", "peer0.city", "localhost"]), ("orderer", ["localhost"])):
        server = certificate(city / kind / "tls" / "server.crt")
        server.verify_directly_issued_by(certificate(city / kind / "tls" / "ca.crt"))
        names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert set(hosts) <= set(names.get_values_for_type(x509.DNSName))
        assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]


def test_identities_and_tls_have_authorities_of_their_own(city: Path) -> None:
    assert common_name(city / "ca" / "ca.crt") == "ca.city"
    assert common_name(city / "tlsca" / "tlsca.crt") == "tlsca.city"
    assert (city / "msp" / "cacerts" / "ca-01.pem").read_bytes() == (city / "ca" / "ca.crt").read_bytes()
    assert (city / "msp" / "tlscacerts" / "ca-01.pem").read_bytes() == (city / "tlsca" / "tlsca.crt").read_bytes()
    assert {path.name for path in (city / "msp").iterdir()} == {"cacerts", "tlscacerts", "config.yaml"}


def test_an_organisation_is_never_made_over_another(city: Path) -> None:
    before = (city / "ca" / "ca.key").read_bytes()
    with pytest.raises(FileExistsError):
        create_organisation(city, CITY)
    assert (city / "ca" / "ca.key").read_bytes() == before


def test_a_users_certificate_says_a_pseudonym(city: Path) -> None:
    assert common_name(city / "users" / "issuer" / "msp" / "signcerts" / "cert.pem") == "issuer-01"
    create_user(city, "window-7", "verifier")
    assert common_name(city / "users" / "window-7" / "msp" / "signcerts" / "cert.pem") == "window-7"
    assert common_name(city / "users" / "window-7" / "tls" / "client.crt") == "window-7"


def test_two_users_never_have_one_pseudonym(city: Path) -> None:
    with pytest.raises(NetworkError, match="the user issuer has the pseudonym issuer-01 already"):
        create_user(city, "issuer-01", "issuer")
    with pytest.raises(NetworkError, match="exists already"):
        create_user(city, "issuer", "issuer")


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a b", "-x", ".x", "a" * 41, "日本", "a\0", "a\n", "é"])
def test_a_name_that_is_none_is_refused(city: Path, name: str) -> None:
    before = user_names(city)
    with pytest.raises(NetworkError, match="letters, digits, hyphens and dots only"):
        create_user(city, name, "issuer")
    assert user_names(city) == before


def test_a_role_that_is_none_is_refused(city: Path) -> None:
    with pytest.raises(NetworkError, match="there is no role mayor"):
        create_user(city, "someone-1", "mayor")


@pytest.mark.parametrize("damage", ["ca/ca.key", "ca/ca.crt", "tlsca/tlsca.key", "tlsca/tlsca.crt"])
@pytest.mark.parametrize("content", [None, b"nothing"])
def test_without_its_authorities_an_organisation_gets_no_users(
    tmp_path: Path, damage: str, content: bytes | None
) -> None:
    folder = tmp_path / "City"
    create_organisation(folder, CITY)
    if content is None:
        (folder / damage).unlink()
    else:
        (folder / damage).write_bytes(content)
    before = sorted((folder / "users").iterdir())
    with pytest.raises(FolderError, match="certificate authority cannot be read"):
        create_user(folder, "issuer-02", "issuer")
    assert sorted((folder / "users").iterdir()) == before


def test_a_user_that_could_not_be_written_leaves_nothing(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    before = sorted((city / "users").iterdir())
    with monkeypatch.context() as patched:
        patched.setattr("network.crypto.AuthorityCertificates.write_above", fail)
        with pytest.raises(OSError, match="no space left"):
            create_user(city, "issuer-09", "issuer")
    assert sorted((city / "users").iterdir()) == before
    create_user(city, "issuer-09", "issuer")
    assert "issuer-09" in user_names(city)


@pytest.mark.parametrize("place", ["peer", "orderer", "users/admin", "users/issuer"])
def test_fabrics_peer_loads_the_msp_folder(city: Path, tmp_path: Path, place: str) -> None:
    assert "failed to connect to" in run_peer(tmp_path, city / place / "msp")


def test_fabrics_peer_does_not_load_a_folder_without_a_key(city: Path, tmp_path: Path) -> None:
    assert "Cannot run peer" in run_peer(tmp_path, city / "msp")


def run_peer(home: Path, msp: Path) -> str:
    """What Fabric's `peer` says when it is to speak to a peer that does not exist: it loads the MSP folder first."""
    program = fabric.require("peer")
    (home / "core.yaml").write_text("peer: {BCCSP: {Default: SW, SW: {Hash: SHA2, Security: 256}}}\n")
    done = subprocess.run(
        [program, "channel", "list"],
        cwd=home,
        env={
            "PATH": os.environ.get("PATH", ""),
            "FABRIC_CFG_PATH": str(home),
            "FABRIC_LOGGING_SPEC": "error",
            "CORE_PEER_LOCALMSPID": "CityMSP",
            "CORE_PEER_MSPCONFIGPATH": str(msp),
            "CORE_PEER_ADDRESS": "127.0.0.1:0",
            "CORE_PEER_CLIENT_CONNTIMEOUT": "10ms",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    return (done.stdout + done.stderr).decode()
