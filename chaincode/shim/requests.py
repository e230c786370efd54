"""A transaction's requests to its peer, one method a message; an empty collection is the public state.

Source: fabric-chaincode-go's `shim/handler.go` and `shim/batch.go`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fabric_protos.peer import chaincode_pb2, chaincode_shim_pb2, proposal_response_pb2
from google.protobuf.message import DecodeError

from chaincode.shim.chaincode import Response
from chaincode.shim.errors import PeerError
from chaincode.shim.iterators import KeyModification, KeyValue, Page, QueryIterator, key_modification, key_value
from chaincode.shim.stream import Message, Request

SMALLEST_BATCH = 100  # `defaultMaxSizeWriteBatch`: what every peer takes that takes batches at all

Record = chaincode_shim_pb2.WriteRecord


@dataclass(frozen=True)
class PeerFeatures:
    """What the peer said of itself in READY (from v3.1 on): 0 means that it has no such thing."""

    write_batch: int = 0
    multiple_keys: int = 0

    @classmethod
    def from_ready(cls, payload: bytes) -> "PeerFeatures":
        """The features that READY's payload names; a peer before v3.1 sends none."""
        try:
            message = chaincode_pb2.ChaincodeAdditionalParams.FromString(payload)
        except DecodeError:
            return cls()
        return cls(
            write_batch=max(message.max_size_write_batch, SMALLEST_BATCH) if message.use_write_batch else 0,
            multiple_keys=max(message.max_size_get_multiple_keys, SMALLEST_BATCH)
            if message.use_get_multiple_keys
            else 0,
        )


