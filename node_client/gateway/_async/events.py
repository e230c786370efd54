"""Streams of events, and the requests that begin them."""

import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from node_client.errors import EvaluateError, EventsError
from node_client.gateway import requests
from node_client.gateway._async.transport import AsyncResponses, AsyncTransport
from node_client.gateway.options import Resume
from node_client.gateway.position import Position
from node_client.gateway.requests import ChaincodeEvent
from node_client.gateway.session import Session
from node_client.gateway.signable import Signable
from node_client.protocol.errors import ProtocolError

if TYPE_CHECKING:
    from node_client.gateway._async.network import AsyncNetwork

RESUMABLE_CODES = frozenset({"UNAVAILABLE", "ABORTED", "CANCELLED", "INTERNAL", "RESOURCE_EXHAUSTED"})

E = TypeVar("E")

logger = logging.getLogger(__name__)


class AsyncEventsRequest(Signable, ABC, Generic[E]):
    """A request for events of one kind. `data` is what is signed."""

    def __init__(self, session: Session, transport: AsyncTransport, data: bytes, signature: bytes = b"") -> None:
        super().__init__(session, data, signature)
        self._transport = transport

    @property
    @abstractmethod
    def serialized(self) -> bytes:
        """The request as official clients exchange it, with its signature if it has one."""

    @abstractmethod
    def begin(self, timeout: float | None) -> AsyncResponses[Any]:
        """Send the request, and give the stream that answers it. Raises NotSigned without a signer."""

    @abstractmethod
    def read(self, response: Any) -> Iterable[tuple[Position, E]]:
        """The events in an answer, each with the position behind it. Raises EventsError."""

    def events(self, *, timeout: float | None = None) -> "AsyncEventStream[E]":
        """The events. The stream ends with the connection: who only has this signature cannot ask again elsewhere.

        Args:
            timeout: seconds after which the stream ends with DEADLINE_EXCEEDED, instead of the gateway's deadline.
        """
        return AsyncEventStream(self._transport, lambda _: self, Position(), timeout=timeout)


class AsyncEventStream(Generic[E]):
    """Events, as they are committed. Use it in `async with`, and iterate over it.

    It begins when the block is entered, or with the first event that is asked for. After `close` it is at its end.
    Iterating raises EventsError when the stream cannot be opened or breaks, unless it goes on by itself.
    """

    def __init__(
        self,
        transport: AsyncTransport,
        request: Callable[[Position], AsyncEventsRequest[E]],
        position: Position,
        *,
        timeout: float | None = None,
        resume: Resume | None = None,
        network: "AsyncNetwork | None" = None,
    ) -> None:
        self._transport = transport
        self._request = request
        self._position = position
        self._timeout = timeout
        self._resume = resume
        self._network = network
        self._current: AsyncEventsRequest[E] | None = None
        self._responses: AsyncResponses[Any] | None = None
        self._ready: deque[tuple[Position, E]] = deque()
        self._failures = 0
        self._closed = False

    async def __aenter__(self) -> Self:
        while self._responses is None and not self._closed:
            try:
                await self._begin()
            except EventsError as error:
                await self._lost(error)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the stream. Who waits for an event is told that there are no more."""
        self._closed = True
        self._ready.clear()
        if self._responses is not None:
            await self._responses.cancel()

    def __aiter__(self) -> AsyncIterator[E]:
        return self

    async def __anext__(self) -> E:
        while not self._ready:
            if self._closed:
                raise StopAsyncIteration
            try:
                await self._begin()
                await self._receive()
            except EventsError as error:
                await self._lost(error)
        self._position, event = self._ready.popleft()
        return event

    async def _begin(self) -> None:
        if self._responses is not None or self._closed:
            return
        if self._resume is not None and self._network is not None and self._position == Position():
            # The next block is a place that a later attempt could not find again.
            try:
                self._position = Position(await self._network.height())
            except EvaluateError as error:
                raise EventsError(error.code, error.message, details=error.details) from error
        self._current = self._request(self._position)
        self._responses = self._current.begin(self._timeout)

    async def _receive(self) -> None:
        if self._responses is None or self._current is None:
            return
        response = await self._responses.receive()
        if response is not None:
            try:
                self._ready.extend(self._current.read(response))
            except ProtocolError as error:
                raise EventsError("DATA_LOSS", f"the peer's answer cannot be read: {error}") from error
            self._failures = 0
        elif self._resume is not None and not self._closed:
            raise EventsError("UNAVAILABLE", "the peer ended the stream")
        else:
            self._closed = True

    async def _lost(self, error: EventsError) -> None:
        responses, self._responses = self._responses, None
        if responses is not None:
            await responses.cancel()
        resume = self._resume
        if resume is None or error.code not in RESUMABLE_CODES or self._failures == resume.attempts:
            self._closed = True
            raise error
        logger.info("an event stream was lost (%s): connecting again", error.code)
        await self._transport.pause(resume.wait(self._failures))
        self._failures += 1


class AsyncChaincodeEventsRequest(AsyncEventsRequest[ChaincodeEvent]):
    """A request for a chaincode's events. `data` is the `gateway.ChaincodeEventsRequest`."""

    @property
    def serialized(self) -> bytes:
        """The request as official clients exchange it, with its signature if it has one."""
        return requests.signed_events(self.data, self._signature).SerializeToString()

    def begin(self, timeout: float | None) -> AsyncResponses[Any]:
        """Send the request, and give the stream that answers it."""
        return self._transport.chaincode_events(requests.signed_events(self.data, self.signature), timeout)

    def read(self, response: Any) -> Iterable[tuple[Position, ChaincodeEvent]]:
        """The events in an answer, each with the position behind it."""
        for event in requests.events(response):
            yield Position(event.block_number, event.transaction_id), event
