"""The peer's side of one running transaction: what a chaincode asks for, answered from its simulation.

Source: `core/chaincode/handler.go`. Everything here is a function of message and simulation; the stream, its order
and its timeouts are the host's business, and so is INVOKE_CHAINCODE, which needs another chaincode's stream.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from fabric_protos.ledger.queryresult import kv_query_result_pb2
from fabric_protos.peer import chaincode_shim_pb2
from google.protobuf.message import DecodeError
from google.protobuf.timestamp_pb2 import Timestamp

from chaincode.ledger.simulator import Scan, SimulationError, Simulator
from chaincode.ledger.state import KeyModification

Message = chaincode_shim_pb2.ChaincodeMessage

BATCH = 100  # `maxResultLimit`, core/chaincode/query_response_generator.go
TOTAL_QUERY_LIMIT = 100_000  # `ledger.state.totalQueryLimit` of the sample core.yaml


@dataclass
class TransactionContext:
    """One transaction as it runs in a chaincode.

    Args:
        namespace: the chaincode's name, under which it reads and writes.
        simulator: the transaction's simulation.
    """

    channel: str
    tx_id: str
    namespace: str
    simulator: Simulator
    _queries: dict[str, Iterator[bytes]] = field(default_factory=dict)

    def handle(self, message: Message) -> Message:
        """Answer one request: RESPONSE, or ERROR with a text that the chaincode gets."""
        handler = _HANDLERS.get(message.type)
        if handler is None:
            return self.error(f"unhandled message type {Message.Type.Name(message.type)}")
        try:
            payload = handler(self, message.payload)
        except DecodeError:
            return self.error("unmarshal failed")
        except (SimulationError, ValueError) as error:
            return self.error(f"{Message.Type.Name(message.type)} failed: transaction ID: {self.tx_id}: {error}")
        return self._answer(Message.RESPONSE, payload)

    def error(self, text: str) -> Message:
        """An ERROR for this transaction."""
        return self._answer(Message.ERROR, text.encode())

    def _answer(self, kind: Message.Type.ValueType, payload: bytes) -> Message:
        return Message(type=kind, payload=payload, txid=self.tx_id, channel_id=self.channel)

    def get_state(self, payload: bytes) -> bytes:
        request = chaincode_shim_pb2.GetState.FromString(payload)
        if request.collection:
            return self.simulator.get_private(self.namespace, request.collection, request.key) or b""
        return self.simulator.get(self.namespace, request.key) or b""

    def get_private_hash(self, payload: bytes) -> bytes:
        request = chaincode_shim_pb2.GetState.FromString(payload)
        return self.simulator.get_private_hash(self.namespace, request.collection, request.key) or b""

    def get_multiple(self, payload: bytes) -> bytes:
        request = chaincode_shim_pb2.GetStateMultiple.FromString(payload)
        result = chaincode_shim_pb2.GetStateMultipleResult()
        for key in request.keys:
            if request.collection:
                value = self.simulator.get_private(self.namespace, request.collection, key)
            else:
                value = self.simulator.get(self.namespace, key)
            result.values.append(value or b"")
        return result.SerializeToString()

    def put_state(self, payload: bytes) -> bytes:
        request = chaincode_shim_pb2.PutState.FromString(payload)
        self._put(request.collection, request.key, request.value)
        return b""

    def delete_state(self, payload: bytes) -> bytes:
        request = chaincode_shim_pb2.DelState.FromString(payload)
        self._delete(request.collection, request.key)
        return b""

    def purge_private(self, payload: bytes) -> bytes:
        request = chaincode_shim_pb2.DelState.FromString(payload)
        self._delete(request.collection, request.key, purge=True)
        return b""

    def write_batch(self, payload: bytes) -> bytes:
        request = chaincode_shim_pb2.WriteBatchState.FromString(payload)
        record = chaincode_shim_pb2.WriteRecord
        for write in request.rec:
            if write.type == record.PUT_STATE:
                self._put(write.collection, write.key, write.value)
            elif write.type == record.DEL_STATE:
                self._delete(write.collection, write.key)
            elif write.type == record.PURGE_PRIVATE_DATA:
                self._delete(write.collection, write.key, purge=True)
            elif write.type == record.PUT_STATE_METADATA:
                self._put_metadata(write.collection, write.key, write.metadata)
        return b""

    def get_metadata(self, payload: bytes) -> bytes:
        request = chaincode_shim_pb2.GetStateMetadata.FromString(payload)
        if request.collection:
            raise SimulationError("metadata of private data is not supported")
        entries = self.simulator.metadata(self.namespace, request.key)
        return chaincode_shim_pb2.StateMetadataResult(
            entries=[chaincode_shim_pb2.StateMetadata(metakey=name, value=value) for name, value in entries.items()]
        ).SerializeToString()

    def put_metadata(self, payload: bytes) -> bytes:
        request = chaincode_shim_pb2.PutStateMetadata.FromString(payload)
        self._put_metadata(request.collection, request.key, request.metadata)
        return b""

    def get_range(self, payload: bytes) -> bytes:
        request = chaincode_shim_pb2.GetStateByRange.FromString(payload)
        if request.collection:
            raise SimulationError("ranges of private data are not supported")
        if request.metadata:
            page = chaincode_shim_pb2.QueryMetadata.FromString(request.metadata)
            scan = self.simulator.page(self.namespace, request.startKey, request.endKey, page.pageSize, page.bookmark)
            return self._page(scan, page.pageSize)
        scan = self.simulator.range(self.namespace, request.startKey, request.endKey)
        return self._query(self._limited(scan))

    def get_query_result(self, payload: bytes) -> bytes:
        raise SimulationError("ExecuteQuery not supported for leveldb")

    def get_history(self, payload: bytes) -> bytes:
        request = chaincode_shim_pb2.GetHistoryForKey.FromString(payload)
        rows = self.simulator.history(self.namespace, request.key)
        return self._query(_modification(row) for row in rows)

    def query_next(self, payload: bytes) -> bytes:
        identifier = chaincode_shim_pb2.QueryStateNext.FromString(payload).id
        if identifier not in self._queries:
            raise SimulationError("query iterator not found")
        return self._batch(identifier)

    def query_close(self, payload: bytes) -> bytes:
        identifier = chaincode_shim_pb2.QueryStateClose.FromString(payload).id
        self._queries.pop(identifier, None)
        return chaincode_shim_pb2.QueryResponse(has_more=False, id=identifier).SerializeToString()

    def _put(self, collection: str, key: str, value: bytes) -> None:
        if collection:
            self.simulator.put_private(self.namespace, collection, key, value)
        else:
            self.simulator.put(self.namespace, key, value)

    def _delete(self, collection: str, key: str, *, purge: bool = False) -> None:
        if collection:
            self.simulator.delete_private(self.namespace, collection, key, purge=purge)
        else:
            self.simulator.delete(self.namespace, key)

    def _put_metadata(self, collection: str, key: str, entry: chaincode_shim_pb2.StateMetadata) -> None:
        if collection:
            raise SimulationError("metadata of private data is not supported")
        self.simulator.put_metadata(self.namespace, key, {entry.metakey: entry.value})

    def _limited(self, scan: Scan) -> Iterator[bytes]:
        for number, (key, value) in enumerate(scan):
            yield _row(self.namespace, key, value)
            if number + 1 == TOTAL_QUERY_LIMIT:
                return

    def _query(self, rows: Iterator[bytes]) -> bytes:
        identifier = uuid4().hex
        self._queries[identifier] = rows
        return self._batch(identifier)

    def _batch(self, identifier: str) -> bytes:
        response = chaincode_shim_pb2.QueryResponse(id=identifier)
        rows = self._queries[identifier]
        for _ in range(BATCH):
            row = next(rows, None)
            if row is None:
                del self._queries[identifier]
                return response.SerializeToString()
            response.results.add().resultBytes = row
        response.has_more = True
        return response.SerializeToString()

    def _page(self, scan: Scan, size: int) -> bytes:
        response = chaincode_shim_pb2.QueryResponse(id=uuid4().hex)
        for key, value in scan:
            response.results.add().resultBytes = _row(self.namespace, key, value)
        response.metadata = chaincode_shim_pb2.QueryResponseMetadata(
            fetched_records_count=len(response.results), bookmark=scan.bookmark
        ).SerializeToString()
        return response.SerializeToString()


def _row(namespace: str, key: str, value: bytes) -> bytes:
    return kv_query_result_pb2.KV(namespace=namespace, key=key, value=value).SerializeToString()


def _modification(row: KeyModification) -> bytes:
    return kv_query_result_pb2.KeyModification(
        tx_id=row.tx_id,
        value=row.value,
        timestamp=Timestamp(seconds=row.seconds, nanos=row.nanos),
        is_delete=row.is_delete,
    ).SerializeToString()


_HANDLERS: Mapping[int, Callable[[TransactionContext, bytes], bytes]] = {
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
