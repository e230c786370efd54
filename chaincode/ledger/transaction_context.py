"""The peer's side of one running transaction: what a chaincode asks for, answered from its simulation.

Source: `core/chaincode/handler.go`. Everything here is a function of message and simulation; the stream, its order
and its timeouts are the host's business, and so is INVOKE_CHAINCODE, which needs another chaincode's stream.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import uuid4

from fabric_protos.ledger.queryresult import kv_query_result_pb2
from fabric_protos.peer import chaincode_shim_pb2
from google.protobuf.message import DecodeError
from google.protobuf.message import Message as ProtoMessage
from google.protobuf.timestamp_pb2 import Timestamp

from chaincode.ledger.collections import Permissions
from chaincode.ledger.open_query import TOTAL_QUERY_LIMIT, OpenQuery
from chaincode.ledger.simulator import SimulationError, Simulator
from chaincode.ledger.state import KeyModification

Message = chaincode_shim_pb2.ChaincodeMessage
Request = TypeVar("Request", bound=ProtoMessage)

MAX_REQUESTED = 512 * 1024 * 1024  # bytes of requests in one transaction; what it writes could never be ordered


@dataclass
class TransactionContext:
    """One transaction as it runs in a chaincode.

    Args:
        namespace: the chaincode's name, under which it reads and writes.
        simulator: the transaction's simulation.
        is_init: whether the chaincode is being initialised, when private data are not to be touched.
        query_limit: how many rows a query gives in all.
    """

    channel: str
    tx_id: str
    namespace: str
    simulator: Simulator
    is_init: bool = False
    query_limit: int = TOTAL_QUERY_LIMIT
    _queries: dict[str, OpenQuery] = field(default_factory=dict)
    _permissions: dict[str, Permissions] = field(default_factory=dict)
    _requested: int = 0

    def handle(self, message: Message) -> Message:
        """Answer one request: RESPONSE, or ERROR with a text that the chaincode gets."""
        self._requested += len(message.payload)
        try:
            if self._requested > MAX_REQUESTED:
                raise SimulationError("the transaction asks for too much")
            return self._answer(Message.RESPONSE, HANDLERS[message.type](self, message.payload))
        except SimulationError as error:
            return self.error(message.type, str(error))

    def error(self, kind: Message.Type.ValueType, text: str) -> Message:
        """An ERROR for this transaction's request of some type."""
        return self._answer(Message.ERROR, failure(kind, self.tx_id, text))

    def _answer(self, kind: Message.Type.ValueType, payload: bytes) -> Message:
        return Message(type=kind, payload=payload, txid=self.tx_id, channel_id=self.channel)

    def get_state(self, payload: bytes) -> bytes:
        request = _parsed(chaincode_shim_pb2.GetState, payload)
        if request.collection:
            self._may_read(request.collection)
            return self.simulator.get_private(self.namespace, request.collection, request.key) or b""
        return self.simulator.get(self.namespace, request.key) or b""

    def get_private_hash(self, payload: bytes) -> bytes:
        request = _parsed(chaincode_shim_pb2.GetState, payload)
        self._check_not_init()
        return self.simulator.get_private_hash(self.namespace, request.collection, request.key) or b""

    def get_multiple(self, payload: bytes) -> bytes:
        request = _parsed(chaincode_shim_pb2.GetStateMultiple, payload)
        if request.collection:
            self._may_read(request.collection)
            values = self.simulator.get_private_multiple(self.namespace, request.collection, request.keys)
        else:
            values = [self.simulator.get(self.namespace, key) for key in request.keys]
        return chaincode_shim_pb2.GetStateMultipleResult(values=[value or b"" for value in values]).SerializeToString()

    def put_state(self, payload: bytes) -> bytes:
        request = _parsed(chaincode_shim_pb2.PutState, payload)
        self._put(request.collection, request.key, request.value)
        return b""

    def delete_state(self, payload: bytes) -> bytes:
        request = _parsed(chaincode_shim_pb2.DelState, payload)
        self._put(request.collection, request.key, b"")
        return b""

    def purge_private(self, payload: bytes) -> bytes:
        request = _parsed(chaincode_shim_pb2.DelState, payload)
        self._purge(request.collection, request.key)
        return b""

    def write_batch(self, payload: bytes) -> bytes:
        kind = chaincode_shim_pb2.WriteRecord
        for write in _parsed(chaincode_shim_pb2.WriteBatchState, payload).rec:
            if write.type == kind.PUT_STATE:
                self._put(write.collection, write.key, write.value)
            elif write.type == kind.DEL_STATE:
                self._put(write.collection, write.key, b"")
            elif write.type == kind.PURGE_PRIVATE_DATA:
                self._purge(write.collection, write.key)
            elif write.type == kind.PUT_STATE_METADATA:
                self._put_metadata(write.collection, write.key, write.metadata)
            else:
                raise SimulationError("unknown operation type")
        return b""

    def get_metadata(self, payload: bytes) -> bytes:
        request = _parsed(chaincode_shim_pb2.GetStateMetadata, payload)
        if request.collection:
            self._may_read(request.collection)
            entries = self.simulator.private_metadata(self.namespace, request.collection, request.key)
        else:
            entries = self.simulator.metadata(self.namespace, request.key)
        return chaincode_shim_pb2.StateMetadataResult(
            entries=[chaincode_shim_pb2.StateMetadata(metakey=name, value=value) for name, value in entries.items()]
        ).SerializeToString()

    def put_metadata(self, payload: bytes) -> bytes:
        request = _parsed(chaincode_shim_pb2.PutStateMetadata, payload)
        self._put_metadata(request.collection, request.key, request.metadata)
        return b""

    def get_range(self, payload: bytes) -> bytes:
        request = _parsed(chaincode_shim_pb2.GetStateByRange, payload)
        page = _parsed(chaincode_shim_pb2.QueryMetadata, request.metadata)
        limit = min(page.pageSize, self.query_limit) if page.pageSize > 0 else self.query_limit
        if request.collection:
            self._may_read(request.collection)
            rows = self.simulator.private_range(self.namespace, request.collection, request.startKey, request.endKey)
            return self._open(self._rows(rows), limit)
        if page.pageSize or page.bookmark:
            scan = self.simulator.page(self.namespace, page.bookmark or request.startKey, request.endKey)
            rows_of_page = OpenQuery(self._rows(scan), limit).page()
            return self._page(rows_of_page, scan.bookmark())
        return self._open(self._rows(self.simulator.range(self.namespace, request.startKey, request.endKey)), limit)

    def get_query_result(self, payload: bytes) -> bytes:
        """LevelDB's answer to rich queries (`statedb/stateleveldb/stateleveldb.go`)."""
        request = _parsed(chaincode_shim_pb2.GetQueryResult, payload)
        page = _parsed(chaincode_shim_pb2.QueryMetadata, request.metadata)
        if request.collection:
            self._may_read(request.collection)
            self.simulator.begin_private_query(self.namespace, request.collection)
        elif page.pageSize or page.bookmark:
            self.simulator.begin_page()
            raise SimulationError("ExecuteQueryWithMetadata not supported for leveldb")
        raise SimulationError("ExecuteQuery not supported for leveldb")

    def get_history(self, payload: bytes) -> bytes:
        request = _parsed(chaincode_shim_pb2.GetHistoryForKey, payload)
        rows = self.simulator.history(self.namespace, request.key)
        return self._open((_modification(row) for row in rows), self.query_limit)

    def query_next(self, payload: bytes) -> bytes:
        identifier = _parsed(chaincode_shim_pb2.QueryStateNext, payload).id
        if identifier not in self._queries:
            raise SimulationError("query iterator not found")
        return self._batch(identifier)

    def query_close(self, payload: bytes) -> bytes:
        identifier = _parsed(chaincode_shim_pb2.QueryStateClose, payload).id
        self._queries.pop(identifier, None)
        return chaincode_shim_pb2.QueryResponse(has_more=False, id=identifier).SerializeToString()

    def _check_not_init(self) -> None:
        if self.is_init:
            raise SimulationError("private data APIs are not allowed in chaincode Init()")

    def _permitted(self, collection: str) -> Permissions:
        self._check_not_init()
        if collection not in self._permissions:
            self._permissions[collection] = self.simulator.permissions(self.namespace, collection)
        return self._permissions[collection]

    def _may_read(self, collection: str) -> None:
        if not self._permitted(collection).read:
            raise self._not_permitted("read", collection)

    def _may_write(self, collection: str) -> None:
        if not self._permitted(collection).write:
            raise self._not_permitted("write", collection)

    def _not_permitted(self, what: str, collection: str) -> SimulationError:
        return SimulationError(
            f"tx creator does not have {what} access permission on privatedata in chaincodeName:{self.namespace} "
            f"collectionName: {collection}"
        )

    def _put(self, collection: str, key: str, value: bytes) -> None:
        if collection:
            self._may_write(collection)
            self.simulator.put_private(self.namespace, collection, key, value)
        else:
            self.simulator.put(self.namespace, key, value)

    def _purge(self, collection: str, key: str) -> None:
        if not collection:
            raise SimulationError("only applicable for private data")
        self._may_write(collection)
        self.simulator.put_private(self.namespace, collection, key, b"", purge=True)

    def _put_metadata(self, collection: str, key: str, entry: chaincode_shim_pb2.StateMetadata) -> None:
        entries = {entry.metakey: entry.value}
        if collection:
            self._may_write(collection)
            self.simulator.put_private_metadata(self.namespace, collection, key, entries)
        else:
            self.simulator.put_metadata(self.namespace, key, entries)

    def _rows(self, rows: Iterator[tuple[str, bytes]]) -> Iterator[bytes]:
        for key, value in rows:
            yield kv_query_result_pb2.KV(namespace=self.namespace, key=key, value=value).SerializeToString()

    def _open(self, rows: Iterator[bytes], limit: int) -> bytes:
        identifier = uuid4().hex
        self._queries[identifier] = OpenQuery(rows, limit)
        return self._batch(identifier)

    def _batch(self, identifier: str) -> bytes:
        rows, has_more = self._queries[identifier].batch()
        if not has_more:
            del self._queries[identifier]
        return _query_response(rows, identifier, has_more=has_more).SerializeToString()

    def _page(self, rows: list[bytes], bookmark: str) -> bytes:
        response = _query_response(rows, uuid4().hex, has_more=False)
        response.metadata = chaincode_shim_pb2.QueryResponseMetadata(
            fetched_records_count=len(rows), bookmark=bookmark
        ).SerializeToString()
        return response.SerializeToString()


