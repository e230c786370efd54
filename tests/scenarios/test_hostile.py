"""Hostile requests: nothing crashes, hangs or leaks, and nothing is accepted that should not be."""

import asyncio
import contextlib
import random
import socket
import ssl
from collections.abc import Iterator

import grpc
import psutil
import pytest
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import chaincode_pb2, chaincode_shim_pb2, proposal_pb2

from chaincode.registry.model.ids import new_id
from network import control
from network.authority import Authority
from network.embedded.gateway_service import CONCURRENCY_LIMIT
from network.folder import Folder
from network.topology import CHANNEL
from node_client import ConnectionProfile, EndorseError, Gateway, Identity, KeySigner
from tests.scenarios.hostility import (
    CHAINCODE,
    SEED,
    attacked,
    gateway,
    proposal,
    read,
    request,
    require_refused,
    require_serving,
    signed,
)
from tests.scenarios.seeking import Person
from tests.scenarios.wire import (
    DELIVER,
    DISCOVER,
    EVENTS,
    HEALTH,
    OPTIONS,
    ORDERER,
    REGISTER,
    UNARY,
    Wire,
    mutations,
)

pytestmark = pytest.mark.embedded

STREAMS = 10_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    with attacked(tmp_path_factory.mktemp("hostile") / "net") as folder:
        yield folder


@pytest.fixture
def wire(folder: Folder) -> Iterator[Wire]:
    with Wire(folder, "City") as wire:
        yield wire


@pytest.fixture
def issuer(folder: Folder) -> Person:
    return Person.of(folder, "City", "issuer")


@pytest.mark.parametrize("method", [*UNARY, EVENTS, *DELIVER])
@pytest.mark.parametrize("port", ["peer", "mutual"])
def test_garbage_on_every_method(wire: Wire, folder: Folder, method: str, port: str) -> None:
    chance = random.Random(SEED)
    channel = getattr(wire, port)
    for size in (0, 1, 2, 10, 100, 5000):
        data = chance.randbytes(size)
        if method in UNARY:
            require_refused(wire.unary(channel, method, data), method)
        else:
            read(wire.stream(channel, method, [data]))
    require_serving(folder)


@pytest.mark.parametrize("method", ORDERER)
def test_garbage_on_the_orderers_methods(wire: Wire, folder: Folder, method: str) -> None:
    chance = random.Random(SEED)
    for size in (0, 1, 10, 5000):
        for answer in read(wire.stream(wire.orderer, method, [chance.randbytes(size)])):
            assert ab_pb2.BroadcastResponse.FromString(answer).status != common_pb2.SUCCESS
    require_serving(folder)


@pytest.mark.parametrize("port", ["peer", "mutual"])
def test_garbage_gets_nothing_of_discovery(wire: Wire, folder: Folder, port: str) -> None:
    chance = random.Random(SEED)
    for size in (0, 1, 2, 10, 100, 5000):
        answer = wire.unary(getattr(wire, port), DISCOVER, chance.randbytes(size))
        assert isinstance(answer, grpc.RpcError)
        require_refused(answer, DISCOVER)
    require_serving(folder)


def test_garbage_on_the_port_of_launched_chaincode(wire: Wire, folder: Folder) -> None:
    """What cannot be read ends the stream in gRPC's words; what can be read but registers nobody gets no answer."""
    chance = random.Random(SEED)
    for data in (b"\xff", b"\x0a\x05a", chance.randbytes(5000)):
        stream = wire.stream(wire.launch, REGISTER, [data])
        assert read(stream) == []
        assert isinstance(stream, grpc.Call)
        assert stream.code() is grpc.StatusCode.INTERNAL
    good = chaincode_shim_pb2.ChaincodeMessage(
        type=chaincode_shim_pb2.ChaincodeMessage.REGISTER,
        payload=chaincode_pb2.ChaincodeID(name="registry:" + "ab" * 32).SerializeToString(),
    ).SerializeToString()
    for data in mutations(good, 60, chance):
        assert read(wire.stream(wire.launch, REGISTER, [data])) == []
    require_serving(folder)


