"""What a peer answers to a chaincode's requests, in Fabric's words."""

import pytest
from fabric_protos.ledger.queryresult import kv_query_result_pb2
from fabric_protos.peer import chaincode_shim_pb2

from chaincode.ledger import transaction_context
from chaincode.ledger.collections import Permissions
from chaincode.ledger.memory_state import MemoryState
from chaincode.ledger.simulator import SimulationError, Simulator
from chaincode.ledger.state import KeyModification
from chaincode.ledger.transaction_context import Message, TransactionContext
from tests.unit.chaincode.ledger.ledger_states import state_of

pb = chaincode_shim_pb2


class Guarded:
    """`open` is for everyone, `closed` for nobody; there are no others."""

    def require(self, simulator: Simulator, namespace: str, collection: str) -> None:
        if collection not in ("open", "closed"):
            raise SimulationError(f"collection [{collection}] not defined")

    def permissions(self, simulator: Simulator, namespace: str, collection: str) -> Permissions:
        self.require(simulator, namespace, collection)
        return Permissions(read=collection == "open", write=collection == "open")


def context(state: MemoryState | None = None, *, is_init: bool = False, limit: int = 1000) -> TransactionContext:
    simulator = Simulator(state or MemoryState(), "tx", Guarded())
    return TransactionContext("channel", "tx", "cc", simulator, is_init, limit)


def ask(one: TransactionContext, kind: Message.Type.ValueType, payload: bytes) -> Message:
    answer = one.handle(Message(type=kind, payload=payload, txid="tx", channel_id="channel"))
    assert (answer.txid, answer.channel_id) == ("tx", "channel")
    return answer


def refused(one: TransactionContext, kind: Message.Type.ValueType, payload: bytes) -> str:
    answer = ask(one, kind, payload)
    assert answer.type == Message.ERROR
    return answer.payload.decode()


def answered(one: TransactionContext, kind: Message.Type.ValueType, payload: bytes) -> bytes:
    answer = ask(one, kind, payload)
    assert answer.type == Message.RESPONSE, answer
    return answer.payload


def test_state_is_read_and_an_absent_key_is_empty() -> None:
    one = context(state_of({"a": b"1"}))
    assert answered(one, Message.GET_STATE, pb.GetState(key="a").SerializeToString()) == b"1"
    assert answered(one, Message.GET_STATE, pb.GetState(key="b").SerializeToString()) == b""
    values = answered(one, Message.GET_STATE_MULTIPLE, pb.GetStateMultiple(keys=["b", "a"]).SerializeToString())
    assert list(pb.GetStateMultipleResult.FromString(values).values) == [b"", b"1"]


def test_garbage_is_refused_in_fabrics_words() -> None:
    for kind in transaction_context.HANDLERS:
        text = refused(context(), kind, b"\xff\xff\xff")
        assert text == (
            f"{Message.Type.Name(kind)} failed: transaction ID: tx: unmarshal failed: "
            "proto: cannot parse invalid wire-format data"
        )


COLLECTION_REQUESTS = [
    (Message.GET_STATE, pb.GetState(key="k", collection="{}"), "read"),
    (Message.GET_STATE_MULTIPLE, pb.GetStateMultiple(keys=["k"], collection="{}"), "read"),
    (Message.GET_STATE_METADATA, pb.GetStateMetadata(key="k", collection="{}"), "read"),
    (Message.GET_STATE_BY_RANGE, pb.GetStateByRange(collection="{}"), "read"),
    (Message.GET_QUERY_RESULT, pb.GetQueryResult(query="{}", collection="{}"), "read"),
    (Message.PUT_STATE, pb.PutState(key="k", value=b"v", collection="{}"), "write"),
    (Message.DEL_STATE, pb.DelState(key="k", collection="{}"), "write"),
    (Message.PURGE_PRIVATE_DATA, pb.DelState(key="k", collection="{}"), "write"),
    (Message.PUT_STATE_METADATA, pb.PutStateMetadata(key="k", collection="{}"), "write"),
]


def filled(request: object, collection: str) -> bytes:
    message = type(request)()
    message.CopyFrom(request)
    message.collection = collection
    data: bytes = message.SerializeToString()
    return data


