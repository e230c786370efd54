"""Chaincode over real gRPC: as a service that peers dial, and launched by a peer that it dials."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from fabric_protos.peer import chaincode_pb2, chaincode_shim_pb2, chaincode_shim_pb2_grpc

from chaincode.shim import AddressError, ChaincodeStub, PeerError, Response, StreamLost
from chaincode.shim.client import ClientTls, connect
from chaincode.shim.server import ChaincodeServer, ServerTls
from chaincode.shim.stream import CHANNEL_OPTIONS, Message
from tests.unit.chaincode.scripted_peer import DEADLINE, Scripted, answer, response, transaction
from tests.unit.node_client.people import Person, person

LARGE = 9 * 1024 * 1024  # gRPC's own limit is 4 MiB
SERVER_OPTIONS = (*CHANNEL_OPTIONS, ("grpc.so_reuseport", 0))


@pytest.fixture(scope="module")
def authority() -> Person:
    return person("ca")


@pytest.fixture(scope="module")
def service(authority: Person) -> Person:
    return person("service", issuer=authority, host="localhost")


@pytest.fixture(scope="module")
def visitor(authority: Person) -> Person:
    return person("visitor", issuer=authority, host="localhost")


class Stream:
    """The peer's end of a stream, whoever dialled."""

    def __init__(self, read: Callable[[], Awaitable[Any]], write: Callable[[Message], Awaitable[None]]) -> None:
        self._read = read
        self.send = write

    async def receive(self) -> Any:
        async with asyncio.timeout(DEADLINE):
            return await self._read()

    async def greet(self) -> str:
        """See the chaincode's registration through, for the name that it gave."""
        registration = await self.receive()
        assert registration.type == Message.REGISTER
        await self.send(Message(type=Message.REGISTERED))
        await self.send(Message(type=Message.READY))
        return chaincode_pb2.ChaincodeID.FromString(registration.payload).name

    async def ask(self, message: Message) -> Message:
        await self.send(message)
        return await self.receive()


async def double(stub: ChaincodeStub) -> Response:
    """Reads a value, and writes and answers it twice over."""
    value = (await stub.get_state(stub.args[0].decode()) or b"") * 2
    await stub.put_state("double", value)
    return Response(payload=value)


async def check_double(stream: Stream, size: int) -> None:
    """Two transactions at the same time, the second one answered first."""
    first = await stream.ask(transaction("1", b"a"))
    second = await stream.ask(transaction("2", b"b"))
    for request, byte in ((second, b"b"), (first, b"a")):
        put = await stream.ask(answer(request, byte * size))
        assert chaincode_shim_pb2.PutState.FromString(put.payload).value == byte * 2 * size
        completed = await stream.ask(answer(put))
        assert (completed.txid, response(completed).payload) == (request.txid, byte * 2 * size)


# As a service


@asynccontextmanager
async def dialled(address: str, credentials: grpc.ChannelCredentials | None = None) -> AsyncIterator[Stream]:
    options = CHANNEL_OPTIONS
    channel = (
        grpc.aio.secure_channel(address, credentials, options=options)
        if credentials
        else grpc.aio.insecure_channel(address, options=options)
    )
    async with channel:
        call = chaincode_shim_pb2_grpc.ChaincodeStub(channel).Connect()
        yield Stream(call.read, call.write)


async def test_a_service_runs_the_transactions_of_the_peers_that_dial_it() -> None:
    async with (
        ChaincodeServer(Scripted(double), "cc:1", "127.0.0.1:0") as server,
        dialled(server.address) as one,
        dialled(server.address) as two,
    ):
        for stream in (one, two):
            assert await stream.greet() == "cc:1"
        for stream in (one, two):  # what two peers endorse under one id are two transactions
            await check_double(stream, 10)


async def test_a_service_takes_and_gives_values_over_four_mebibytes() -> None:
    async with (
        ChaincodeServer(Scripted(double), "cc:1", "127.0.0.1:0") as server,
        dialled(server.address) as stream,
    ):
        await stream.greet()
        await check_double(stream, LARGE)


