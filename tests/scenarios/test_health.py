"""gRPC's health protocol, which orderers answer as Fabric's do."""

import grpc
import pytest

from network.folder import Folder
from network.topology import Organisation

CHECK = "/grpc.health.v1.Health/Check"
SERVING = b"\x08\x01"


@pytest.fixture(params=range(3))
def organisation(network: Folder, request: pytest.FixtureRequest) -> Organisation:
    return network.topology().organisations[request.param]


def check(network: Folder, organisation: Organisation, request: bytes) -> bytes:
    root = (network.organisation(organisation.name) / "orderer" / "tls" / "ca.crt").read_bytes()
    with grpc.secure_channel(organisation.orderer, grpc.ssl_channel_credentials(root)) as channel:
        return bytes(channel.unary_unary(CHECK, bytes, bytes)(request, timeout=10))


def test_an_orderer_serves(network: Folder, organisation: Organisation) -> None:
    assert check(network, organisation, b"") == SERVING


def test_of_a_service_by_name_nothing_is_known(network: Folder, organisation: Organisation) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        check(network, organisation, b"\x0a\x05other")
    assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.NOT_FOUND, "unknown service")
