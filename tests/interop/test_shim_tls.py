"""Contracts of the official shims as services with TLS on both sides, named in the package's connection.json."""

import json
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import pytest

from network.authority import Authority
from network.folder import Folder
from node_client.protocol.chaincode_package import chaincode_package
from tests.interop.services import SERVICES, Tls, gateway, wait_until_it_runs
from tests.scenarios.deploying import Service, define, free_address, unused_name

HOST = "store.city"  # in the service's certificate; where it serves is called otherwise


def package(label: str, address: str, authority: Authority) -> bytes:
    """A package that names a service with TLS, and holds what the peers show it."""
    peers = authority.issue_tls("peers")
    connection = {
        "address": address,
        "domain": HOST,
        "dial_timeout": "10s",
        "tls_required": True,
        "client_auth_required": True,
        "client_key": peers.key.decode(),
        "client_cert": peers.certificate.decode(),
        "root_cert": authority.pair.certificate.decode(),
    }
    return chaincode_package(label, "ccaas", {"connection.json": json.dumps(connection).encode()})


@pytest.fixture(params=["node", pytest.param("java", marks=pytest.mark.slow)])
def service(request: pytest.FixtureRequest, network: Folder, tmp_path: Path) -> Iterator[Service]:
    authority = Authority.create("City", "services.city")
    pair = authority.issue_tls(HOST, [HOST])
    tls = Tls(tmp_path / "service.key", tmp_path / "service.crt", tmp_path / "root.crt")
    pair.write(tls.key, tls.certificate)
    tls.client_roots.write_bytes(authority.pair.certificate)
    name, address = unused_name(f"{request.param}-tls"), free_address()
    service = define(network, name, address, package=package(f"{name}_1", address, authority))
    with SERVICES[request.param](service, tmp_path / "shim.log", tls):
        wait_until_it_runs(service)
        yield service


def test_a_service_with_tls_serves_every_peer(service: Service) -> None:
    key = token_hex(8)
    with gateway(service) as connected:
        contract = connected.get_network("certificates").get_contract(service.name)
        everyone = ["CityMSP", "NishitetsuMSP", "TriValleyMSP"]
        contract.submit("put", key, "over TLS", organizations=everyone)
        assert json.loads(contract.evaluate("get", key)) == {"value": "over TLS"}
