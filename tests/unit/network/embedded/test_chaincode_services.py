"""Chaincode that runs as a service: it is dialled, and dialled again whatever becomes of its stream."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from fabric_protos.peer import chaincode_pb2

from network.authority import Authority
from network.embedded.chaincode_stream import ExecutionError, Message
from network.embedded.chaincode_support import ChaincodeSupport, Connection

PACKAGE = "counter_1:abc"
DEADLINE = 30.0


def register(name: str = PACKAGE) -> bytes:
    payload = chaincode_pb2.ChaincodeID(name=name).SerializeToString()
    return Message(type=Message.REGISTER, payload=payload).SerializeToString()


class Stream:
    """A service's end of one stream, in raw bytes."""

    def __init__(self, messages: AsyncIterator[bytes], context: Any, service: "Service") -> None:
        self._messages = messages
        self._context = context
        self.service = service

    async def read(self) -> Message:
        """The peer's next message. Raises StopAsyncIteration at the stream's end."""
        return Message.FromString(await anext(self._messages))

    async def write(self, *data: bytes) -> None:
        for one in data:
            await self._context.write(one)

    async def until_its_end(self) -> None:
        async for _ in self._messages:
            pass


Behaviour = Callable[[Stream], Awaitable[None]]


class Service(grpc.GenericRpcHandler):
    """A chaincode service that treats its streams as it is told, one after the other; the last way for all others."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self._behaviours = list(behaviours)
        self._ready = asyncio.Event()
        self.dialled = 0

    async def until_ready(self) -> None:
        """Until a stream has come as far as it should."""
        async with asyncio.timeout(DEADLINE):
            await self._ready.wait()

    def tell_ready(self) -> None:
        self._ready.set()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        assert handler_call_details.method == "/protos.Chaincode/Connect"  # type: ignore[attr-defined]

        async def connect(messages: AsyncIterator[bytes], context: Any) -> None:
            self.dialled += 1
            behaviour = self._behaviours.pop(0) if len(self._behaviours) > 1 else self._behaviours[0]
            await behaviour(Stream(messages, context, self))

        return grpc.stream_stream_rpc_method_handler(connect)  # type: ignore[arg-type]

    async def start(
        self, port: int = 0, credentials: grpc.ServerCredentials | None = None
    ) -> tuple[grpc.aio.Server, int]:
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        server.add_generic_rpc_handlers((self,))
        address = f"127.0.0.1:{port}"
        bound = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
        await server.start()
        return server, bound


async def serve(stream: Stream) -> None:
    """A service as it should be."""
    await stream.write(register())
    assert (await stream.read()).type == Message.REGISTERED
    assert (await stream.read()).type == Message.READY
    stream.service.tell_ready()
    await stream.until_its_end()


@pytest.fixture
async def support() -> AsyncIterator[ChaincodeSupport]:
    support = ChaincodeSupport()
    yield support
    await support.close()


def connection(port: int, **changed: Any) -> Connection:
    values = {"tls": False, "root": None, "client_key": None, "client_certificate": None, **changed}
    return Connection(address=f"localhost:{port}", **values)


async def test_a_service_is_dialled_and_registers(support: ChaincodeSupport) -> None:
    service = Service(serve)
    server, port = await service.start()
    support.dial(PACKAGE, connection(port))
    async with asyncio.timeout(DEADLINE):
        await support.wait_for(PACKAGE)
    assert support.is_running(PACKAGE)
    assert not support.is_running("another_1:abc")
    assert await support.stream(PACKAGE) is not None
    with pytest.raises(ExecutionError, match="could not launch chaincode another_1:abc"):
        await support.stream("another_1:abc")
    await support.close()
    assert not support.is_running(PACKAGE)
    await server.stop(None)


async def test_a_service_that_is_not_there_yet_is_dialled_until_it_is(support: ChaincodeSupport) -> None:
    placeholder, port = await Service(serve).start()
    await placeholder.stop(None)
    support.dial(PACKAGE, connection(port))
    waiting = asyncio.create_task(support.wait_for(PACKAGE))
    await asyncio.sleep(0)
    assert not support.is_running(PACKAGE)
    server, _ = await Service(serve).start(port)
    async with asyncio.timeout(DEADLINE):
        await waiting
    await server.stop(None)


async def test_a_service_that_dies_is_dialled_again(support: ChaincodeSupport) -> None:
    first, second = Service(serve), Service(serve)
    server, port = await first.start()
    support.dial(PACKAGE, connection(port))
    await first.until_ready()
    await server.stop(None)
    server, _ = await second.start(port)
    await second.until_ready()
    assert support.is_running(PACKAGE)
    await server.stop(None)


async def ends_at_once(stream: Stream) -> None:
    return


async def fails(stream: Stream) -> None:
    raise RuntimeError("the service's own failure")


async def sends_garbage(stream: Stream) -> None:
    await stream.write(b"\xff\xff\xff")


async def sends_garbage_when_ready(stream: Stream) -> None:
    await stream.write(register())
    await stream.read()
    await stream.read()
    await stream.write(b"\xff\xff\xff")


async def registers_with_garbage_and_ends(stream: Stream) -> None:
    await stream.write(Message(type=Message.REGISTER, payload=b"\xff").SerializeToString())


async def registers_as_another(stream: Stream) -> None:
    await stream.write(register("another_1:abc"))
    await stream.until_its_end()


async def registers_without_a_name(stream: Stream) -> None:
    await stream.write(Message(type=Message.REGISTER).SerializeToString())
    await stream.until_its_end()


async def answers_before_it_registers(stream: Stream) -> None:
    await stream.write(Message(type=Message.COMPLETED, txid="tx", channel_id="c").SerializeToString())
    await stream.until_its_end()


async def registers_twice(stream: Stream) -> None:
    await stream.write(register(), register())
    await stream.until_its_end()


async def sends_a_type_that_nobody_knows(stream: Stream) -> None:
    await stream.write(register(), b"\x08\x63")
    await stream.until_its_end()


async def registers_and_ends_at_once(stream: Stream) -> None:
    await stream.write(register())


BROKEN = [
    ends_at_once,
    fails,
    sends_garbage,
    sends_garbage_when_ready,
    registers_with_garbage_and_ends,
    registers_as_another,
    registers_without_a_name,
    answers_before_it_registers,
    registers_twice,
    sends_a_type_that_nobody_knows,
    registers_and_ends_at_once,
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
async def test_a_service_whose_stream_breaks_is_dialled_again(support: ChaincodeSupport, broken: Behaviour) -> None:
    service = Service(broken, serve)
    server, port = await service.start()
    support.dial(PACKAGE, connection(port))
    await service.until_ready()
    assert service.dialled == 2
    assert support.is_running(PACKAGE)
    await support.close()
    await server.stop(None)


async def test_a_service_under_another_name_is_told_of(
    support: ChaincodeSupport, caplog: pytest.LogCaptureFixture
) -> None:
    service = Service(registers_as_another, serve)
    server, port = await service.start()
    with caplog.at_level(logging.WARNING):
        support.dial(PACKAGE, connection(port))
        async with asyncio.timeout(DEADLINE):
            await support.wait_for(PACKAGE)
    assert f"must have the id {PACKAGE}, not 'another_1:abc'" in caplog.text
    await server.stop(None)


async def test_an_error_that_nobody_thought_of_does_not_end_the_dialling(
    support: ChaincodeSupport, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    server, port = await Service(serve).start()
    channel, failing = Connection.channel, [True, True]

    def sometimes(self: Connection) -> grpc.aio.Channel:
        if failing:
            failing.pop()
            raise RuntimeError("nobody thought of this")
        return channel(self)

    monkeypatch.setattr(Connection, "channel", sometimes)
    support.dial(PACKAGE, connection(port))
    async with asyncio.timeout(DEADLINE):
        await support.wait_for(PACKAGE)
    assert not failing
    assert "nobody thought of this" in caplog.text
    await server.stop(None)


async def test_dialling_another_address_gives_the_first_one_up(support: ChaincodeSupport) -> None:
    first, second = Service(serve), Service(serve)
    (server_1, port_1), (server_2, port_2) = await first.start(), await second.start()
    support.dial(PACKAGE, connection(port_1))
    await first.until_ready()
    support.dial(PACKAGE, connection(port_2))
    await second.until_ready()
    await server_1.stop(None)
    assert (first.dialled, second.dialled) == (1, 1)
    assert support.is_running(PACKAGE)
    await support.close()
    await server_2.stop(None)


async def test_a_service_that_demands_a_certificate_is_shown_the_packages(
    support: ChaincodeSupport, tmp_path: Path
) -> None:
    authority = Authority.create("City", "tlsca.city")
    server_pair, client = authority.issue_tls("counter", ["localhost"]), authority.issue_tls("peer0.city")
    root = authority.pair.certificate
    credentials = grpc.ssl_server_credentials([(server_pair.key, server_pair.certificate)], root, True)
    server, port = await Service(serve).start(credentials=credentials)
    shown = connection(port, tls=True, root=root, client_key=client.key, client_certificate=client.certificate)
    support.dial(PACKAGE, shown)
    async with asyncio.timeout(DEADLINE):
        await support.wait_for(PACKAGE)
    await support.close()
    await server.stop(None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'{"address": "a:1"}', Connection("a:1", False, None, None, None)),
        (
            b'{"address": "a:1", "dial_timeout": "10s", "tls_required": false}',
            Connection("a:1", False, None, None, None),
        ),
        (b'{"address": "a:1", "tls_required": true, "root_cert": "r"}', Connection("a:1", True, b"r", None, None)),
        (
            b'{"address":"a:1","tls_required":true,"client_auth_required":true,"root_cert":"r","client_key":"k",'
            b'"client_cert":"c"}',
            Connection("a:1", True, b"r", b"k", b"c"),
        ),
        (
            b'{"address":"a:1","domain":"store.city","tls_required":true,"client_auth_required":true,"root_cert":"r",'
            b'"client_key":"k","client_cert":"c"}',
            Connection("a:1", True, b"r", b"k", b"c", "store.city"),
        ),
        # Fabric does not look at the name when it shows no certificate of its own.
        (
            b'{"address": "a:1", "domain": "store.city", "tls_required": true, "root_cert": "r"}',
            Connection("a:1", True, b"r", None, None),
        ),
        # Fabric does not look at the rest when TLS is not required.
        (b'{"address": "a:1", "client_auth_required": true}', Connection("a:1", False, None, None, None)),
    ],
)
def test_a_connection_is_read(text: bytes, expected: Connection) -> None:
    assert Connection.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b"null",
        b"\xff",
        b"{}",
        b'{"address": ""}',
        b'{"address": "a:1", "tls_required": true}',
        b'{"address": "a:1", "tls_required": true, "client_auth_required": true, "root_cert": "r"}',
    ],
)
def test_what_is_no_connection_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        Connection.parse(text)