async def test_a_service_with_mutual_tls_serves_who_shows_a_certificate(
    authority: Person, service: Person, visitor: Person
) -> None:
    tls = ServerTls(key=service.key, certificate=service.certificate, client_roots=authority.certificate)
    shown = grpc.ssl_channel_credentials(authority.certificate, visitor.key, visitor.certificate)
    async with ChaincodeServer(Scripted(double), "cc:1", "localhost:0", tls=tls) as server:
        async with dialled(server.address, shown) as stream:
            assert await stream.greet() == "cc:1"
            await check_double(stream, 10)

        stranger = person("stranger", issuer=person("another ca"), host="localhost")
        for credentials in (
            grpc.ssl_channel_credentials(authority.certificate),
            grpc.ssl_channel_credentials(authority.certificate, stranger.key, stranger.certificate),
            None,
        ):
            async with dialled(server.address, credentials) as stream:
                with pytest.raises(grpc.aio.AioRpcError) as refused:
                    await stream.receive()
                assert refused.value.code() == grpc.StatusCode.UNAVAILABLE


async def test_a_service_with_tls_alone_serves_whoever_trusts_it(authority: Person, service: Person) -> None:
    tls = ServerTls(key=service.key, certificate=service.certificate)
    async with (
        ChaincodeServer(Scripted(double), "cc:1", "localhost:0", tls=tls) as server,
        dialled(server.address, grpc.ssl_channel_credentials(authority.certificate)) as stream,
    ):
        assert await stream.greet() == "cc:1"


@pytest.mark.parametrize("politely", [True, False])
async def test_a_peer_that_leaves_a_service_ends_its_transactions(politely: bool) -> None:
    ended: asyncio.Queue[str] = asyncio.Queue()

    async def waits(stub: ChaincodeStub) -> Response:
        try:
            await stub.get_state("a")
        except StreamLost:
            ended.put_nowait(stub.tx_id)
        return Response()

    async with ChaincodeServer(Scripted(waits), "cc:1", "127.0.0.1:0") as server:
        async with grpc.aio.insecure_channel(server.address) as channel:
            call = chaincode_shim_pb2_grpc.ChaincodeStub(channel).Connect()
            stream = Stream(call.read, call.write)
            await stream.greet()
            await stream.ask(transaction("tx", b"a"))
            if politely:
                await call.done_writing()
                assert await stream.receive() is grpc.aio.EOF
                assert await call.code() == grpc.StatusCode.OK
            else:
                call.cancel()
            async with asyncio.timeout(DEADLINE):
                assert await ended.get() == "tx"
        async with dialled(server.address) as stream:  # and the service goes on
            assert await stream.greet() == "cc:1"


async def test_a_port_in_use_is_an_error() -> None:
    async with ChaincodeServer(Scripted(double), "cc:1", "127.0.0.1:0") as server:
        with pytest.raises(AddressError, match=f"cannot serve at {server.address}"):
            async with ChaincodeServer(Scripted(double), "cc:2", server.address):
                pass


async def test_a_key_that_is_none_is_an_error() -> None:
    tls = ServerTls(key=b"no key", certificate=b"no certificate")
    with pytest.raises(AddressError, match="the key and the certificate do not fit"):
        async with ChaincodeServer(Scripted(double), "cc:1", "127.0.0.1:0", tls=tls):
            pass


# Launched by the peer


class Launcher(chaincode_shim_pb2_grpc.ChaincodeSupportServicer):
    """A peer that waits for the chaincode that it launched."""

    def __init__(self, serve: Callable[[Stream, Any], Awaitable[None]]) -> None:
        self._serve = serve

    async def Register(self, messages: object, context: Any) -> None:  # noqa: N802 - gRPC's name
        await self._serve(Stream(context.read, context.write), context)


@asynccontextmanager
async def launching(
    serve: Callable[[Stream, Any], Awaitable[None]], credentials: grpc.ServerCredentials | None = None
) -> AsyncIterator[tuple[str, grpc.aio.Server]]:
    server = grpc.aio.server(options=SERVER_OPTIONS)
    chaincode_shim_pb2_grpc.add_ChaincodeSupportServicer_to_server(Launcher(serve), server)
    port = (
        server.add_secure_port("localhost:0", credentials) if credentials else server.add_insecure_port("localhost:0")
    )
    await server.start()
    try:
        yield f"localhost:{port}", server
    finally:
        await server.stop(None)