def test_garbage_is_no_service_whose_health_is_known(wire: Wire, folder: Folder) -> None:
    chance = random.Random(SEED)
    for size in (1, 2, 10, 5000):
        answer = wire.unary(wire.orderer, HEALTH, chance.randbytes(size))
        assert isinstance(answer, grpc.Call)
        assert answer.code() is grpc.StatusCode.NOT_FOUND
    assert wire.unary(wire.orderer, HEALTH, b"") == b"\x08\x01"  # SERVING
    require_serving(folder)


def test_bytes_that_are_no_grpc(folder: Folder) -> None:
    chance = random.Random(SEED)
    one = folder.topology().organisation("City")
    context = ssl.create_default_context(cafile=str(folder.organisation("City") / "tlsca" / "tlsca.crt"))
    context.set_alpn_protocols(["h2"])
    shown = ssl.create_default_context(cafile=str(folder.organisation("City") / "tlsca" / "tlsca.crt"))
    shown.set_alpn_protocols(["h2"])
    home = folder.organisation("City") / "users" / "issuer" / "tls"
    shown.load_cert_chain(home / "client.crt", home / "client.key")
    for address in (one.peer, one.orderer, one.mutual_tls_peer):
        port = int(address.rpartition(":")[2])
        for data in (b"GET / HTTP/1.1\r\n\r\n", chance.randbytes(10_000), b"\x16\x03\x01\xff\xff"):
            with socket.create_connection(("127.0.0.1", port)) as plain, contextlib.suppress(OSError):
                plain.sendall(data)
        inside = shown if address == one.mutual_tls_peer else context
        for data in (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + chance.randbytes(3000), chance.randbytes(3000), b""):
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", port)) as plain,
                inside.wrap_socket(plain, server_hostname="localhost") as secure,
            ):
                secure.sendall(data)
    require_serving(folder)


@pytest.mark.parametrize("method", ["/gateway.Gateway/Endorse", "/protos.Endorser/ProcessProposal"])
def test_signatures_of_others(wire: Wire, folder: Folder, issuer: Person, method: str) -> None:
    auditor = Person.of(folder, "City", "auditor")
    data = proposal(issuer)
    for signature in (auditor.sign(data), issuer.sign(data + b"x"), b"", b"\x30\x06\x02\x01\x01\x02\x01\x01"):
        one = proposal_pb2.SignedProposal(proposal_bytes=data, signature=signature)
        require_refused(wire.unary(wire.peer, method, request(method, one)), method)


@pytest.mark.parametrize("method", ["/gateway.Gateway/Endorse", "/protos.Endorser/ProcessProposal"])
def test_identities_that_are_nobody_here(wire: Wire, folder: Folder, method: str) -> None:
    for user in strangers(folder):
        require_refused(wire.unary(wire.peer, method, request(method, signed(user, proposal(user)))), method)


def strangers(folder: Folder) -> Iterator[Person]:
    """Identities of another CA, of another organisation's CA, of no or of two units, and of an unknown organisation."""
    home = folder.organisation("City") / "ca"
    city = Authority.load(home / "ca.key", home / "ca.crt")
    centre = folder.organisation("Nishitetsu") / "ca"
    other = Authority.load(centre / "ca.key", centre / "ca.crt")
    role = {"certledger.role": "issuer"}
    pairs = [
        ("CityMSP", Authority.create("City", "ca.city").issue_identity("issuer-01", unit="client", attributes=role)),
        ("CityMSP", other.issue_identity("issuer-01", unit="client", attributes=role)),
        ("CityMSP", city.issue_identity("issuer-01", unit="somebody", attributes=role)),
        ("NobodyMSP", city.issue_identity("issuer-01", unit="client", attributes=role)),
    ]
    for msp_id, pair in pairs:
        yield Person(Identity(msp_id, pair.certificate), KeySigner.from_pem(pair.key))


