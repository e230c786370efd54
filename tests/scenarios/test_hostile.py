"""Hostile requests: nothing crashes, hangs or leaks, and nothing is accepted that should not be."""

import asyncio
import contextlib
import itertools
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
from fabric_protos.peer import chaincode_pb2, chaincode_shim_pb2, proposal_pb2, proposal_response_pb2

from chaincode.registry.model.ids import new_id
from network import control
from network.authority import Authority
from network.embedded.gateway_service import CONCURRENCY_LIMIT
from network.folder import Folder
from node_client import ConnectionProfile, EndorseError, Gateway, Identity, KeySigner
from node_client.protocol.proposal import build_proposal, parse_proposal
from tests.scenarios.wire import (
    DELIVER,
    DISCOVER,
    EVENTS,
    HEALTH,
    OPTIONS,
    ORDERER,
    REGISTER,
    UNARY,
    User,
    Wire,
    mutations,
)

pytestmark = pytest.mark.embedded

SEED = 20261124
CHANNEL, CHAINCODE = "certificates", "registry"
STREAMS = 10_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    """A network of this module's own: what is done to it here must not reach other tests."""
    folder = Folder.at(tmp_path_factory.mktemp("hostile") / "net")
    control.up(folder, ports="auto")
    pid = control.status(folder).pid
    try:
        yield folder
        assert control.status(folder).pid == pid  # it is still the same process
        log = (folder.embedded / "embedded.log").read_text(encoding="utf-8")
        assert "Traceback" not in log
    finally:
        control.down(folder)


@pytest.fixture
def wire(folder: Folder) -> Iterator[Wire]:
    with Wire(folder, "City") as wire:
        yield wire


@pytest.fixture
def issuer(folder: Folder) -> User:
    return User.of(folder, "City", "issuer")


@contextlib.contextmanager
def gateway(folder: Folder, user: str = "issuer") -> Iterator[Gateway]:
    profile = ConnectionProfile.load(folder.organisation("City") / "connection.json")
    with Gateway.from_profile(profile, "City", user) as found:
        yield found


def proposal(user: User, *args: str, channel: str = CHANNEL, chaincode: str = CHAINCODE) -> bytes:
    arguments = args or ("IssueCertificate", new_id(), "ab" * 32)
    return build_proposal(
        channel=channel,
        chaincode=chaincode,
        args=[arg.encode() for arg in arguments],
        creator=user.identity.serialized,
    )


def signed(user: User, data: bytes) -> proposal_pb2.SignedProposal:
    return proposal_pb2.SignedProposal(proposal_bytes=data, signature=user.sign(data))


def request(method: str, one: proposal_pb2.SignedProposal) -> bytes:
    """The proposal as the method takes it."""
    content = parse_proposal(one.proposal_bytes)
    if method.endswith("ProcessProposal"):
        return one.SerializeToString()
    kind = gateway_pb2.EvaluateRequest if method.endswith("Evaluate") else gateway_pb2.EndorseRequest
    return kind(
        transaction_id=content.transaction_id, channel_id=content.channel, proposed_transaction=one
    ).SerializeToString()


def require_refused(answer: "bytes | grpc.RpcError", method: str) -> None:
    """Refused in the service's own words, not by an exception that nobody expected."""
    if isinstance(answer, bytes):
        assert method.endswith("ProcessProposal"), answer
        response = proposal_response_pb2.ProposalResponse.FromString(answer)
        assert response.response.status >= 400
        assert not response.endorsement.signature
        return
    assert isinstance(answer, grpc.Call)
    assert answer.code() is not grpc.StatusCode.DEADLINE_EXCEEDED
    # The gateway says UNAVAILABLE of some things itself, as of an unknown channel; gRPC says it in these words.
    for word in ("Unexpected", "connect", "ocket", "GOAWAY", "closed"):
        assert word not in (answer.details() or "")


def require_serving(folder: Folder) -> None:
    """Everybody is still served."""
    with gateway(folder) as one:
        contract = one.get_network(CHANNEL).get_contract(CHAINCODE)
        contract.submit("IssueCertificate", new_id(), "cd" * 32)


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


def read(stream: Iterator[bytes]) -> list[bytes]:
    """What a stream answers until it ends in whatever way."""
    answers: list[bytes] = []
    with contextlib.suppress(grpc.RpcError):
        answers += itertools.islice(stream, 100)
    assert isinstance(stream, grpc.Call)
    assert stream.code() not in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE), stream.details()
    assert "Unexpected" not in (stream.details() or "")
    return answers


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


def fuzz(folder: Folder, wire: Wire, issuer: User, count: int) -> None:
    """Changed forms of good requests: what is accepted is the very thing that was signed."""
    chance = random.Random(SEED)
    for method in ("/gateway.Gateway/Endorse", "/gateway.Gateway/Evaluate", "/protos.Endorser/ProcessProposal"):
        good = request(method, signed(issuer, proposal(issuer)))
        for data in mutations(good, count, chance):
            answer = wire.unary(wire.peer, method, data)
            if not isinstance(answer, bytes) or (method.endswith("Proposal") and _refusal(answer)):
                require_refused(answer, method)
                continue
            assert _signed_part(method, data) == _signed_part(method, good)
    with gateway(folder) as one:
        contract = one.get_network(CHANNEL).get_contract(CHAINCODE)
        transaction = contract.new_proposal("IssueCertificate", new_id(), "ef" * 32).endorse()
        envelope = common_pb2.Envelope.FromString(transaction.envelope)
        good = gateway_pb2.SubmitRequest(
            transaction_id=transaction.transaction_id, channel_id=CHANNEL, prepared_transaction=envelope
        ).SerializeToString()
        for data in mutations(good, count, chance):
            answer = wire.unary(wire.peer, "/gateway.Gateway/Submit", data)
            if isinstance(answer, bytes):
                changed = gateway_pb2.SubmitRequest.FromString(data).prepared_transaction
                assert changed.payload == envelope.payload
            else:
                require_refused(answer, "Submit")
        # Whatever was taken was this transaction, and at the most once.
        transaction.submit().require_valid()
    require_serving(folder)


