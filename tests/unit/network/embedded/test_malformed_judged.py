"""Malformed contents judged without a network, by the table that holds on real Fabric (`tests.malformed_cases`)."""

from collections.abc import Mapping

import pytest
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2

from chaincode.ledger.memory_state import MemoryState
from chaincode.ledger.mvcc import BlockValidator
from node_client.protocol.block import new_block
from node_client.protocol.validation import Code, Judged, judge_block
from tests.malformed import Change, Draft, Signer, draft
from tests.malformed_cases import CASES, cleared, collection, fields, garbage, own
from tests.unit.network.embedded.small_channel import CHANNEL, config, define, people

CREATOR = Signer(people("City").client_identity, people("City").client.sign)
PEERS = tuple(Signer(people(name).peer_identity, people(name).peer.sign) for name in ("City", "TriValley"))


def made(**changes: Change) -> Draft:
    return draft(CHANNEL, "cc", CREATOR, PEERS, **changes)


@pytest.fixture
def state() -> MemoryState:
    state = MemoryState()
    define(state, "cc", "AND('CityMSP.peer','TriValleyMSP.peer')")
    return state


def judged(state: MemoryState, *drafts: Draft, known: frozenset[str] = frozenset()) -> list[Judged]:
    block = new_block(2, b"", [one.envelope() for one in drafts])
    return judge_block(block, config(), state, lambda tx_id: tx_id in known)


def code_of(state: MemoryState, one: Draft) -> str:
    (found,) = judged(state, one)
    conflict = BlockValidator(state, 2).validate(0, found.sets) if found.sets is not None else None
    return conflict.value if conflict else Code.Name(found.code)


@pytest.mark.parametrize("name", CASES)
def test_every_malformed_content_has_fabrics_code(state: MemoryState, name: str) -> None:
    code, changes = CASES[name]
    assert code_of(state, made(**changes)) == code


NO_TREE = kv_rwset_pb2.RangeQueryInfo(reads_merkle_hashes=kv_rwset_pb2.QueryReadsMerkleSummary(max_degree=1))
WRITTEN = kv_rwset_pb2.HashedRWSet(hashed_writes=[kv_rwset_pb2.KVWriteHash(key_hash=b"1" * 32, value_hash=b"2" * 32)])


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("INVALID_ENDORSER_TRANSACTION", {"payload_of_action": cleared("action")}),
        ("BAD_RWSET", {"results": own(range_queries_info=[NO_TREE])}),
        ("ENDORSEMENT_POLICY_FAILURE", {"results": collection("missing", WRITTEN.SerializeToString())}),
    ],
    ids=["no endorsed action", "a summary without a degree", "an undefined collection written"],
)
def test_what_ends_fabrics_peers_is_invalid(state: MemoryState, code: str, changes: Mapping[str, Change]) -> None:
    assert code_of(state, made(**changes)) == code


def test_a_transaction_whose_call_nobody_can_read_has_no_arguments(state: MemoryState) -> None:
    plain, odd = judged(state, made(), made(proposal=garbage))
    assert plain.transaction is not None
    assert odd.transaction is not None
    assert plain.transaction.proposal.args[0] == b"Put"
    assert odd.transaction.proposal.args == ()
    assert odd.transaction.proposal.chaincode == "cc"
    assert odd.transaction.proposal.seconds


def test_the_proposal_is_the_one_that_was_endorsed(state: MemoryState) -> None:
    (one,) = judged(state, made(action_header=fields(creator=b"somebody")))
    assert one.transaction is not None
    assert one.transaction.proposal.creator == b"somebody"
    assert one.transaction.proposal.hash == one.transaction.response.proposal_hash


def test_ledgers_keep_the_id_that_is_stated_or_else_the_own_one(state: MemoryState) -> None:
    stated, none = made(channel_header=fields(tx_id="stated")), made(channel_header=fields(tx_id=""))
    assert [one.tx_id for one in judged(state, stated, none)] == ["stated", none.tx_id]


def test_an_id_is_looked_up_after_the_form_and_before_what_was_run(state: MemoryState) -> None:
    one = made()
    changed = [one.changed(extension=garbage), one.changed(response=garbage)]
    found = judged(state, *changed, known=frozenset({one.tx_id}))
    assert [Code.Name(each.code) for each in found] == ["DUPLICATE_TXID", "INVALID_ENDORSER_TRANSACTION"]