@pytest.mark.parametrize(("kind", "request_", "right"), COLLECTION_REQUESTS)
def test_private_data_are_for_whom_the_collection_admits(
    kind: Message.Type.ValueType, request_: object, right: str
) -> None:
    name = Message.Type.Name(kind)
    assert refused(context(), kind, filled(request_, "closed")) == (
        f"{name} failed: transaction ID: tx: tx creator does not have {right} access permission on privatedata in "
        "chaincodeName:cc collectionName: closed"
    )
    assert refused(context(), kind, filled(request_, "nothing")) == (
        f"{name} failed: transaction ID: tx: collection [nothing] not defined"
    )
    if kind != Message.GET_QUERY_RESULT:
        answered(context(), kind, filled(request_, "open"))


@pytest.mark.parametrize(
    ("kind", "request_"),
    [
        *((kind, request) for kind, request, _ in COLLECTION_REQUESTS),
        (Message.GET_PRIVATE_DATA_HASH, pb.GetState(key="k", collection="{}")),
    ],
)
def test_initialising_chaincode_may_not_touch_private_data(kind: Message.Type.ValueType, request_: object) -> None:
    assert refused(context(is_init=True), kind, filled(request_, "open")) == (
        f"{Message.Type.Name(kind)} failed: transaction ID: tx: private data APIs are not allowed in chaincode Init()"
    )


def test_a_hash_is_for_everyone_where_there_is_such_a_collection() -> None:
    request = pb.GetState(key="p", collection="closed").SerializeToString()
    assert answered(context(), Message.GET_PRIVATE_DATA_HASH, request) == b""
    request = pb.GetState(key="p", collection="nothing").SerializeToString()
    assert "collection [nothing] not defined" in refused(context(), Message.GET_PRIVATE_DATA_HASH, request)


def test_only_private_data_can_be_purged() -> None:
    request = pb.DelState(key="k").SerializeToString()
    assert refused(context(), Message.PURGE_PRIVATE_DATA, request) == (
        "PURGE_PRIVATE_DATA failed: transaction ID: tx: only applicable for private data"
    )


def test_a_batch_of_writes_is_the_same_as_its_writes() -> None:
    one = context(state_of({"b": b"1"}))
    record = pb.WriteRecord
    batch = pb.WriteBatchState(
        rec=[
            record(key="a", value=b"1", type=record.PUT_STATE),
            record(key="b", type=record.DEL_STATE),
            record(key="p", value=b"2", collection="open", type=record.PUT_STATE),
            record(key="q", collection="open", type=record.PURGE_PRIVATE_DATA),
            record(key="a", type=record.PUT_STATE_METADATA, metadata=pb.StateMetadata(metakey="m", value=b"3")),
        ]
    )
    answered(one, Message.WRITE_BATCH_STATE, batch.SerializeToString())
    part = one.simulator.results().sets["cc"]
    assert {key: write.is_delete for key, write in part.writes.items()} == {"a": False, "b": True}
    assert part.metadata_writes == {"a": {"m": b"3"}}
    assert sorted(write.is_purge for write in part.collections["open"].writes.values()) == [False, True]


def test_a_batch_with_something_unknown_is_refused() -> None:
    batch = pb.WriteBatchState(rec=[pb.WriteRecord(key="a")]).SerializeToString()
    assert refused(context(), Message.WRITE_BATCH_STATE, batch) == (
        "WRITE_BATCH_STATE failed: transaction ID: tx: unknown operation type"
    )


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (pb.GetQueryResult(query="{}"), "ExecuteQuery not supported for leveldb"),
        (pb.GetQueryResult(query="{}", collection="open"), "ExecuteQuery not supported for leveldb"),
        (
            pb.GetQueryResult(query="{}", metadata=pb.QueryMetadata(pageSize=1).SerializeToString()),
            "ExecuteQueryWithMetadata not supported for leveldb",
        ),
    ],
)
def test_rich_queries_get_leveldbs_answer(request_: pb.GetQueryResult, text: str) -> None:
    answer = refused(context(), Message.GET_QUERY_RESULT, request_.SerializeToString())
    assert answer == f"GET_QUERY_RESULT failed: transaction ID: tx: {text}"


