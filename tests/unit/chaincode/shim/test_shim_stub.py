"""What the stub asks of the peer, message by message, and what it makes of the answers."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fabric_protos.peer import chaincode_pb2, chaincode_shim_pb2, proposal_response_pb2

from chaincode.shim import ChaincodeStub, PeerError, Response
from chaincode.shim.requests import PeerFeatures
from chaincode.shim.stream import Message
from tests.unit.chaincode.scripted_peer import StubPeer

PB = chaincode_shim_pb2
MAX = "\U0010ffff"


def page(size: int, bookmark: str) -> bytes:
    return PB.QueryMetadata(pageSize=size, bookmark=bookmark).SerializeToString()


POLICY = "VALIDATION_PARAMETER"
Call = Callable[[ChaincodeStub], Awaitable[Any]]

REQUESTS: list[tuple[str, Call, str, Any]] = [
    ("get", lambda s: s.get_state("k"), "GET_STATE", PB.GetState(key="k")),
    ("put", lambda s: s.put_state("k", b"v"), "PUT_STATE", PB.PutState(key="k", value=b"v")),
    ("delete", lambda s: s.delete_state("k"), "DEL_STATE", PB.DelState(key="k")),
    (
        "range",
        lambda s: s.get_state_by_range("a", "b"),
        "GET_STATE_BY_RANGE",
        PB.GetStateByRange(startKey="a", endKey="b"),
    ),
    (
        "range without bounds",
        lambda s: s.get_state_by_range("", ""),
        "GET_STATE_BY_RANGE",
        PB.GetStateByRange(startKey="\x01"),
    ),
    (
        "page",
        lambda s: s.get_state_by_range_with_pagination("", "z", 3, "m"),
        "GET_STATE_BY_RANGE",
        PB.GetStateByRange(startKey="\x01", endKey="z", metadata=page(3, "m")),
    ),
    (
        "composite",
        lambda s: s.get_state_by_partial_composite_key("t", ["a"]),
        "GET_STATE_BY_RANGE",
        PB.GetStateByRange(startKey="\0t\0a\0", endKey="\0t\0a\0" + MAX),
    ),
    (
        "composite page",
        lambda s: s.get_state_by_partial_composite_key_with_pagination("t", [], 5),
        "GET_STATE_BY_RANGE",
        PB.GetStateByRange(startKey="\0t\0", endKey="\0t\0" + MAX, metadata=page(5, "")),
    ),
    (
        "all composite keys",
        lambda s: s.get_all_composite_keys_with_pagination(2, "\0t\0"),
        "GET_STATE_BY_RANGE",
        PB.GetStateByRange(startKey="\0", endKey="\0" + MAX, metadata=page(2, "\0t\0")),
    ),
    ("query", lambda s: s.get_query_result("{}"), "GET_QUERY_RESULT", PB.GetQueryResult(query="{}")),
    (
        "query page",
        lambda s: s.get_query_result_with_pagination("{}", 4, "b"),
        "GET_QUERY_RESULT",
        PB.GetQueryResult(query="{}", metadata=page(4, "b")),
    ),
    ("history", lambda s: s.get_history_for_key("k"), "GET_HISTORY_FOR_KEY", PB.GetHistoryForKey(key="k")),
    (
        "get policy",
        lambda s: s.get_state_validation_parameter("k"),
        "GET_STATE_METADATA",
        PB.GetStateMetadata(key="k"),
    ),
    (
        "set policy",
        lambda s: s.set_state_validation_parameter("k", b"p"),
        "PUT_STATE_METADATA",
        PB.PutStateMetadata(key="k", metadata=PB.StateMetadata(metakey=POLICY, value=b"p")),
    ),
    ("private get", lambda s: s.get_private_data("c", "k"), "GET_STATE", PB.GetState(collection="c", key="k")),
    (
        "private hash",
        lambda s: s.get_private_data_hash("c", "k"),
        "GET_PRIVATE_DATA_HASH",
        PB.GetState(collection="c", key="k"),
    ),
    (
        "private put",
        lambda s: s.put_private_data("c", "k", b"v"),
        "PUT_STATE",
        PB.PutState(collection="c", key="k", value=b"v"),
    ),
    ("private delete", lambda s: s.delete_private_data("c", "k"), "DEL_STATE", PB.DelState(collection="c", key="k")),
    (
        "purge",
        lambda s: s.purge_private_data("c", "k"),
        "PURGE_PRIVATE_DATA",
        PB.DelState(collection="c", key="k"),
    ),
    (
        "private range",
        lambda s: s.get_private_data_by_range("c", "", "b"),
        "GET_STATE_BY_RANGE",
        PB.GetStateByRange(collection="c", startKey="\x01", endKey="b"),
    ),
    (
        "private composite",
        lambda s: s.get_private_data_by_partial_composite_key("c", "t", ["a"]),
        "GET_STATE_BY_RANGE",
        PB.GetStateByRange(collection="c", startKey="\0t\0a\0", endKey="\0t\0a\0" + MAX),
    ),
    (
        "private query",
        lambda s: s.get_private_data_query_result("c", "{}"),
        "GET_QUERY_RESULT",
        PB.GetQueryResult(collection="c", query="{}"),
    ),
    (
        "private get policy",
        lambda s: s.get_private_data_validation_parameter("c", "k"),
        "GET_STATE_METADATA",
        PB.GetStateMetadata(collection="c", key="k"),
    ),
    (
        "private set policy",
        lambda s: s.set_private_data_validation_parameter("c", "k", b"p"),
        "PUT_STATE_METADATA",
        PB.PutStateMetadata(collection="c", key="k", metadata=PB.StateMetadata(metakey=POLICY, value=b"p")),
    ),
]


@pytest.mark.parametrize(("call", "kind", "message"), [one[1:] for one in REQUESTS], ids=[one[0] for one in REQUESTS])
async def test_a_call_is_one_message(call: Call, kind: str, message: Any) -> None:
    peer = StubPeer()
    await call(peer.stub)
    ((asked, payload),) = peer.asked
    assert asked == kind
    assert type(message).FromString(payload) == message


async def test_an_absent_value_is_none() -> None:
    stub = StubPeer().stub
    assert await stub.get_state("k") is None
    assert await stub.get_private_data("c", "k") is None
    assert await stub.get_private_data_hash("c", "k") is None
    assert await stub.get_state_validation_parameter("k") is None
    assert await StubPeer(b"value").stub.get_state("k") == b"value"


async def test_a_keys_policy_is_found_among_its_metadata() -> None:
    entries = [PB.StateMetadata(metakey="OTHER", value=b"o"), PB.StateMetadata(metakey=POLICY, value=b"p")]
    answer = PB.StateMetadataResult(entries=entries).SerializeToString()
    assert await StubPeer(answer).stub.get_state_validation_parameter("k") == b"p"
    assert await StubPeer(answer).stub.get_private_data_validation_parameter("c", "k") == b"p"


@pytest.mark.parametrize(
    "call",
    [
        lambda s: s.put_state("", b"v"),
        lambda s: s.put_state("k", b""),
        lambda s: s.delete_state(""),
        lambda s: s.set_state_validation_parameter("", b"p"),
        lambda s: s.put_private_data("c", "", b"v"),
        lambda s: s.put_private_data("c", "k", b""),
        lambda s: s.delete_private_data("c", ""),
        lambda s: s.purge_private_data("c", ""),
        # Without its name a collection is the public state.
        lambda s: s.get_private_data("", "k"),
        lambda s: s.get_multiple_private_data("", ["k"]),
        lambda s: s.get_private_data_hash("", "k"),
        lambda s: s.put_private_data("", "k", b"v"),
        lambda s: s.delete_private_data("", "k"),
        lambda s: s.purge_private_data("", "k"),
        lambda s: s.get_private_data_by_range("", "a", "b"),
        lambda s: s.get_private_data_by_partial_composite_key("", "t", []),
        lambda s: s.get_private_data_query_result("", "{}"),
        lambda s: s.set_private_data_validation_parameter("", "k", b"p"),
        lambda s: s.get_private_data_validation_parameter("", "k"),
        # Simple keys and composite keys do not mix.
        lambda s: s.get_state_by_range("\0t\0", ""),
        lambda s: s.get_state_by_range("a", "\0"),
        lambda s: s.get_state_by_range_with_pagination("\0", "", 1),
        lambda s: s.get_private_data_by_range("c", "\0", ""),
        lambda s: s.get_state_by_partial_composite_key("t", ["\0"]),
        lambda s: s.get_state_by_range_with_pagination("", "", 0),
        lambda s: s.get_state_by_range_with_pagination("", "", -1),
        lambda s: s.get_query_result_with_pagination("{}", 0),
    ],
)
async def test_what_a_ledger_cannot_mean_is_refused_before_the_peer_is_asked(call: Call) -> None:
    peer = StubPeer()
    with pytest.raises(ValueError):
        await call(peer.stub)
    assert not peer.asked


def test_an_event_needs_a_name() -> None:
    stub = StubPeer().stub
    with pytest.raises(ValueError, match="name"):
        stub.set_event("", b"payload")
    assert stub.event is None


# Several keys


async def test_several_keys_are_asked_one_by_one_of_an_old_peer() -> None:
    peer = StubPeer(b"1", b"", b"3")
    assert await peer.stub.get_multiple_states(["a", "b", "c"]) == [b"1", None, b"3"]
    assert [kind for kind, _ in peer.asked] == ["GET_STATE"] * 3


@pytest.mark.parametrize("collection", ["", "c"])
async def test_several_keys_are_asked_together_in_the_sizes_that_the_peer_takes(collection: str) -> None:
    keys = [f"key-{number}" for number in range(250)]
    parts = [keys[:100], keys[100:200], keys[200:]]
    answers = [
        PB.GetStateMultipleResult(values=[key.encode() if key != "key-7" else b"" for key in part]).SerializeToString()
        for part in parts
    ]
    peer = StubPeer(*answers, features=PeerFeatures(multiple_keys=100))
    if collection:
        found = await peer.stub.get_multiple_private_data(collection, keys)
    else:
        found = await peer.stub.get_multiple_states(keys)
    assert found == [key.encode() if key != "key-7" else None for key in keys]
    assert [kind for kind, _ in peer.asked] == ["GET_STATE_MULTIPLE"] * 3
    assert [PB.GetStateMultiple.FromString(payload) for _, payload in peer.asked] == [
        PB.GetStateMultiple(keys=part, collection=collection) for part in parts
    ]


async def test_no_keys_are_no_request() -> None:
    for features in (PeerFeatures(), PeerFeatures(multiple_keys=100)):
        peer = StubPeer(features=features)
        assert await peer.stub.get_multiple_states([]) == []
        assert not peer.asked


async def test_fewer_values_than_keys_are_an_error_and_not_other_keys_values() -> None:
    answer = PB.GetStateMultipleResult(values=[b"1"]).SerializeToString()
    with pytest.raises(PeerError, match="one value for each key"):
        await StubPeer(answer, features=PeerFeatures(multiple_keys=100)).stub.get_multiple_states(["a", "b"])


# What READY says


def ready(**values: Any) -> PeerFeatures:
    return PeerFeatures.from_ready(chaincode_pb2.ChaincodeAdditionalParams(**values).SerializeToString())


def test_the_peers_features_are_what_ready_says() -> None:
    assert PeerFeatures.from_ready(b"") == PeerFeatures(0, 0)
    assert PeerFeatures.from_ready(b"\xff") == PeerFeatures(0, 0)
    assert ready(use_write_batch=True, max_size_write_batch=1000) == PeerFeatures(1000, 0)
    assert ready(use_get_multiple_keys=True, max_size_get_multiple_keys=1000) == PeerFeatures(0, 1000)
    assert ready(max_size_write_batch=1000, max_size_get_multiple_keys=1000) == PeerFeatures(0, 0)
    # As in Go, a size below 100, none included, means 100.
    assert ready(use_write_batch=True, use_get_multiple_keys=True, max_size_get_multiple_keys=7) == PeerFeatures(
        100, 100
    )


# Other chaincode


def completed(kind: "Message.Type.ValueType", payload: bytes) -> bytes:
    return Message(type=kind, payload=payload).SerializeToString()


@pytest.mark.parametrize(("channel", "target"), [("", "other"), ("elsewhere", "other/elsewhere")])
async def test_another_chaincode_is_called_by_name_and_channel(channel: str, target: str) -> None:
    inner = proposal_response_pb2.Response(status=200, message="m", payload=b"p").SerializeToString()
    peer = StubPeer(completed(Message.COMPLETED, inner))
    assert await peer.stub.invoke_chaincode("other", [b"F", b"\xff"], channel) == Response(200, "m", b"p")
    ((kind, payload),) = peer.asked
    spec = chaincode_pb2.ChaincodeSpec.FromString(payload)
    assert (kind, spec.chaincode_id.name, list(spec.input.args)) == ("INVOKE_CHAINCODE", target, [b"F", b"\xff"])


async def test_another_chaincodes_refusal_is_a_response() -> None:
    inner = proposal_response_pb2.Response(status=500, message="no").SerializeToString()
    assert await StubPeer(completed(Message.COMPLETED, inner)).stub.invoke_chaincode("other", []) == Response(500, "no")


async def test_another_chaincode_that_could_not_be_run_is_an_error() -> None:
    with pytest.raises(PeerError, match="^it broke$"):
        await StubPeer(completed(Message.ERROR, b"it broke")).stub.invoke_chaincode("other", [])
    with pytest.raises(PeerError, match="not found"):
        await StubPeer(PeerError("not found")).stub.invoke_chaincode("other", [])
