"""Who may reach what on real Fabric: TLS everywhere, and certificates where something is administered."""

import ssl
from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from network.fabric.connections import operations, participation
from network.fabric.nodes import Node, orderers, peer, registry
from network.folder import Folder
from network.topology import CHANNEL, Organisation
from node_client import AdminError
from node_client.admin import rest
from node_client.admin._sync.participation import ChannelParticipation
from node_client.admin.rest import RestEndpoint

pytestmark = pytest.mark.fabric


@pytest.fixture
def city(network: Folder) -> Organisation:
    return network.topology().organisation("City")


def endpoint(network: Folder, node: Node, address: str, user: str = "admin") -> RestEndpoint:
    """A node's endpoint, called with a user's TLS certificate."""
    home = network.organisation("City")
    tls = home / "users" / user / "tls"
    return RestEndpoint(
        address=address,
        tls_roots=home / ("orderer" if node.admin else "peer") / "tls" / "ca.crt",
        client_certificate=tls / "client.crt",
        client_key=tls / "client.key",
    )


def test_only_operators_administer_an_orderer(network: Folder, city: Organisation) -> None:
    (node,) = orderers(city)
    found = participation(network, node).channel(CHANNEL)
    assert found
    assert (found.relation, found.status) == ("consenter", "active")
    for user in ("admin", "issuer"):
        with pytest.raises(AdminError) as caught:
            ChannelParticipation(endpoint(network, node, node.admin, user)).channels()
        assert caught.value.unreachable
    with pytest.raises(AdminError, match="already exists"):
        participation(network, node).join((network.path / "channel.block").read_bytes())


def test_health_is_for_everyone_here_and_the_rest_for_operators(network: Folder, city: Organisation) -> None:
    for node in (*orderers(city), peer(city)):
        operations(network, node).check_health()
        home = network.organisation("City")
        tls = home / ("orderer" if node.admin else "peer") / "tls"
        context = ssl.create_default_context(cafile=str(tls / "ca.crt"))
        assert answer(node.operations, context, "/healthz") == 200
        assert answer(node.operations, context, "/metrics") == 401
        assert answer(node.operations, context, "/logspec") == 401


def answer(address: str, context: ssl.SSLContext, path: str) -> int:
    from http.client import HTTPSConnection

    host, _, port = address.rpartition(":")
    connection = HTTPSConnection(host, int(port), context=context, timeout=30)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def test_registry_serves_its_peer_alone(network: Folder, city: Organisation) -> None:
    home = network.organisation("City")
    keys, address = home / "registry", registry(city).address
    assert serves(address, keys / "ca.crt", keys / "client.key", keys / "client.crt")
    assert not serves(address, keys / "ca.crt", None, None)
    for user in ("admin", "issuer"):
        tls = home / "users" / user / "tls"
        assert not serves(address, keys / "ca.crt", tls / "client.key", tls / "client.crt")
    other = network.organisation("TriValley") / "registry"
    assert not serves(address, keys / "ca.crt", other / "client.key", other / "client.crt")
    with grpc.insecure_channel(address) as channel:
        assert not ready(channel)


def serves(address: str, root: Path, key: Path | None, certificate: Path | None) -> bool:
    credentials = grpc.ssl_channel_credentials(
        root.read_bytes(), key.read_bytes() if key else None, certificate.read_bytes() if certificate else None
    )
    with grpc.secure_channel(address, credentials) as channel:
        return ready(channel)


def ready(channel: grpc.Channel) -> bool:
    """Whether anybody answers: with TLS 1.3 a client learns only by a call that it is not admitted."""
    call = channel.unary_unary("/protos.NoSuchService/Call")
    try:
        call(b"", timeout=30)
    except grpc.RpcError as error:
        return bool(error.code() == grpc.StatusCode.UNIMPLEMENTED)  # type: ignore[attr-defined]
    return True


def test_nodes_certificates_are_their_own_organisations(network: Folder, city: Organisation) -> None:
    (node,) = orderers(city)
    wrong = network.organisation("TriValley") / "tlsca" / "tlsca.crt"
    with pytest.raises(AdminError, match="certificate verify failed"):
        rest.call(replace(endpoint(network, node, node.operations), tls_roots=wrong), "GET", "/healthz")
