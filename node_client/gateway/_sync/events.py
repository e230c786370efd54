# Generated from _async/events.py by scripts/generate_sync.py: change that file instead.
"""Streams of events, and the requests that begin them."""

import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from node_client.errors import EvaluateError, EventsError
from node_client.gateway import requests
from node_client.gateway._sync.transport import Responses, Transport
from node_client.gateway.options import Resume
from node_client.gateway.position import Position
from node_client.gateway.requests import ChaincodeEvent
from node_client.gateway.session import Session
from node_client.gateway.signable import Signable
from node_client.protocol.errors import ProtocolError

if TYPE_CHECKING:
    from node_client.gateway._sync.network import Network

RESUMABLE_CODES = frozenset({"UNAVAILABLE", "ABORTED", "CANCELLED", "INTERNAL", "RESOURCE_EXHAUSTED"})

E = TypeVar("E")

logger = logging.getLogger(__name__)


class EventsRequest(Signable, ABC, Generic[E]):
    """A request for events of one kind. `data` is what is signed."""

    def __init__(self, session: Session, transport: Transport, data: bytes, signature: bytes = b"") -> None:
        super().__init__(session, data, signature)
        self._transport = transport

    @property
    @abstractmethod
    def serialized(self) -> bytes:
        """The request as official clients exchange it, with its signature if it has one."""

    @abstractmethod
    def begin(self, timeout: float | None) -> Responses[Any]:
        """Send the request, and give the stream that answers it. Raises NotSigned without a signer."""

    @abstractmethod
    def read(self, response: Any) -> Iterable[tuple[Position, E]]:
        """The events in an answer, each with the position behind it. Raises EventsError."""

    def events(self, *, timeout: float | None = None) -> "EventStream[E]":
        """The events. The stream ends with the connection: who only has this signature cannot ask again elsewhere.

        Args:
            timeout: seconds after which the stream ends with DEADLINE_EXCEEDED, instead of the gateway's deadline.
        """
        return EventStream(self._transport, lambda _: self, Position(), timeout=timeout)


class EventStream(Generic[E]):
    """Events, as they are committed. Use it in `with`, and iterate over it.

    It begins when the block is entered, or with the first event that is asked for. After `close` it is at its end.
    Iterating raises EventsError when the stream cannot be opened or breaks, unless it goes on by itself.
    """

    def __init__(
        self,
        transport: Transport,
        request: Callable[[Position], EventsRequest[E]],
        position: Position,
        *,
        timeout: float | None = None,
        resume: Resume | None = None,
        network: "Network | None" = None,
    ) -> None:
        self._transport = transport
        self._request = request
        self._position = position
        self._timeout = timeout
        self._resume = resume
        self._network = network
        self._current: EventsRequest[E] | None = None
        self._responses: Responses[Any] | None = None
        self._ready: deque[tuple[Position, E]] = deque()
        self._failures = 0
        self._closed = False

    def __enter__(self) -> Self:
        while self._responses is None and not self._closed:
            try:
                self._begin()
            except EventsError as error:
                self._lost(error)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the stream. Who waits for an event is told that there are no more."""
        self._closed = True
        self._ready.clear()
        if self._responses is not None:
            self._responses.cancel()

    def __iter__(self) -> Iterator[E]:
        return self

    def __next__(self) -> E:
        while not self._ready:
            if self._closed:
                raise StopIteration
            try:
                self._begin()
                self._receive()
            except EventsError as error:
                self._lost(error)
        self._position, event = self._ready.popleft()
        return event

    def _begin(self) -> None:
        if self._responses is not None or self._closed:
            return
        if self._resume is not None and self._network is not None and self._position == Position():
            # The next block is a place that a later attempt could not find again.
            try:
                self._position = Position(self._network.height())
            except EvaluateError as error:
                raise EventsError(error.code, error.message, details=error.details) from error
        self._current = self._request(self._position)
        self._responses = self._current.begin(self._timeout)

    def _receive(self) -> None:
        if self._responses is None or self._current is None:
            return
        response = self._responses.receive()
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

    def _lost(self, error: EventsError) -> None:
        responses, self._responses = self._responses, None
        if responses is not None:
            responses.cancel()
        resume = self._resume
        if resume is None or error.code not in RESUMABLE_CODES or self._failures == resume.attempts:
            self._closed = True
            raise error
        logger.info("an event stream was lost (%s): connecting again", error.code)
        self._transport.pause(resume.wait(self._failures))
        self._failures += 1


class ChaincodeEventsRequest(EventsRequest[ChaincodeEvent]):
    """A request for a chaincode's events. `data` is the `gateway.ChaincodeEventsRequest`."""

    @property
    def serialized(self) -> bytes:
        """The request as official clients exchange it, with its signature if it has one."""
        return requests.signed_events(self.data, self._signature).SerializeToString()

    def begin(self, timeout: float | None) -> Responses[Any]:
        """Send the request, and give the stream that answers it."""
        return self._transport.chaincode_events(requests.signed_events(self.data, self.signature), timeout)

    def read(self, response: Any) -> Iterable[tuple[Position, ChaincodeEvent]]:
        """The events in an answer, each with the position behind it."""
        for event in requests.events(response):
            yield Position(event.block_number, event.transaction_id), event
