"""TLS: who the peer is, who the client is, and proposals bound to the connection."""

from hashlib import sha256

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fabric_protos.common import common_pb2

from node_client import Endpoint, EvaluateError, GatewayOptions
from node_client.gateway.options import NO_RETRY
from node_client.protocol.errors import ProtocolError
from tests.unit.node_client.both import entered, settle, take
from tests.unit.node_client.fake_peer import FakePeer, event
from tests.unit.node_client.people import person

AUTHORITY = person("tlsca.city")
SERVER = person("peer0.city", issuer=AUTHORITY, host="peer0.city")
CLIENT = person("client", issuer=AUTHORITY, host="client.city")


@pytest.fixture
def peer():
    pair = [(SERVER.key, SERVER.certificate)]
    with FakePeer(credentials=grpc.ssl_server_credentials(pair)) as peer:
        yield peer


@pytest.fixture
def strict_peer():
    pair = [(SERVER.key, SERVER.certificate)]
    credentials = grpc.ssl_server_credentials(pair, AUTHORITY.certificate, require_client_auth=True)
    with FakePeer(credentials=credentials) as peer:
        yield peer


def endpoint(peer, **changed):
    arguments = {"address": f"localhost:{peer.port}", "tls_roots": AUTHORITY.certificate, "server_name": "peer0.city"}
    return Endpoint(**{**arguments, **changed})


async def evaluate(gateway):
    return await settle(gateway.get_network("certificates").get_contract("registry").evaluate("Read"))


async def test_a_peer_with_a_certificate_of_the_authority_is_trusted(peer, connect):
    async with entered(connect(endpoint=endpoint(peer))) as gateway:
        assert await evaluate(gateway) == b"Read"
    (call,) = peer.received
    assert call.proposal.tls_certificate_hash == b""


@pytest.mark.parametrize(
    "changed",
    [{"tls_roots": person("tlsca.other").certificate}, {"server_name": "peer0.nishitetsu"}, {"server_name": ""}],
    ids=["another authority", "another name", "the address's name"],
)
async def test_a_peer_that_is_not_the_one_gets_nothing(peer, connect, changed):
    async with entered(connect(endpoint=endpoint(peer, **changed))) as gateway:
        with pytest.raises(EvaluateError) as caught:
            await evaluate(gateway)
    assert caught.value.code == "UNAVAILABLE"
    assert not peer.received


async def test_proposals_are_bound_to_the_clients_certificate(strict_peer, connect):
    at = endpoint(strict_peer, client_certificate=CLIENT.certificate, client_key=CLIENT.key)
    expected = sha256(x509.load_pem_x509_certificate(CLIENT.certificate).public_bytes(Encoding.DER)).digest()
    strict_peer.streams = [[event(1, "a")]]
    async with entered(connect(endpoint=at)) as gateway:
        await evaluate(gateway)
        await settle(gateway.process_proposal("_lifecycle", [b"x"]))
        request = gateway.get_network("c").new_block_events_request()
    assert [call.proposal.tls_certificate_hash for call in strict_peer.received] == [expected] * 2
    payload = common_pb2.Payload.FromString(request.data)
    header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
    assert header.tls_cert_hash == expected


async def test_mutual_tls_refuses_a_client_without_certificate(strict_peer, connect):
    options = GatewayOptions(retry=NO_RETRY)
    async with entered(connect(endpoint=endpoint(strict_peer), options=options)) as gateway:
        with pytest.raises(EvaluateError) as caught:
            await evaluate(gateway)
    assert caught.value.unreachable


async def test_the_hash_for_a_channel_of_the_callers_own_can_be_given(peer, kind, identity, signer):
    credentials = grpc.ssl_channel_credentials(AUTHORITY.certificate)
    name = (("grpc.ssl_target_name_override", "peer0.city"),)
    of_kind = grpc.aio.secure_channel if kind.__name__ == "AsyncGateway" else grpc.secure_channel
    channel = of_kind(f"localhost:{peer.port}", credentials, options=name)
    options = GatewayOptions(tls_certificate_hash=b"h" * 32)
    async with entered(kind(channel, identity, signer, options)) as gateway:
        await evaluate(gateway)
    await settle(channel.close())
    assert peer.received[0].proposal.tls_certificate_hash == b"h" * 32


async def test_events_come_over_tls(peer, connect):
    peer.streams = [[event(1, "a")]]
    async with (
        entered(connect(endpoint=endpoint(peer))) as gateway,
        entered(gateway.get_network("c").chaincode_events("registry")) as events,
    ):
        assert (await take(events, 1))[0].transaction_id == "a"


def test_a_client_certificate_that_is_none_is_refused(connect, peer):
    with pytest.raises(ProtocolError):
        connect(endpoint=endpoint(peer, client_certificate=b"none", client_key=CLIENT.key))
