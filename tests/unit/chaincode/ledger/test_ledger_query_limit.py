"""How many rows a query gives in all, `ledger.state.totalQueryLimit` (Fabric's `query_response_generator.go`)."""

import pytest
from fabric_protos.ledger.queryresult import kv_query_result_pb2
from fabric_protos.peer import chaincode_shim_pb2 as shim

from chaincode.ledger import read_write_set
from chaincode.ledger.memory_state import MemoryState
from chaincode.ledger.mvcc import Updates
from chaincode.ledger.simulator import Simulator
from chaincode.ledger.state import Version, VersionedValue
from chaincode.ledger.transaction_context import TransactionContext

KEYS = [f"k{number:03}" for number in range(250)]
Message = shim.ChaincodeMessage


class Chaincode:
    """A chaincode's requests to a peer that gives so many rows."""

    def __init__(self, limit: int) -> None:
        state, updates = MemoryState(), Updates()
        for number, key in enumerate(KEYS):
            updates.public["cc", key] = VersionedValue(b"1", Version(1, number))
        state.apply(updates)
        self.simulator = Simulator(state)
        self.context = TransactionContext("channel", "1", "cc", self.simulator, query_limit=limit)

    def ask(self, kind: "Message.Type.ValueType", payload: bytes) -> shim.QueryResponse:
        answer = self.context.handle(Message(type=kind, payload=payload))
        assert answer.type == Message.RESPONSE, answer.payload
        return shim.QueryResponse.FromString(answer.payload)

    def batches(self) -> list[list[str]]:
        """Everything that a query over all keys gives, message by message."""
        answer = self.ask(Message.GET_STATE_BY_RANGE, shim.GetStateByRange().SerializeToString())
        found = [keys_of(answer)]
        while answer.has_more:
            answer = self.ask(Message.QUERY_STATE_NEXT, shim.QueryStateNext(id=answer.id).SerializeToString())
            found.append(keys_of(answer))
        return found

    def page(self, size: int, bookmark: str = "") -> tuple[list[str], int, str]:
        """A page's keys, how many it says there are, and where the next one begins."""
        metadata = shim.QueryMetadata(pageSize=size, bookmark=bookmark).SerializeToString()
        request = shim.GetStateByRange(metadata=metadata).SerializeToString()
        answer = self.ask(Message.GET_STATE_BY_RANGE, request)
        assert not answer.has_more
        told = shim.QueryResponseMetadata.FromString(answer.metadata)
        return keys_of(answer), told.fetched_records_count, told.bookmark


def keys_of(answer: shim.QueryResponse) -> list[str]:
    return [kv_query_result_pb2.KV.FromString(one.resultBytes).key for one in answer.results]


@pytest.mark.parametrize(
    ("limit", "sizes"),
    [(0, [0]), (1, [1]), (99, [99]), (100, [100]), (101, [100, 1]), (200, [100, 100]), (250, [100, 100, 50])],
)
def test_a_query_ends_at_the_limit_and_fails_nobody(limit: int, sizes: list[int]) -> None:
    batches = Chaincode(limit).batches()
    assert [len(one) for one in batches] == sizes
    assert [key for one in batches for key in one] == KEYS[:limit]


def test_a_limit_that_is_not_reached_changes_nothing() -> None:
    assert [key for one in Chaincode(100_000).batches() for key in one] == KEYS


def test_what_a_query_did_not_give_is_not_recorded_as_read() -> None:
    chaincode = Chaincode(3)
    chaincode.batches()
    (query,) = read_write_set.decode(chaincode.simulator.results().public)["cc"].range_queries
    assert [key for key, _ in query.reads] == KEYS[:3]
    assert not query.exhausted


def test_a_page_is_no_longer_than_the_limit_and_says_where_the_next_one_begins() -> None:
    chaincode = Chaincode(3)
    assert chaincode.page(2) == (KEYS[:2], 2, KEYS[2])
    assert chaincode.page(3) == (KEYS[:3], 3, KEYS[3])
    assert chaincode.page(4) == (KEYS[:3], 3, KEYS[3])
    assert chaincode.page(200, KEYS[3]) == (KEYS[3:6], 3, KEYS[6])
    assert chaincode.page(200, KEYS[-2]) == (KEYS[-2:], 2, "")


def test_every_query_has_the_limit_for_itself() -> None:
    chaincode = Chaincode(3)
    assert chaincode.batches() == chaincode.batches() == [KEYS[:3]]
