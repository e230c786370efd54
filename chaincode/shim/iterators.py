"""What queries give back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, Self, TypeVar

from fabric_protos.ledger.queryresult import kv_query_result_pb2
from fabric_protos.peer import chaincode_shim_pb2

from chaincode.shim.errors import ChaincodeError
from chaincode.shim.stream import Message, Request

Row = TypeVar("Row")


@dataclass(frozen=True)
class KeyValue:
    """A key and its value."""

    key: str
    value: bytes


@dataclass(frozen=True)
class KeyModification:
    """One write of a key; the timestamp is the writing transaction's."""

    tx_id: str
    value: bytes
    timestamp: datetime
    is_delete: bool


@dataclass(frozen=True)
class Page:
    """One page of a range. `bookmark` begins the next page and is empty after the last."""

    rows: tuple[KeyValue, ...]
    bookmark: str


def key_value(data: bytes) -> KeyValue:
    """A row of a range."""
    message = kv_query_result_pb2.KV.FromString(data)
    return KeyValue(message.key, message.value)


def key_modification(data: bytes) -> KeyModification:
    """A row of a history."""
    message = kv_query_result_pb2.KeyModification.FromString(data)
    return KeyModification(
        message.tx_id,
        message.value,
        to_datetime(message.timestamp.seconds, message.timestamp.nanos),
        message.is_delete,
    )


def to_datetime(seconds: int, nanos: int) -> datetime:
    """A protobuf timestamp as UTC, to the microsecond.

    Raises:
        ValueError: it lies outside the years 1 to 9999.
    """
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds, microseconds=nanos // 1000)
    except OverflowError as error:
        raise ValueError("a timestamp is no date") from error


class QueryIterator(Generic[Row]):
    """The rows of a query, fetched as they are read.

    An iterator that is not read to its end keeps a query open at the peer: use it in `async with`, or call `aclose`.
    """

    def __init__(self, request: Request, first: bytes, row: Callable[[bytes], Row]) -> None:
        self._request = request
        self._row = row
        self._response = chaincode_shim_pb2.QueryResponse.FromString(first)
        self._position = 0
        self._closed = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Row:
        while not self._closed and self._position == len(self._response.results):
            if not self._response.has_more:
                raise StopAsyncIteration
            following = chaincode_shim_pb2.QueryStateNext(id=self._response.id).SerializeToString()
            answer = await self._request(Message.QUERY_STATE_NEXT, following)
            self._response = chaincode_shim_pb2.QueryResponse.FromString(answer)
            self._position = 0
        if self._closed:
            raise StopAsyncIteration
        self._position += 1
        return self._row(self._response.results[self._position - 1].resultBytes)

    async def aclose(self) -> None:
        """End the query, at the peer too if it has not ended by itself. There are no more rows."""
        open_at_peer = self._response.has_more and not self._closed
        self._closed = True
        if open_at_peer:
            ending = chaincode_shim_pb2.QueryStateClose(id=self._response.id).SerializeToString()
            await self._request(Message.QUERY_STATE_CLOSE, ending)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            await self.aclose()
        except ChaincodeError:
            if kind is None:
                raise  # otherwise what ended the block matters more
