"""Requests that are no messages: refused in gRPC's words, as Go's servers do.

gRPC for Python lets a request that cannot be read fail as an exception that nobody expected: a status UNKNOWN for the
client, and a traceback in the log for every stranger who sends a few bytes.
"""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from network.embedded.unpacking import UNREADABLE


class _Unreadable:
    """Stands for a request that could not be read."""


class ReadableRequests(grpc.aio.ServerInterceptor):
    """Ends an RPC with INTERNAL when a request of it cannot be read; its handler never sees such a request."""

    def __init__(self) -> None:
        self._wrapped: dict[str, Any] = {}

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: Any) -> Any:
        """Give the handler, wrapped."""
        method = handler_call_details.method
        if method not in self._wrapped:
            handler = await continuation(handler_call_details)
            if handler is None:
                return None  # there is no such method, and of those there is no end
            self._wrapped[method] = _wrapped(handler)
        return self._wrapped[method]


def _wrapped(handler: Any) -> Any:
    read = handler.request_deserializer

    def deserializer(data: bytes) -> object:
        try:
            return read(data)
        except DecodeError:
            return _Unreadable()

    if handler.unary_unary:
        return grpc.unary_unary_rpc_method_handler(
            _unary(handler.unary_unary), deserializer, handler.response_serializer
        )
    if handler.unary_stream:
        return grpc.unary_stream_rpc_method_handler(
            _unary_stream(handler.unary_stream), deserializer, handler.response_serializer
        )
    if handler.stream_stream:
        return grpc.stream_stream_rpc_method_handler(
            _streams(handler.stream_stream), deserializer, handler.response_serializer
        )
    return handler


def _unary(behaviour: Any) -> Any:
    async def wrapped(request: object, context: Any) -> Any:
        await _require(request, context, "error unmarshalling request")
        return await behaviour(request, context)

    return wrapped


def _unary_stream(behaviour: Any) -> Any:
    async def wrapped(request: object, context: Any) -> AsyncIterator[Any]:
        await _require(request, context, "failed to unmarshal the received message")
        async for response in behaviour(request, context):
            yield response

    return wrapped


def _streams(behaviour: Any) -> Any:
    async def requests(every: AsyncIterator[object], context: Any) -> AsyncIterator[object]:
        async for request in every:
            await _require(request, context, "failed to unmarshal the received message")
            yield request

    async def awaited(every: AsyncIterator[object], context: Any) -> None:
        await behaviour(requests(every, context), context)

    async def wrapped(every: AsyncIterator[object], context: Any) -> AsyncIterator[Any]:
        async for response in behaviour(requests(every, context), context):
            yield response

    return wrapped if inspect.isasyncgenfunction(behaviour) else awaited


async def _require(request: object, context: Any, words: str) -> None:
    if isinstance(request, _Unreadable):
        await context.abort(grpc.StatusCode.INTERNAL, f"grpc: {words}: {UNREADABLE}")