def _refusal(answer: bytes) -> bool:
    return proposal_response_pb2.ProposalResponse.FromString(answer).response.status >= 400


def _signed_part(method: str, data: bytes) -> bytes:
    if method.endswith("ProcessProposal"):
        return proposal_pb2.SignedProposal.FromString(data).proposal_bytes
    return gateway_pb2.EndorseRequest.FromString(data).proposed_transaction.proposal_bytes


def test_changed_requests(folder: Folder, wire: Wire, issuer: User) -> None:
    fuzz(folder, wire, issuer, 60)


@pytest.mark.slow
def test_changed_requests_in_thousands(folder: Folder, wire: Wire, issuer: User) -> None:
    fuzz(folder, wire, issuer, 5000)


@pytest.mark.parametrize("method", ["/gateway.Gateway/Endorse", "/protos.Endorser/ProcessProposal"])
def test_signatures_of_others(wire: Wire, folder: Folder, issuer: User, method: str) -> None:
    auditor = User.of(folder, "City", "auditor")
    data = proposal(issuer)
    for signature in (auditor.sign(data), issuer.sign(data + b"x"), b"", b"\x30\x06\x02\x01\x01\x02\x01\x01"):
        one = proposal_pb2.SignedProposal(proposal_bytes=data, signature=signature)
        require_refused(wire.unary(wire.peer, method, request(method, one)), method)


@pytest.mark.parametrize("method", ["/gateway.Gateway/Endorse", "/protos.Endorser/ProcessProposal"])
def test_identities_that_are_nobody_here(wire: Wire, folder: Folder, method: str) -> None:
    for user in strangers(folder):
        require_refused(wire.unary(wire.peer, method, request(method, signed(user, proposal(user)))), method)


def strangers(folder: Folder) -> Iterator[User]:
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
        yield User(Identity(msp_id, pair.certificate), KeySigner.from_pem(pair.key))


def test_role_is_not_borrowed_from_another_organisation(folder: Folder) -> None:
    """A data centre's CA can mint the attribute; the registry asks for the organisation as well."""
    profile = ConnectionProfile.load(folder.organisation("Nishitetsu") / "connection.json")
    with (
        Gateway.from_profile(profile, "Nishitetsu", "issuer") as one,
        pytest.raises(EndorseError, match="NOT_AUTHORISED"),
    ):
        one.get_network(CHANNEL).get_contract(CHAINCODE).submit("IssueCertificate", new_id(), "ab" * 32)


def test_replayed_proposal(wire: Wire, folder: Folder, issuer: User) -> None:
    with gateway(folder) as one:
        new = one.get_network(CHANNEL).get_contract(CHAINCODE).new_proposal("IssueCertificate", new_id(), "ab" * 32)
        transaction = new.endorse()
        transaction.submit().require_valid()
    again = request("/gateway.Gateway/Endorse", signed(issuer, new.data))
    answer = wire.unary(wire.peer, "/gateway.Gateway/Endorse", again)
    require_refused(answer, "/gateway.Gateway/Endorse")
    assert isinstance(answer, grpc.Call)


@pytest.mark.parametrize("change", [{"channel": "other"}, {"chaincode": "other"}, {"channel": ""}, {"chaincode": ""}])
def test_wrong_channel_or_chaincode(wire: Wire, issuer: User, change: dict[str, str]) -> None:
    one = signed(issuer, proposal(issuer, **change))  # type: ignore[arg-type]
    for method in ("/gateway.Gateway/Endorse", "/gateway.Gateway/Evaluate"):
        answer = wire.unary(wire.peer, method, request(method, one))
        assert isinstance(answer, grpc.Call)
        assert "Unexpected" not in (answer.details() or "")


def test_message_that_is_too_large(wire: Wire, folder: Folder, issuer: User) -> None:
    for size in (11 * 1024 * 1024, 120 * 1024 * 1024):
        one = signed(issuer, proposal(issuer, "IssueCertificate", "x" * size, "y"))
        answer = wire.unary(
            wire.peer, "/gateway.Gateway/Endorse", request("/gateway.Gateway/Endorse", one), timeout=120
        )
        assert isinstance(answer, grpc.Call)
    require_serving(folder)


@pytest.mark.slow
async def test_ten_thousand_idle_streams(folder: Folder, issuer: User) -> None:
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


def test_slow_readers_cost_nothing(folder: Folder, issuer: User) -> None:
    """Streams that ask for everything and read nothing hold neither the network's memory nor its other clients."""
    pid = control.status(folder).pid
    assert pid is not None
    data = gateway_pb2.ChaincodeEventsRequest(
        channel_id=CHANNEL, chaincode_id=CHAINCODE, identity=issuer.identity.serialized
    )
    data.start_position.specified.number = 0
    text = data.SerializeToString()
    asked = gateway_pb2.SignedChaincodeEventsRequest(request=text, signature=issuer.sign(text)).SerializeToString()
    with Wire(folder, "City") as wire:
        streams = [wire.peer.unary_stream(EVENTS)(asked, timeout=60) for _ in range(200)]
        before = psutil.Process(pid).memory_info().rss
        for _ in range(20):
            require_serving(folder)
        assert psutil.Process(pid).memory_info().rss - before < 64 << 20
        for stream in streams:
            stream.cancel()
