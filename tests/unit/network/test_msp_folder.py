"""MSP folders are read as Fabric's programs read them."""

from pathlib import Path

import pytest
from fabric_protos.msp import msp_config_pb2

from network.crypto import UNITS as ROLE_UNITS
from network.crypto import create_organisation, msp_config
from network.msp_folder import msp_definition
from network.topology import CHANNEL, default_configtx, read_topology
from tests import fabric
from tests.authorities import Ca
from tests.unit.network.config_blocks import take_apart

ROOT, OTHER, TLS = Ca.root("ca.town"), Ca.root("ca2.town"), Ca.root("tlsca.town")
SUB, TLS_SUB = ROOT.ca("sub.town"), TLS.ca("sub.tlsca.town")
UNITS = """\
NodeOUs:
  Enable: {enabled}
  ClientOUIdentifier:
    OrganizationalUnitIdentifier: client
    Certificate: {certificate}
  PeerOUIdentifier:
    OrganizationalUnitIdentifier: peer
  AdminOUIdentifier:
    OrganizationalUnitIdentifier: ""
"""
FOLDERS: dict[str, dict[str, bytes]] = {
    "roots alone": {"cacerts/ca.pem": ROOT.pem},
    "several roots": {"cacerts/b.pem": ROOT.pem, "cacerts/a.pem": OTHER.pem, "cacerts/B.pem": TLS.pem},
    "everything": {
        "cacerts/ca.pem": ROOT.pem,
        "intermediatecerts/sub.pem": SUB.pem,
        "admincerts/admin.pem": ROOT.issue("admin-01", "client").pem,
        "crls/crl.pem": ROOT.crl(),
        "tlscacerts/tls.pem": TLS.pem,
        "tlsintermediatecerts/sub.pem": TLS_SUB.pem,
        "config.yaml": msp_config(ROLE_UNITS).encode(),
    },
    "what is no PEM": {
        "cacerts/ca.pem": ROOT.pem,
        "cacerts/README": b"the root\n",
        "cacerts/old/ca.pem": OTHER.pem,
        "admincerts/.gitkeep": b"",
        "crls/broken.pem": b"-----BEGIN X509 CRL-----\n",
    },
    "text around the PEM": {"cacerts/ca.pem": b"Certificate:\n    Data:\n" + ROOT.pem + b"\nthat was it\n"},
    "two certificates in a file": {"cacerts/ca.pem": ROOT.pem + OTHER.pem},
    "intermediates of TLS without roots": {"cacerts/ca.pem": ROOT.pem, "tlsintermediatecerts/sub.pem": TLS_SUB.pem},
    "an empty config.yaml": {"cacerts/ca.pem": ROOT.pem, "config.yaml": b""},
    "units off": {
        "cacerts/ca.pem": ROOT.pem,
        "config.yaml": UNITS.format(enabled="false", certificate="cacerts/ca.pem").encode(),
    },
    "units in part": {
        "cacerts/ca.pem": ROOT.pem,
        "config.yaml": UNITS.format(enabled="true", certificate="cacerts/ca.pem").encode(),
    },
    "units of members": {
        "cacerts/ca.pem": ROOT.pem,
        "config.yaml": b"OrganizationalUnitIdentifiers:\n- OrganizationalUnitIdentifier: town\n"
        b"  Certificate: cacerts/ca.pem\n",
    },
}


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_is_read_as_configtxgen_reads_it(name: str, tmp_path: Path) -> None:
    text = default_configtx()
    city, *others = read_topology(text).organisations
    create_organisation(tmp_path / city.name, city)
    for other in others:
        (tmp_path / other.name).symlink_to(city.name)
    for path in (tmp_path / city.name / "msp").glob("*/*"):
        path.unlink()
    (tmp_path / city.name / "msp" / "config.yaml").unlink()
    write(tmp_path / city.name / "msp", FOLDERS[name])
    (tmp_path / "configtx.yaml").write_text(text, encoding="utf-8")
    block = fabric.configtxgen(tmp_path, "Raft", CHANNEL, tmp_path / "channel.block")
    assert block is not None
    application = take_apart(block).rest["group"]["groups"]["Application"]
    _, _, value = application["groups"]["City"]["values"]["MSP"]
    theirs = msp_config_pb2.MSPConfig.FromString(value)
    assert theirs.type == 0
    assert theirs.config == msp_definition(tmp_path / city.name / "msp", "CityMSP")


def read(folder: Path, files: dict[str, bytes]) -> msp_config_pb2.FabricMSPConfig:
    write(folder, files)
    return msp_config_pb2.FabricMSPConfig.FromString(msp_definition(folder, "TownMSP"))


def test_everything_in_the_folder_is_in_the_definition(tmp_path: Path) -> None:
    files = FOLDERS["everything"]
    found = read(tmp_path, files)
    assert found.name == "TownMSP"
    assert list(found.root_certs) == [ROOT.pem]
    assert list(found.intermediate_certs) == [SUB.pem]
    assert list(found.admins) == [files["admincerts/admin.pem"]]
    assert list(found.revocation_list) == [files["crls/crl.pem"]]
    assert list(found.tls_root_certs) == [TLS.pem]
    assert list(found.tls_intermediate_certs) == [TLS_SUB.pem]
    assert found.fabric_node_ous.enable
    assert found.fabric_node_ous.orderer_ou_identifier.organizational_unit_identifier == "orderer"
    assert (found.crypto_config.signature_hash_family, found.crypto_config.identity_identifier_hash_function) == (
        "SHA2",
        "SHA256",
    )
    assert not found.HasField("signing_identity")


def test_files_are_taken_in_the_order_of_their_names(tmp_path: Path) -> None:
    assert list(read(tmp_path, FOLDERS["several roots"]).root_certs) == [TLS.pem, OTHER.pem, ROOT.pem]


def test_units_are_taken_as_far_as_they_are_stated(tmp_path: Path) -> None:
    units = read(tmp_path, FOLDERS["units in part"]).fabric_node_ous
    assert units.enable
    assert units.client_ou_identifier.certificate == ROOT.pem
    assert not units.peer_ou_identifier.certificate
    assert units.HasField("peer_ou_identifier")
    assert not units.HasField("admin_ou_identifier")
    assert not units.HasField("orderer_ou_identifier")


def test_units_that_are_off_are_left_out(tmp_path: Path) -> None:
    assert not read(tmp_path, FOLDERS["units off"]).HasField("fabric_node_ous")


def test_a_folder_without_a_root_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no CA certificate"):
        read(tmp_path, {"cacerts/README": b"none yet\n", "tlscacerts/tls.pem": TLS.pem})


@pytest.mark.parametrize(
    "text", ["- a list\n", "NodeOUs: yes\n", "NodeOUs: {Enable: true, PeerOUIdentifier: peer}\n", "{", "a: b: c\n"]
)
def test_a_config_yaml_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"config\.yaml is not as it must be"):
        read(tmp_path, {"cacerts/ca.pem": ROOT.pem, "config.yaml": text.encode()})


def test_a_ca_that_config_yaml_names_must_be_there(tmp_path: Path) -> None:
    text = UNITS.format(enabled="true", certificate="cacerts/gone.pem")
    with pytest.raises(OSError, match=r"gone\.pem"):
        read(tmp_path, {"cacerts/ca.pem": ROOT.pem, "config.yaml": text.encode()})