async def test_launched_chaincode_dials_its_peer_and_runs_until_the_peer_ends_the_stream() -> None:
    async def serve(stream: Stream, context: Any) -> None:
        assert await stream.greet() == "cc:1"
        await check_double(stream, 10)

    async with launching(serve) as (address, _), asyncio.timeout(DEADLINE):
        await connect(Scripted(double), "cc:1", address)


async def test_launched_chaincode_takes_and_gives_values_over_four_mebibytes() -> None:
    async def serve(stream: Stream, context: Any) -> None:
        await stream.greet()
        await check_double(stream, LARGE)

    async with launching(serve) as (address, _), asyncio.timeout(DEADLINE):
        await connect(Scripted(double), "cc:1", address)


async def test_launched_chaincode_shows_its_peer_the_certificate_that_it_was_given(
    authority: Person, service: Person, visitor: Person
) -> None:
    names = []

    async def serve(stream: Stream, context: Any) -> None:
        names.extend(context.auth_context()["x509_common_name"])
        await stream.greet()
        await check_double(stream, 10)

    credentials = grpc.ssl_server_credentials(
        [(service.key, service.certificate)], root_certificates=authority.certificate, require_client_auth=True
    )
    tls = ClientTls(root=authority.certificate, key=visitor.key, certificate=visitor.certificate)
    async with launching(serve, credentials) as (address, _), asyncio.timeout(DEADLINE):
        await connect(Scripted(double), "cc:1", address, tls=tls)
        assert names == [b"visitor"]
        with pytest.raises(StreamLost, match=f"the stream to the peer at {address} was lost"):
            await connect(Scripted(double), "cc:1", address, tls=ClientTls(root=authority.certificate))


async def test_a_peer_that_goes_away_is_a_lost_stream_to_contract_and_process() -> None:
    seen: list[str] = []

    async def waits(stub: ChaincodeStub) -> Response:
        try:
            await stub.get_state("a")
        except StreamLost:
            seen.append("lost")
            raise
        return Response()

    asked = asyncio.Event()

    async def serve(stream: Stream, context: Any) -> None:
        await stream.greet()
        await stream.ask(transaction("tx", b"a"))
        asked.set()
        await asyncio.Event().wait()

    async with launching(serve) as (address, server), asyncio.timeout(DEADLINE):
        running = asyncio.create_task(connect(Scripted(waits), "cc:1", address))
        await asked.wait()
        await server.stop(None)
        with pytest.raises(StreamLost, match="was lost"):
            await running
        assert seen == ["lost"]


async def test_a_peer_that_refuses_the_chaincode_is_a_lost_stream_with_its_reason() -> None:
    async def serve(stream: Stream, context: Any) -> None:
        await context.abort(grpc.StatusCode.PERMISSION_DENIED, "chaincode cc:1 is not mine")

    async with launching(serve) as (address, _), asyncio.timeout(DEADLINE):
        with pytest.raises(StreamLost, match="chaincode cc:1 is not mine"):
            await connect(Scripted(double), "cc:1", address)


async def test_a_peer_that_is_not_there_is_a_lost_stream() -> None:
    async def serve(stream: Stream, context: Any) -> None:
        raise AssertionError("nobody comes")

    async with launching(serve) as (address, _):
        pass
    async with asyncio.timeout(DEADLINE):
        with pytest.raises(StreamLost, match="was lost"):
            await connect(Scripted(double), "cc:1", address)


async def test_an_error_from_the_peer_reaches_the_contract_over_grpc() -> None:
    async def careful(stub: ChaincodeStub) -> Response:
        with pytest.raises(PeerError, match="no ledger context"):
            await stub.get_state("a")
        return Response(message="caught")

    async def serve(stream: Stream, context: Any) -> None:
        await stream.greet()
        request = await stream.ask(transaction("tx", b"a"))
        completed = await stream.ask(answer(request, b"no ledger context", Message.ERROR))
        assert response(completed).message == "caught"
        await context.abort(grpc.StatusCode.OUT_OF_RANGE, "all is well")

    async with launching(serve) as (address, _), asyncio.timeout(DEADLINE):
        with pytest.raises(StreamLost, match="all is well"):
            await connect(Scripted(careful), "cc:1", address)
