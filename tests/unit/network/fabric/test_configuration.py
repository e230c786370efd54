"""core.yaml and orderer.yaml, and the registry's package: what real nodes are told."""

import json
import os
import ssl
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from shutil import copytree
from tarfile import open as open_archive
from typing import Any

import pytest
import yaml

from network import control
from network.fabric import binaries, registry_package
from network.fabric.launching import Launch, prepare
from network.fabric.nodes import Kind, nodes_of
from network.fabric.registry_package import registry_package_id, registry_service_package
from network.folder import Engine, Folder
from network.profiles import connection_profile, peer_environment
from network.topology import Topology

PEER, ORDERER = Path("/fabric/peer"), Path("/fabric/orderer")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    """A folder for Fabric, though its programs are not here."""
    patch = pytest.MonkeyPatch()
    patch.setattr(binaries, "find", lambda: None)
    folder = Folder.at(tmp_path_factory.mktemp("made") / "a network")
    control.create(folder, engine=Engine.FABRIC)
    patch.undo()
    folder.home.mkdir()
    return folder


@pytest.fixture(scope="module")
def topology(folder: Folder) -> Topology:
    return folder.topology()


@pytest.fixture(scope="module")
def launches(folder: Folder, topology: Topology) -> dict[str, Launch]:
    return {launch.node.name: launch for launch in prepare(folder, topology, PEER, ORDERER)}


def configuration(launches: dict[str, Launch], name: str) -> dict[str, Any]:
    (path,) = launches[name].folder.glob("*.yaml")
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from texts(one)
    elif isinstance(value, str):
        yield value


def files_of(content: dict[str, Any]) -> list[Path]:
    return [Path(text) for text in texts(content) if text.startswith("/")]


def test_every_organisation_has_an_orderer_a_peer_and_a_registry(topology: Topology) -> None:
    names = [node.name for node in nodes_of(topology.organisations)]
    assert names == [
        *("orderer0.city", "orderer0.nishitetsu", "orderer0.trivalley"),
        *("peer0.city", "peer0.nishitetsu", "peer0.trivalley"),
        *("registry.city", "registry.nishitetsu", "registry.trivalley"),
    ]
    (city,) = [node for node in nodes_of(topology.organisations) if node.name == "peer0.city"]
    assert city.addresses == ("localhost:7051", "localhost:7056", "localhost:7052")


def test_nodes_listen_on_loopback_only(launches: dict[str, Launch]) -> None:
    core, orderer = configuration(launches, "peer0.city"), configuration(launches, "orderer0.city")
    listening = [
        core["peer"]["listenAddress"],
        core["peer"]["chaincodeListenAddress"],
        core["operations"]["listenAddress"],
        orderer["Operations"]["ListenAddress"],
        orderer["Admin"]["ListenAddress"],
        f"{orderer['General']['ListenAddress']}:{orderer['General']['ListenPort']}",
        launches["registry.city"].environment["CHAINCODE_SERVER_ADDRESS"],
    ]
    assert listening == [f"127.0.0.1:{port}" for port in (7051, 7052, 7056, 7057, 7053, 7050, 7055)]
    assert core["peer"]["address"] == core["peer"]["gossip"]["externalEndpoint"] == "localhost:7051"


@pytest.mark.parametrize("name", ["peer0.nishitetsu", "orderer0.trivalley"])
def test_files_that_are_named_are_there(launches: dict[str, Launch], name: str) -> None:
    files = files_of(configuration(launches, name))
    missing = {path for path in files if not path.exists()}
    assert {path.name for path in missing} <= {"data", "snapshots", "ledger", "wal"}  # the node makes them
    assert all(launches[name].folder in path.parents for path in missing)
    assert len(files) > 8


def test_no_node_is_told_another_organisations_keys(folder: Folder, launches: dict[str, Launch]) -> None:
    for launch in launches.values():
        own = folder.organisation(launch.node.organisation.name)
        named = [Path(text) for text in launch.environment.values() if text.startswith("/")]
        if launch.node.kind is not Kind.CHAINCODE:
            named += files_of(configuration(launches, launch.node.name))
        keys = [path for path in named if path.suffix == ".key" or path.name in ("msp", "keystore")]
        assert keys
        assert all(own in path.parents for path in keys)


def test_tls_everywhere_and_administration_for_operators_only(folder: Folder, launches: dict[str, Launch]) -> None:
    core, orderer = configuration(launches, "peer0.city"), configuration(launches, "orderer0.city")
    assert core["peer"]["tls"]["enabled"]
    assert orderer["General"]["TLS"]["Enabled"]
    operator = str(folder.organisation("City") / "operator" / "ca.crt")
    assert orderer["Admin"]["TLS"]["ClientAuthRequired"]
    assert orderer["Admin"]["TLS"]["ClientRootCAs"] == orderer["Operations"]["TLS"]["ClientRootCAs"] == [operator]
    assert core["operations"]["tls"]["clientRootCAs"]["files"] == [operator]
    # Nobody's TLS certificate of the organisation's own authority passes for an operator's.
    authority = ssl.create_default_context(cafile=operator).get_ca_certs(binary_form=True)
    tls_authority = ssl.create_default_context(cafile=str(folder.organisation("City") / "tlsca" / "tlsca.crt"))
    assert authority != tls_authority.get_ca_certs(binary_form=True)