def test_role_is_not_borrowed_from_another_organisation(folder: Folder) -> None:
    """A data centre's CA can mint the attribute; the registry asks for the organisation as well."""
    profile = ConnectionProfile.load(folder.organisation("Nishitetsu") / "connection.json")
    with (
        Gateway.from_profile(profile, "Nishitetsu", "issuer") as one,
        pytest.raises(EndorseError, match="NOT_AUTHORISED"),
    ):
        one.get_network(CHANNEL).get_contract(CHAINCODE).submit("IssueCertificate", new_id(), "ab" * 32)


def test_replayed_proposal(wire: Wire, folder: Folder, issuer: Person) -> None:
    with gateway(folder) as one:
        new = one.get_network(CHANNEL).get_contract(CHAINCODE).new_proposal("IssueCertificate", new_id(), "ab" * 32)
        transaction = new.endorse()
        transaction.submit().require_valid()
    again = request("/gateway.Gateway/Endorse", signed(issuer, new.data))
    answer = wire.unary(wire.peer, "/gateway.Gateway/Endorse", again)
    require_refused(answer, "/gateway.Gateway/Endorse")
    assert isinstance(answer, grpc.Call)


@pytest.mark.parametrize("change", [{"channel": "other"}, {"chaincode": "other"}, {"channel": ""}, {"chaincode": ""}])
def test_wrong_channel_or_chaincode(wire: Wire, issuer: Person, change: dict[str, str]) -> None:
    one = signed(issuer, proposal(issuer, **change))  # type: ignore[arg-type]
    for method in ("/gateway.Gateway/Endorse", "/gateway.Gateway/Evaluate"):
        answer = wire.unary(wire.peer, method, request(method, one))
        assert isinstance(answer, grpc.Call)
        assert "Unexpected" not in (answer.details() or "")


@pytest.mark.slow
async def test_ten_thousand_idle_streams(folder: Folder, issuer: Person) -> None:
    pid = control.status(folder).pid
    assert pid is not None
    data = gateway_pb2.ChaincodeEventsRequest(
        channel_id=CHANNEL, chaincode_id=CHAINCODE, identity=issuer.identity.serialized
    ).SerializeToString()
    asked = gateway_pb2.SignedChaincodeEventsRequest(request=data, signature=issuer.sign(data)).SerializeToString()
    async with contextlib.AsyncExitStack() as stack:
        channels = []
        for name in ("Nishitetsu", "TriValley") * 10:
            root = (folder.organisation(name) / "tlsca" / "tlsca.crt").read_bytes()
            address = folder.topology().organisation(name).peer
            channel = grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(root), options=OPTIONS)
            channels.append(await stack.enter_async_context(channel))
        calls = [channels[number % len(channels)].unary_stream(EVENTS)(asked) for number in range(STREAMS)]
        waiting = {asyncio.ensure_future(call.read()) for call in calls}
        refused = 0
        async with asyncio.timeout(300):
            while refused < STREAMS - 2 * CONCURRENCY_LIMIT:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                errors = {repr(one.exception()) for one in done}
                assert all("exceeding concurrency limit" in error for error in errors), errors
                refused += len(done)
        assert refused == STREAMS - 2 * CONCURRENCY_LIMIT  # the others are admitted, and idle
        await asyncio.to_thread(require_serving, folder)  # the city's own gateway is not the one that is flooded
        assert psutil.Process(pid).memory_info().rss < 1 << 29
        for call in calls:
            call.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    for name in ("Nishitetsu", "TriValley"):
        with Wire(folder, name) as wire:
            answer = wire.unary(wire.peer, UNARY[0], b"")
            assert isinstance(answer, grpc.Call)
            assert answer.code() is grpc.StatusCode.INVALID_ARGUMENT  # there is room again
