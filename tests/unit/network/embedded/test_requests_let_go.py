"""What a call was asked is not kept when the call is over, however it ended."""

import gc
import weakref
from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar

import grpc
import pytest

from network.embedded.failure import RpcFailure
from network.embedded.unreadable import ReadableRequests


class Request:
    """A request that tells whether it is kept."""

    kept: ClassVar["weakref.WeakSet[Request]"] = weakref.WeakSet()

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.kept.add(self)


def refuse(request: Request) -> None:
    """Refuse as services do: one exception from another, with the request in every frame."""
    try:
        int(request.data)
    except ValueError as error:
        raise RpcFailure(grpc.StatusCode.INVALID_ARGUMENT, "no number") from error


async def fail(request: Request, context: Any) -> bytes:
    try:
        refuse(request)
    except RpcFailure as failure:
        await failure.abort(context)
    return request.data


async def fail_streaming(request: Request, context: Any) -> AsyncIterator[bytes]:
    yield await fail(request, context)


async def stop_reading(requests: AsyncIterator[Request], context: Any) -> AsyncIterator[bytes]:
    async for request in requests:
        yield request.data
        return


async def fail_reading(requests: AsyncIterator[Request], context: Any) -> AsyncIterator[bytes]:
    async for request in requests:
        yield await fail(request, context)


async def fail_register(requests: AsyncIterator[Request], context: Any) -> None:
    async for request in requests:
        await context.write(await fail(request, context))


UNARY = {
    "unary": grpc.unary_unary_rpc_method_handler(fail, Request),
    "answering with a stream": grpc.unary_stream_rpc_method_handler(fail_streaming, Request),
}
STREAMS = {
    "left": grpc.stream_stream_rpc_method_handler(stop_reading, Request),
    "failing": grpc.stream_stream_rpc_method_handler(fail_reading, Request),
    "writing": grpc.stream_stream_rpc_method_handler(fail_register, Request),
}


@pytest.fixture
def no_collector() -> Iterator[None]:
    Request.kept.clear()
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("kind", [*UNARY, *STREAMS])
async def test_requests_are_let_go(kind: str) -> None:
    name = kind.replace(" ", "-")
    server = grpc.aio.server(interceptors=[ReadableRequests()])
    handler = {**UNARY, **STREAMS}[kind]
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("tests", {name: handler})])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        for data in (b"word", b"other"):
            method = f"/tests/{name}"
            answers = (
                channel.stream_stream(method)(iter([data])) if kind in STREAMS else channel.unary_stream(method)(data)
            )
            if kind == "left":
                assert [answer async for answer in answers] == [data]
            else:
                with pytest.raises(grpc.aio.AioRpcError, match="no number"):
                    [answer async for answer in answers]
    await server.stop(None)
    assert [one.data for one in Request.kept] == []