def test_peers_trust_every_organisations_tls_authority_before_they_join(
    folder: Folder, topology: Topology, launches: dict[str, Launch]
) -> None:
    roots = Path(configuration(launches, "peer0.city")["peer"]["tls"]["rootcert"]["file"]).read_bytes()
    for one in topology.organisations:
        assert (folder.organisation(one.name) / "tlsca" / "tlsca.crt").read_bytes() in roots


def test_what_breaks_a_peer_when_it_is_missing(launches: dict[str, Launch]) -> None:
    core = configuration(launches, "peer0.city")
    assert core["vm"]["endpoint"] == ""
    (builder,) = core["chaincode"]["externalBuilders"]
    assert os.access(Path(builder["path"]) / "bin" / "detect", os.X_OK)
    assert core["peer"]["gossip"]["pvtData"]["pushAckTimeout"]
    assert set(core["chaincode"]["system"]) == {"_lifecycle", "cscc", "lscc", "qscc"}
    assert core["peer"]["handlers"]["authFilters"]


def test_environment_of_nodes_is_theirs(
    folder: Folder, topology: Topology, monkeypatch: pytest.MonkeyPatch, launches: dict[str, Launch]
) -> None:
    monkeypatch.setenv("CORE_PEER_LOCALMSPID", "OtherMSP")
    monkeypatch.setenv("ORDERER_GENERAL_LISTENPORT", "1")
    monkeypatch.setenv("SECRET", "x")
    monkeypatch.setenv("CERTLEDGER_ISSUER_MSPS", "CityMSP")
    again = {launch.node.name: launch for launch in prepare(folder, topology, PEER, ORDERER)}
    for name, launch in again.items():
        assert not {"CORE_PEER_LOCALMSPID", "ORDERER_GENERAL_LISTENPORT", "SECRET"} & set(launch.environment)
        assert launch.environment["CERTLEDGER_ISSUER_MSPS"] == "CityMSP"
        assert launch.arguments == launches[name].arguments
    assert again["peer0.city"].arguments == (str(PEER), "node", "start")
    assert again["peer0.city"].environment["FABRIC_CFG_PATH"] == str(again["peer0.city"].folder)


def test_only_peers_learn_how_pip_finds_its_index(
    folder: Folder, topology: Topology, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There may be a password in it, and peers alone build packages."""
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:secret@index.example/simple")
    for launch in prepare(folder, topology, PEER, ORDERER):
        assert ("PIP_INDEX_URL" in launch.environment) == (launch.node.kind is Kind.PEER), launch.node.name


def test_registrys_package_fits_its_process(folder: Folder, topology: Topology, launches: dict[str, Launch]) -> None:
    ids = set()
    for one in topology.organisations:
        package = registry_service_package(folder, one)
        assert package == registry_service_package(folder, one)
        ids.add(registry_package_id(folder, one))
        with open_archive(fileobj=BytesIO(package)) as outer:
            code = outer.extractfile("code.tar.gz")
            assert code
            with open_archive(fileobj=BytesIO(code.read())) as inner:
                content = inner.extractfile("connection.json")
                assert content
                connection = json.load(content)
        environment = launches[f"registry.{one.label}"].environment
        assert environment["CHAINCODE_ID"] == registry_package_id(folder, one)
        assert connection["tls_required"]
        assert connection["client_auth_required"]
        assert connection["root_cert"] == Path(environment["CHAINCODE_CLIENT_CA_CERT"]).read_text()
        assert Path(environment["CHAINCODE_TLS_KEY"]).read_text() != connection["client_key"]
    assert len(ids) == 3


def test_registrys_package_stays_what_peers_have_installed(
    folder: Folder, topology: Topology, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As long as its address and its keys are the same, whatever a later version would make of them."""
    city = topology.organisation("City")
    folder = Folder.at(copytree(folder.path, tmp_path / "net"))
    before = registry_package_id(folder, city)
    monkeypatch.setattr(registry_package, "service_package", lambda *_: b"of another version")
    assert registry_package_id(folder, city) == before
    keys = folder.organisation("City") / "registry"
    (kept,) = keys.glob("package-*")
    assert kept.stat().st_mode & 0o777 == 0o600
    (keys / "client.key").write_bytes((keys / "client.key").read_bytes() + b"\n")
    assert registry_service_package(folder, city) == b"of another version"


def test_keys_are_their_owners_only_and_the_links_authorities_are_gone(folder: Folder) -> None:
    for kind in ("operator", "registry"):
        home = folder.organisation("City") / kind
        assert not (home / "ca.key").exists()
        for key in home.glob("*.key"):
            assert key.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in (folder.organisation("City") / "operator").iterdir()} == {
        "ca.crt",
        "client.crt",
        "client.key",
    }


def test_clients_show_their_certificate_at_the_peers_only_port(folder: Folder, topology: Topology) -> None:
    city = topology.organisation("City")
    peer = connection_profile(folder, city)["peers"]["peer0.city"]
    assert peer["url"] == peer["mutualTlsUrl"] == "grpcs://localhost:7051"
    variables = peer_environment(folder, city, mutual_tls=True)
    assert variables["CORE_PEER_ADDRESS"] == "localhost:7051"