class Requests:
    """One transaction's requests.

    Args:
        request: sends one and gives the payload of its answer.
        features: what the peer can do.
    """

    def __init__(self, request: Request, features: PeerFeatures) -> None:
        self._request = request
        self._features = features
        self._batch: dict[tuple[str, str, bool], Record] | None = None

    async def get(self, collection: str, key: str) -> bytes | None:
        message = chaincode_shim_pb2.GetState(key=key, collection=collection)
        return await self._request(Message.GET_STATE, message.SerializeToString()) or None

    async def get_multiple(self, collection: str, keys: Sequence[str]) -> list[bytes | None]:
        size = self._features.multiple_keys
        if not size:
            return [await self.get(collection, key) for key in keys]
        values: list[bytes | None] = []
        for begin in range(0, len(keys), size):
            message = chaincode_shim_pb2.GetStateMultiple(keys=keys[begin : begin + size], collection=collection)
            answer = await self._request(Message.GET_STATE_MULTIPLE, message.SerializeToString())
            result = chaincode_shim_pb2.GetStateMultipleResult.FromString(answer)
            if len(result.values) != len(message.keys):
                # A peer whose database fails answers with no values at all, and without an error.
                raise PeerError("the peer did not answer with one value for each key")
            values.extend(value or None for value in result.values)
        return values

    async def get_hash(self, collection: str, key: str) -> bytes | None:
        message = chaincode_shim_pb2.GetState(key=key, collection=collection)
        return await self._request(Message.GET_PRIVATE_DATA_HASH, message.SerializeToString()) or None

    async def put(self, collection: str, key: str, value: bytes) -> None:
        _require_key(key)
        if not value:
            raise ValueError("a value may not be empty: delete the key instead")
        if self._batch is not None:
            self._keep(Record(key=key, value=value, collection=collection, type=Record.PUT_STATE))
            return
        message = chaincode_shim_pb2.PutState(key=key, value=value, collection=collection)
        await self._request(Message.PUT_STATE, message.SerializeToString())

    async def delete(self, collection: str, key: str) -> None:
        _require_key(key)
        if self._batch is not None:
            self._keep(Record(key=key, collection=collection, type=Record.DEL_STATE))
            return
        message = chaincode_shim_pb2.DelState(key=key, collection=collection)
        await self._request(Message.DEL_STATE, message.SerializeToString())

    async def purge(self, collection: str, key: str) -> None:
        _require_key(key)
        if self._batch is not None:
            self._keep(Record(key=key, collection=collection, type=Record.PURGE_PRIVATE_DATA))
            return
        message = chaincode_shim_pb2.DelState(key=key, collection=collection)
        await self._request(Message.PURGE_PRIVATE_DATA, message.SerializeToString())

    async def get_metadata(self, collection: str, key: str) -> Mapping[str, bytes]:
        message = chaincode_shim_pb2.GetStateMetadata(key=key, collection=collection)
        answer = await self._request(Message.GET_STATE_METADATA, message.SerializeToString())
        entries = chaincode_shim_pb2.StateMetadataResult.FromString(answer).entries
        return {entry.metakey: entry.value for entry in entries}

    async def put_metadata(self, collection: str, key: str, name: str, value: bytes) -> None:
        _require_key(key)
        entry = chaincode_shim_pb2.StateMetadata(metakey=name, value=value)
        if self._batch is not None:
            self._keep(Record(key=key, collection=collection, metadata=entry, type=Record.PUT_STATE_METADATA))
            return
        message = chaincode_shim_pb2.PutStateMetadata(key=key, collection=collection, metadata=entry)
        await self._request(Message.PUT_STATE_METADATA, message.SerializeToString())

    async def range(self, collection: str, start: str, end: str) -> QueryIterator[KeyValue]:
        message = chaincode_shim_pb2.GetStateByRange(startKey=start, endKey=end, collection=collection)
        first = await self._request(Message.GET_STATE_BY_RANGE, message.SerializeToString())
        return QueryIterator(self._request, first, key_value)

    async def range_page(self, start: str, end: str, size: int, bookmark: str) -> Page:
        page = _page(size, bookmark)
        message = chaincode_shim_pb2.GetStateByRange(startKey=start, endKey=end, metadata=page)
        return await self._rows(await self._request(Message.GET_STATE_BY_RANGE, message.SerializeToString()))

    async def query(self, collection: str, query: str) -> QueryIterator[KeyValue]:
        message = chaincode_shim_pb2.GetQueryResult(query=query, collection=collection)
        first = await self._request(Message.GET_QUERY_RESULT, message.SerializeToString())
        return QueryIterator(self._request, first, key_value)

    async def query_page(self, query: str, size: int, bookmark: str) -> Page:
        message = chaincode_shim_pb2.GetQueryResult(query=query, metadata=_page(size, bookmark))
        return await self._rows(await self._request(Message.GET_QUERY_RESULT, message.SerializeToString()))

    async def history(self, key: str) -> QueryIterator[KeyModification]:
        message = chaincode_shim_pb2.GetHistoryForKey(key=key)
        first = await self._request(Message.GET_HISTORY_FOR_KEY, message.SerializeToString())
        return QueryIterator(self._request, first, key_modification)

    async def invoke(self, target: str, args: Sequence[bytes]) -> Response:
        message = chaincode_pb2.ChaincodeSpec(
            chaincode_id=chaincode_pb2.ChaincodeID(name=target), input=chaincode_pb2.ChaincodeInput(args=args)
        )
        answer = await self._request(Message.INVOKE_CHAINCODE, message.SerializeToString())
        inner = Message.FromString(answer)
        if inner.type != Message.COMPLETED:  # the called chaincode's stream failed, or it could not read its input
            raise PeerError(inner.payload.decode(errors="replace"))
        response = proposal_response_pb2.Response.FromString(inner.payload)
        return Response(response.status, response.message, response.payload)

    def start_batch(self) -> None:
        if self._features.write_batch and self._batch is None:
            self._batch = {}

    async def flush(self) -> None:
        batch, self._batch = self._batch, None
        records = list((batch or {}).values())
        size = self._features.write_batch or 1
        for begin in range(0, len(records), size):
            message = chaincode_shim_pb2.WriteBatchState(rec=records[begin : begin + size])
            await self._request(Message.WRITE_BATCH_STATE, message.SerializeToString())

    def _keep(self, record: Record) -> None:
        """Put a write into the batch: of a key's writes the last counts, and its metadata are a thing of their own."""
        if self._batch is not None:
            self._batch[record.collection, record.key, record.type == Record.PUT_STATE_METADATA] = record

    async def _rows(self, answer: bytes) -> Page:
        response = chaincode_shim_pb2.QueryResponse.FromString(answer)
        metadata = chaincode_shim_pb2.QueryResponseMetadata.FromString(response.metadata)
        async with QueryIterator(self._request, answer, key_value) as rows:
            return Page(tuple([row async for row in rows]), metadata.bookmark)


def _require_key(key: str) -> None:
    if not key:
        raise ValueError("a key may not be empty")


def _page(size: int, bookmark: str) -> bytes:
    if size < 1:
        raise ValueError("a page holds at least one row")
    return chaincode_shim_pb2.QueryMetadata(pageSize=size, bookmark=bookmark).SerializeToString()