def rows(response: pb.QueryResponse) -> list[str]:
    return [kv_query_result_pb2.KV.FromString(row.resultBytes).key for row in response.results]


def test_a_query_goes_on_until_it_has_no_more() -> None:
    one = context(state_of({f"{number:03}": b"v" for number in range(150)}))
    first = pb.QueryResponse.FromString(answered(one, Message.GET_STATE_BY_RANGE, b""))
    assert (len(first.results), first.has_more) == (100, True)
    following = pb.QueryStateNext(id=first.id).SerializeToString()
    second = pb.QueryResponse.FromString(answered(one, Message.QUERY_STATE_NEXT, following))
    assert (len(second.results), second.has_more) == (50, False)
    assert rows(first) + rows(second) == [f"{number:03}" for number in range(150)]
    assert refused(one, Message.QUERY_STATE_NEXT, following).endswith(": query iterator not found")


def test_a_query_can_be_closed_whether_it_is_open_or_not() -> None:
    one = context(state_of({f"{number:03}": b"v" for number in range(150)}))
    first = pb.QueryResponse.FromString(answered(one, Message.GET_STATE_BY_RANGE, b""))
    for identifier in (first.id, first.id, "never"):
        request = pb.QueryStateClose(id=identifier).SerializeToString()
        response = pb.QueryResponse.FromString(answered(one, Message.QUERY_STATE_CLOSE, request))
        assert (response.id, response.has_more) == (identifier, False)
    following = pb.QueryStateNext(id=first.id).SerializeToString()
    assert refused(one, Message.QUERY_STATE_NEXT, following).endswith(": query iterator not found")


def page(one: TransactionContext, size: int, bookmark: str = "") -> tuple[list[str], int, str]:
    metadata = pb.QueryMetadata(pageSize=size, bookmark=bookmark).SerializeToString()
    request = pb.GetStateByRange(startKey="a", metadata=metadata).SerializeToString()
    response = pb.QueryResponse.FromString(answered(one, Message.GET_STATE_BY_RANGE, request))
    told = pb.QueryResponseMetadata.FromString(response.metadata)
    assert not response.has_more
    return rows(response), told.fetched_records_count, told.bookmark


def test_pages_follow_each_other_by_bookmark() -> None:
    one = context(state_of(dict.fromkeys("abcde", b"v")))
    assert page(one, 2) == (["a", "b"], 2, "c")
    assert page(one, 2, "c") == (["c", "d"], 2, "e")
    assert page(one, 2, "e") == (["e"], 1, "")
    assert page(one, 0, "d") == (["d", "e"], 2, "")


def test_a_page_holds_more_than_a_batch_and_no_more_than_the_limit() -> None:
    state = state_of({f"a{number:03}": b"v" for number in range(300)})
    assert page(context(state), 250)[1:] == (250, "a250")
    assert page(context(state, limit=120), 250)[1:] == (120, "a120")


def test_the_limit_holds_for_ranges_private_ranges_and_histories() -> None:
    state = state_of(
        {f"{number:03}": b"v" for number in range(30)}, private=dict.fromkeys("abc", b"v"), collection="open"
    )
    for number in range(30):
        state.add_history("cc", "h", KeyModification(f"tx{number}", b"v", 0, 0, False))
    one = context(state, limit=2)
    for kind, request in (
        (Message.GET_STATE_BY_RANGE, pb.GetStateByRange()),
        (Message.GET_STATE_BY_RANGE, pb.GetStateByRange(collection="open")),
        (Message.GET_HISTORY_FOR_KEY, pb.GetHistoryForKey(key="h")),
    ):
        response = pb.QueryResponse.FromString(answered(one, kind, request.SerializeToString()))
        assert (len(response.results), response.has_more) == (2, False)


def test_a_transaction_that_asks_for_too_much_gets_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transaction_context, "MAX_REQUESTED", 100)
    one = context()
    request = pb.PutState(key="a", value=bytes(60)).SerializeToString()
    answered(one, Message.PUT_STATE, request)
    assert refused(one, Message.PUT_STATE, request).endswith("the transaction asks for too much")
