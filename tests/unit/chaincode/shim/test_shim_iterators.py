"""Rows of queries: fetched when they are needed, and the query closed at the peer when it is left."""

import asyncio
from typing import Any

import pytest
from fabric_protos.ledger.queryresult import kv_query_result_pb2
from fabric_protos.peer import chaincode_shim_pb2 as PB  # noqa: N812

from chaincode.shim import KeyModification, KeyValue, Page, PeerError
from tests.unit.chaincode.scripted_peer import StubPeer


def rows(*keys: str, more: bool = False, bookmark: str | None = None) -> bytes:
    """An answer to a range: rows whose value is their key in capitals."""
    answer = PB.QueryResponse(has_more=more, id="query-7")
    for key in keys:
        row = kv_query_result_pb2.KV(namespace="cc", key=key, value=key.upper().encode())
        answer.results.add(resultBytes=row.SerializeToString())
    if bookmark is not None:
        answer.metadata = PB.QueryResponseMetadata(
            fetched_records_count=len(keys), bookmark=bookmark
        ).SerializeToString()
    return answer.SerializeToString()


async def keys_of(found: Any) -> list[str]:
    return [row.key async for row in found]


async def test_an_iterator_fetches_the_next_rows_when_it_needs_them() -> None:
    peer = StubPeer(rows("a", "b", more=True), rows("c", more=True), rows(more=True), rows("d"))
    found = await peer.stub.get_state_by_range("", "")
    assert await anext(found) == KeyValue("a", b"A")
    assert await anext(found) == KeyValue("b", b"B")
    assert [kind for kind, _ in peer.asked] == ["GET_STATE_BY_RANGE"]
    assert await keys_of(found) == ["c", "d"]
    assert peer.asked[1:] == [("QUERY_STATE_NEXT", PB.QueryStateNext(id="query-7").SerializeToString())] * 3
    with pytest.raises(StopAsyncIteration):
        await anext(found)
    await found.aclose()
    assert len(peer.asked) == 4  # a query that has ended needs no end


async def test_an_iterator_over_nothing_ends_at_once() -> None:
    peer = StubPeer(rows())
    async with await peer.stub.get_state_by_range("", "") as found:
        assert await keys_of(found) == []
    assert len(peer.asked) == 1


CLOSE = ("QUERY_STATE_CLOSE", PB.QueryStateClose(id="query-7").SerializeToString())


async def test_a_query_that_is_left_early_is_closed_once_at_the_peer() -> None:
    peer = StubPeer(rows("a", "b", more=True))
    async with await peer.stub.get_state_by_range("", "") as found:
        async for _ in found:
            break
        await found.aclose()
        assert await keys_of(found) == []
    assert peer.asked[1:] == [CLOSE]


async def test_a_query_is_closed_when_its_block_fails() -> None:
    peer = StubPeer(rows("a", more=True))
    with pytest.raises(LookupError):
        async with await peer.stub.get_state_by_range("", ""):
            raise LookupError
    assert peer.asked[1:] == [CLOSE]


async def test_closing_that_fails_does_not_hide_what_failed_before() -> None:
    peer = StubPeer(rows("a", more=True), PeerError("cannot close"))
    with pytest.raises(LookupError):
        async with await peer.stub.get_state_by_range("", ""):
            raise LookupError
    peer = StubPeer(rows("a", more=True), PeerError("cannot close"))
    with pytest.raises(PeerError, match="cannot close"):
        async with await peer.stub.get_state_by_range("", ""):
            pass


async def test_a_next_page_that_fails_raises_and_the_query_is_closed() -> None:
    peer = StubPeer(rows("a", more=True), PeerError("query iterator not found"))
    with pytest.raises(PeerError, match="query iterator not found"):
        async with await peer.stub.get_state_by_range("", "") as found:
            await keys_of(found)
    assert peer.asked[2:] == [CLOSE]


async def test_a_page_has_its_rows_and_where_the_next_one_begins() -> None:
    found = await StubPeer(rows("a", "b", bookmark="c")).stub.get_state_by_range_with_pagination("", "", 2)
    assert found == Page((KeyValue("a", b"A"), KeyValue("b", b"B")), "c")
    assert await StubPeer(rows(bookmark="")).stub.get_query_result_with_pagination("{}", 2) == Page((), "")


async def test_history_rows_have_their_transactions_time() -> None:
    answer = PB.QueryResponse()
    for values in (
        {"tx_id": "2", "is_delete": True, "timestamp": {"seconds": 1_700_000_000, "nanos": 123_456_789}},
        {"tx_id": "1", "value": b"v", "timestamp": {"seconds": -1}},
    ):
        answer.results.add(resultBytes=kv_query_result_pb2.KeyModification(**values).SerializeToString())
    peer = StubPeer(answer.SerializeToString())
    found = [row async for row in await peer.stub.get_history_for_key("k")]
    assert [(row.tx_id, row.value, row.is_delete, row.timestamp.isoformat()) for row in found] == [
        ("2", b"", True, "2023-11-14T22:13:20.123456+00:00"),
        ("1", b"v", False, "1969-12-31T23:59:59+00:00"),
    ]
    assert all(isinstance(row, KeyModification) for row in found)


async def test_calls_of_one_transaction_may_be_gathered() -> None:
    peer = StubPeer(b"1", b"2")
    assert await asyncio.gather(peer.stub.get_state("a"), peer.stub.get_state("b")) == [b"1", b"2"]
