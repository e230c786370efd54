"""Thousands of streams wait for the next block, at a peer and at an orderer: all are told, and others are served."""

import asyncio
import contextlib

import grpc
import psutil
import pytest
from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import events_pb2

from network import control
from network.embedded.deliver_service import CONCURRENCY_LIMIT
from network.folder import Folder
from tests.scenarios.hostility import require_serving
from tests.scenarios.seeking import NEWEST, Ask, Person, Source, at, height
from tests.scenarios.seeking import told as block_told
from tests.scenarios.wire import OPTIONS

pytestmark = [pytest.mark.embedded, pytest.mark.slow]

STREAMS = {"Deliver": CONCURRENCY_LIMIT, "DeliverFiltered": CONCURRENCY_LIMIT, "Orderer": 5000}
CONNECTIONS = 20
MORE = 20  # streams than a peer admits
A_STREAM = 128 << 10  # bytes that one may cost
PATIENCE = 300.0
ENDLESS = at(2**64 - 1)


@pytest.mark.parametrize("name", STREAMS)
async def test_thousands_wait_for_the_next_block(own_network: Folder, name: str) -> None:
    source, count = Source(name), STREAMS[name]
    auditor = Person.of(own_network, "City", "auditor")
    asked = Ask(NEWEST, ENDLESS).signed_by(auditor).SerializeToString()
    process = psutil.Process(control.status(own_network).pid)
    before = process.memory_info().rss
    async with contextlib.AsyncExitStack() as stack:
        channels = [await stack.enter_async_context(connection(own_network, source)) for _ in range(CONNECTIONS)]
        calls = [channels[number % CONNECTIONS].unary_stream(source.method)(asked) for number in range(count)]
        tip = await asyncio.to_thread(height, own_network) - 1
        assert await told(calls, source) == {tip}
        if not source.of_orderer:
            refused = [channels[0].unary_stream(source.method)(asked) for _ in range(MORE)]
            ended = await asyncio.gather(*(call.read() for call in refused), return_exceptions=True)
            assert all(isinstance(one, grpc.aio.AioRpcError) for one in ended), ended
        await asyncio.to_thread(require_serving, own_network)
        assert await told(calls, source) == {tip + 1}
        assert process.memory_info().rss - before < count * A_STREAM
        for call in calls:
            call.cancel()
        assert set(await asyncio.gather(*(call.code() for call in calls))) == {grpc.StatusCode.CANCELLED}
    with source.connect(own_network, "City") as channel:  # there is room again
        *blocks, status = source.stream(channel, [Ask(NEWEST, NEWEST).signed_by(auditor)])
    assert len(blocks) == 1
    assert status.status == common_pb2.SUCCESS


def connection(folder: Folder, source: Source) -> grpc.aio.Channel:
    """A connection of its own to the city's node."""
    city = folder.topology().organisation("City")
    root = (folder.organisation("City") / "tlsca" / "tlsca.crt").read_bytes()
    address = city.orderer if source.of_orderer else city.peer
    return grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(root), options=OPTIONS)


async def told(calls: "list[grpc.aio.UnaryStreamCall[bytes, bytes]]", source: Source) -> set[int | str]:
    """The numbers of the blocks that come next, one on each stream."""
    kind = ab_pb2.DeliverResponse if source.of_orderer else events_pb2.DeliverResponse
    async with asyncio.timeout(PATIENCE):
        answers = await asyncio.gather(*(call.read() for call in calls))
    return {block_told(kind.FromString(answer)) for answer in answers}
