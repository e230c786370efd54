"""Requests that are no messages: refused in gRPC's words, as Go's servers do.

gRPC for Python lets a request that cannot be read fail as an exception that nobody expected: a status UNKNOWN for the
client, and a traceback in the log for every stranger who sends a few bytes.

What a request holds is let go with its call, too. gRPC for Python keeps the exception that ends a call, and so every
frame that it passed through, and what its iterator of a stream's requests gave last, until the collector of cycles
comes by: a few refused requests of the largest size would take gigabytes.
"""

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
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
        try:
            await _require(request, context, "error unmarshalling request")
            return await behaviour(request, context)
        except grpc.aio.AbortError as error:
            del request, context
            _let_go(error)
            raise

    return wrapped


def _unary_stream(behaviour: Any) -> Any:
    async def wrapped(request: object, context: Any) -> AsyncIterator[Any]:
        try:
            await _require(request, context, "failed to unmarshal the received message")
            async for response in behaviour(request, context):
                yield response
        except grpc.aio.AbortError as error:
            del request, context
            _let_go(error)
            raise

    return wrapped


def _streams(behaviour: Any) -> Any:
    async def awaited(_: object, context: Any) -> None:
        try:
            async with aclosing(_requests(context)) as requests:
                await behaviour(requests, context)
        except grpc.aio.AbortError as error:
            del requests, context
            _let_go(error)
            raise

    async def wrapped(_: object, context: Any) -> AsyncIterator[Any]:
        try:
            async with aclosing(_requests(context)) as requests:
                async for response in behaviour(requests, context):
                    yield response
        except grpc.aio.AbortError as error:
            del requests, context
            _let_go(error)
            raise

    return wrapped if inspect.isasyncgenfunction(behaviour) else awaited


async def _requests(context: Any) -> AsyncGenerator[object, None]:
    """The requests of a stream, read one by one."""
    while (request := await context.read()) is not grpc.aio.EOF:
        await _require(request, context, "failed to unmarshal the received message")
        yield request


async def _require(request: object, context: Any, words: str) -> None:
    if isinstance(request, _Unreadable):
        await context.abort(grpc.StatusCode.INTERNAL, f"grpc: {words}: {UNREADABLE}")


def _let_go(error: grpc.aio.AbortError) -> None:
    """Have the exception that ends a call forget what led to it."""
    error.__traceback__ = error.__context__ = None