def failure(kind: Message.Type.ValueType, tx_id: str, text: str) -> bytes:
    """What an ERROR says about a request of some type."""
    return f"{Message.Type.Name(kind)} failed: transaction ID: {tx_id}: {text}".encode()


def _parsed(kind: type[Request], payload: bytes) -> Request:
    try:
        return kind.FromString(payload)
    except DecodeError as error:
        raise SimulationError("unmarshal failed: proto: cannot parse invalid wire-format data") from error


def _query_response(rows: list[bytes], identifier: str, *, has_more: bool) -> chaincode_shim_pb2.QueryResponse:
    return chaincode_shim_pb2.QueryResponse(
        results=[chaincode_shim_pb2.QueryResultBytes(resultBytes=row) for row in rows],
        has_more=has_more,
        id=identifier,
    )


def _modification(row: KeyModification) -> bytes:
    return kv_query_result_pb2.KeyModification(
        tx_id=row.tx_id,
        value=row.value,
        timestamp=Timestamp(seconds=row.seconds, nanos=row.nanos),
        is_delete=row.is_delete,
    ).SerializeToString()


HANDLERS: Mapping[int, Callable[[TransactionContext, bytes], bytes]] = {
    Message.GET_STATE: TransactionContext.get_state,
    Message.PUT_STATE: TransactionContext.put_state,
    Message.DEL_STATE: TransactionContext.delete_state,
    Message.GET_STATE_BY_RANGE: TransactionContext.get_range,
    Message.GET_QUERY_RESULT: TransactionContext.get_query_result,
    Message.QUERY_STATE_NEXT: TransactionContext.query_next,
    Message.QUERY_STATE_CLOSE: TransactionContext.query_close,
    Message.GET_HISTORY_FOR_KEY: TransactionContext.get_history,
    Message.GET_STATE_METADATA: TransactionContext.get_metadata,
    Message.PUT_STATE_METADATA: TransactionContext.put_metadata,
    Message.GET_PRIVATE_DATA_HASH: TransactionContext.get_private_hash,
    Message.PURGE_PRIVATE_DATA: TransactionContext.purge_private,
    Message.GET_STATE_MULTIPLE: TransactionContext.get_multiple,
    Message.WRITE_BATCH_STATE: TransactionContext.write_batch,
}
