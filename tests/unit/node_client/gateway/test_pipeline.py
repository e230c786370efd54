"""Many transactions at a time: how many, and where their outcomes come from."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import pytest
from fabric_protos.gateway import gateway_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import events_pb2

from node_client import (
    AsyncGateway,
    CommitStatusError,
    Identity,
    KeySigner,
    Pipeline,
    Resume,
    SubmitError,
)
from node_client.gateway import pipeline as pipeline_module
from node_client.gateway._async.network import AsyncNetwork
from node_client.gateway._async.transaction import AsyncTransaction
from node_client.protocol.proposal import Proposal
from tests.unit.node_client.fake_peer import Failure, FakePeer, chain_info

HEIGHT = 12
AT_ONCE = Resume(delay=0.001, longest_delay=0.01)
LOST = Failure(grpc.StatusCode.UNAVAILABLE, "the peer is going down")
DUPLICATE_TXID, MVCC_READ_CONFLICT = 9, 11


@pytest.fixture
async def network(peer: FakePeer, identity: Identity, signer: KeySigner) -> AsyncIterator[AsyncNetwork]:
    def function(proposal: Proposal) -> bytes:
        return chain_info(HEIGHT) if proposal.chaincode == "qscc" else b"|".join(proposal.args)

    peer.function = function
    async with AsyncGateway(peer.endpoint, identity, signer) as gateway:
        yield gateway.get_network("certificates")


async def endorsed(network: AsyncNetwork, count: int) -> list[AsyncTransaction]:
    contract = network.get_contract("registry")
    return [await contract.new_proposal("Issue", str(number)).endorse() for number in range(count)]


def filtered(number: int, *outcomes: tuple[str, int]) -> Any:
    transactions = [events_pb2.FilteredTransaction(txid=one, type=3, tx_validation_code=code) for one, code in outcomes]
    return events_pb2.DeliverResponse(
        filtered_block=events_pb2.FilteredBlock(
            channel_id="certificates", number=number, filtered_transactions=transactions
        )
    )


def submitted(peer: FakePeer, count: int) -> list[str]:
    """The ids of the transactions that have been submitted, when there are so many."""
    with peer.arrival:
        assert peer.arrival.wait_for(lambda: len(peer.calls("Submit")) >= count, timeout=30)
    return [call.request.transaction_id for call in peer.calls("Submit")]


def commits(peer: FakePeer, count: int, *, first: int = HEIGHT, code: int = 0) -> Iterator[Any]:
    """One block for each of so many transactions, when all have been submitted."""
    for number, one in enumerate(submitted(peer, count)):
        yield filtered(first + number, (one, code))


def starts(peer: FakePeer) -> list[int]:
    """Where each stream was asked to begin."""
    seeks = [ab_pb2.SeekInfo.FromString(call.request.data) for call in peer.calls("DeliverFiltered")]
    return [seek.start.specified.number for seek in seeks]


async def test_a_transaction_that_is_alone_is_asked_for_by_its_id(peer: FakePeer, network: AsyncNetwork) -> None:
    async with Pipeline(network) as pipeline:
        for transaction in await endorsed(network, 2):
            status = await pipeline.submit(transaction)
            assert (status.transaction_id, status.block_number) == (transaction.transaction_id, peer.commit_block)
    assert [call.method for call in peer.received if call.method != "Endorse"] == ["Submit", "CommitStatus"] * 2


async def test_the_outcomes_of_several_are_read_from_one_stream(peer: FakePeer, network: AsyncNetwork) -> None:
    first, *others = await endorsed(network, 5)

    def blocks() -> Iterator[Any]:
        yield filtered(HEIGHT, ("another", 0))
        codes = (0, MVCC_READ_CONFLICT, 0, 0)
        ids = [one for one in submitted(peer, 5) if one != first.transaction_id]
        yield filtered(HEIGHT + 1, *zip(ids, codes, strict=True))

    peer.streams = [blocks()]
    async with Pipeline(network) as pipeline:
        alone, *statuses = await asyncio.gather(*(pipeline.submit(one) for one in (first, *others)))
    assert alone.block_number == peer.commit_block
    assert [one.transaction_id for one in statuses] == [one.transaction_id for one in others]
    assert {one.block_number for one in statuses} == {HEIGHT + 1}
    assert sorted(one.name for one in statuses) == ["MVCC_READ_CONFLICT", "VALID", "VALID", "VALID"]
    assert starts(peer) == [HEIGHT]
    assert len(peer.calls("CommitStatus")) == 1


async def test_no_more_are_in_flight_than_may_be(peer: FakePeer, network: AsyncNetwork) -> None:
    transactions = await endorsed(network, 7)
    at_once = []

    def blocks() -> Iterator[Any]:
        told = {submitted(peer, 3)[0]}  # the first one is alone, and its block is not read
        while len(told) < 7:
            ids = submitted(peer, min(7, len(told) + 2))
            at_once.append(len(ids) - len(told))
            one = next(one for one in ids if one not in told)
            told.add(one)
            yield filtered(HEIGHT, (one, 0))

    peer.streams = [blocks()]
    async with Pipeline(network, in_flight=3) as pipeline:
        await asyncio.gather(*(pipeline.submit(one) for one in transactions))
    assert max(at_once) <= 3
    with pytest.raises(ValueError):
        Pipeline(network, in_flight=0)


async def test_a_stream_that_is_lost_goes_on_with_the_next_block(peer: FakePeer, network: AsyncNetwork) -> None:
    def first() -> Iterator[Any]:
        yield filtered(HEIGHT, (submitted(peer, 2)[1], 0))
        submitted(peer, 3)
        yield LOST

    def second() -> Iterator[Any]:
        yield filtered(HEIGHT + 1, (submitted(peer, 3)[2], 0))

    peer.streams = [first(), second()]
    async with Pipeline(network, resume=AT_ONCE) as pipeline:
        pair = await endorsed(network, 2)
        await asyncio.gather(*(pipeline.submit(one) for one in pair))
        (third,) = await endorsed(network, 1)
        status = await pipeline.submit(third)
    assert status.block_number == HEIGHT + 1
    assert starts(peer) == [HEIGHT, HEIGHT + 1]
    assert len(peer.calls("CommitStatus")) == 1


async def test_leaving_does_not_wait_for_a_stream_that_is_lost(peer: FakePeer, network: AsyncNetwork) -> None:
    def blocks() -> Iterator[Any]:
        yield filtered(HEIGHT, *((one, 0) for one in submitted(peer, 2)))
        yield LOST

    peer.streams = [blocks()]
    async with Pipeline(network, resume=Resume(delay=1000, longest_delay=1000)) as pipeline:
        statuses = await asyncio.gather(*(pipeline.submit(one) for one in await endorsed(network, 2)))
    assert all(one.successful for one in statuses)


async def test_without_a_stream_every_outcome_is_asked_for(peer: FakePeer, network: AsyncNetwork) -> None:
    peer.streams = [[Failure(grpc.StatusCode.PERMISSION_DENIED, "no blocks for you")]]
    transactions = await endorsed(network, 5)
    async with Pipeline(network, resume=AT_ONCE) as pipeline:
        statuses = await asyncio.gather(*(pipeline.submit(one) for one in transactions))
    assert {one.block_number for one in statuses} == {peer.commit_block}
    assert len(peer.calls("CommitStatus")) == 5
    assert len(peer.calls("DeliverFiltered")) == 1


async def test_a_repeat_tells_nothing_of_the_first_one(peer: FakePeer, network: AsyncNetwork) -> None:
    """The same envelope again is marked a duplicate in its block: how the transaction ended stands in another one."""

    def blocks() -> Iterator[Any]:
        yield filtered(HEIGHT, *((one, DUPLICATE_TXID) for one in submitted(peer, 2)))

    peer.streams = [blocks()]
    transactions = await endorsed(network, 2)
    async with Pipeline(network) as pipeline:
        statuses = await asyncio.gather(*(pipeline.submit(one) for one in transactions))
    assert [one.name for one in statuses] == ["VALID", "VALID"]
    assert len(peer.calls("CommitStatus")) == 2


async def test_one_transaction_twice_at_a_time_has_one_outcome(peer: FakePeer, network: AsyncNetwork) -> None:
    peer.streams = [commits(peer, 3)]
    one, other = await endorsed(network, 2)
    async with Pipeline(network) as pipeline:
        statuses = await asyncio.gather(*(pipeline.submit(each) for each in (one, other, other)))
    assert len({status.transaction_id for status in statuses}) == 2
    assert all(status.successful for status in statuses)


@pytest.mark.parametrize("name", ["PATIENCE", "BEGINNING"])
async def test_what_no_block_tells_in_time_is_asked_for(
    peer: FakePeer, network: AsyncNetwork, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(pipeline_module, name, 0.01)
    if name == "BEGINNING":
        peer.failures["Evaluate"] = LOST
    transactions = await endorsed(network, 3)
    async with Pipeline(network, resume=Resume(delay=1000)) as pipeline:
        statuses = await asyncio.gather(*(pipeline.submit(one) for one in transactions))
    assert {one.block_number for one in statuses} == {peer.commit_block}
    assert asked_for(peer) == {one.transaction_id for one in transactions}


@pytest.mark.parametrize("count", [1, 3])
async def test_a_transaction_that_comes_into_no_block_is_submitted_again(
    peer: FakePeer, network: AsyncNetwork, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """As after the death of a leader, in whose memory it was. The envelope is the very same."""
    for name in ("PATIENCE", "ASKING"):
        monkeypatch.setattr(pipeline_module, name, 0.05)
    peer.streams = [[]]
    peer.committed = lambda transaction_id: submits(peer)[transaction_id] > 2
    transactions = await endorsed(network, count)
    async with Pipeline(network) as pipeline:
        statuses = await asyncio.gather(*(pipeline.submit(one) for one in transactions))
    assert all(one.successful for one in statuses)
    assert min(submits(peer).values()) >= 3
    assert len({call.request.SerializeToString() for call in peer.calls("Submit")}) == count


def asked_for(peer: FakePeer) -> set[str]:
    """Whose outcomes were asked for, however often: a slow answer is asked for again."""
    requests = [gateway_pb2.CommitStatusRequest.FromString(call.request.request) for call in peer.calls("CommitStatus")]
    return {one.transaction_id for one in requests}


def submits(peer: FakePeer) -> Counter[str]:
    return Counter(call.request.transaction_id for call in peer.calls("Submit"))


async def test_a_transaction_that_stays_in_no_block_is_given_up(
    peer: FakePeer, network: AsyncNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline_module, "PATIENCE", 0.05)
    peer.committed = lambda transaction_id: False
    (transaction,) = await endorsed(network, 1)
    async with Pipeline(network, timeout=0.3) as pipeline:
        with pytest.raises(CommitStatusError) as caught:
            await pipeline.submit(transaction)
    assert (caught.value.code, caught.value.outcome_unknown) == ("DEADLINE_EXCEEDED", True)
    assert len(peer.calls("Submit")) > 1


@pytest.mark.parametrize(("method", "kind"), [("Submit", SubmitError), ("CommitStatus", CommitStatusError)])
async def test_an_outcome_that_cannot_be_had_is_said_to_be_unknown(
    peer: FakePeer, network: AsyncNetwork, monkeypatch: pytest.MonkeyPatch, method: str, kind: type[Exception]
) -> None:
    monkeypatch.setattr(pipeline_module, "PATIENCE", 0.01)
    peer.failures[method] = LOST
    contract = network.get_contract("registry")
    async with Pipeline(network) as pipeline:
        proposals = [contract.new_proposal("Issue", str(number)) for number in range(4)]
        outcomes = [outcome async for outcome in pipeline.run(proposals)]
    assert all(outcome.unknown and isinstance(outcome.error, kind) for outcome in outcomes)
    assert not any(outcome.successful for outcome in outcomes)
    assert {outcome.transaction_id for outcome in outcomes} == {one.transaction_id for one in proposals}
    assert {outcome.result for outcome in outcomes} == {b"Issue|%d" % number for number in range(4)}


async def test_proposals_are_run_as_there_is_room(peer: FakePeer, network: AsyncNetwork) -> None:
    contract = network.get_contract("registry")
    made: list[str] = []

    def proposals() -> Iterator[Any]:
        for number in range(20):
            made.append(str(number))
            assert len(made) - len(outcomes) <= 4
            yield contract.new_proposal("Issue", str(number))

    def blocks() -> Iterator[Any]:
        told: set[str] = set()
        for number in range(20):
            ids = [one for one in submitted(peer, number + 1) if one not in told]
            told |= set(ids)
            yield filtered(HEIGHT + number, *((one, 0) for one in ids))

    peer.streams = [blocks()]
    outcomes: list[Any] = []
    async with Pipeline(network, in_flight=4) as pipeline:
        async for outcome in pipeline.run(proposals()):
            outcomes.append(outcome)
    assert len(made) == 20
    assert {outcome.result for outcome in outcomes} == {b"Issue|%d" % number for number in range(20)}
    assert all(outcome.successful and outcome.error is None for outcome in outcomes)


async def test_a_proposal_that_is_refused_is_an_outcome_that_is_known(peer: FakePeer, network: AsyncNetwork) -> None:
    peer.failures["Endorse"] = Failure(grpc.StatusCode.ABORTED, "failed to endorse transaction")
    proposal = network.get_contract("registry").new_proposal("Issue")
    async with Pipeline(network) as pipeline:
        (outcome,) = [one async for one in pipeline.run([proposal])]
    assert (outcome.unknown, outcome.successful, outcome.result, outcome.status) == (False, False, None, None)
    assert outcome.error.code == "ABORTED"
    assert not peer.calls("Submit")


async def test_what_making_a_proposal_raises_ends_the_run(peer: FakePeer, network: AsyncNetwork) -> None:
    def proposals() -> Iterator[Any]:
        yield network.get_contract("registry").new_proposal("Issue")
        raise LookupError("no more of these")

    async with Pipeline(network) as pipeline:
        with pytest.raises(LookupError):
            _ = [one async for one in pipeline.run(proposals())]


async def test_leaving_a_run_early_cancels_what_is_in_flight(peer: FakePeer, network: AsyncNetwork) -> None:
    peer.streams = [[]]
    contract = network.get_contract("registry")
    before = asyncio.all_tasks()
    async with Pipeline(network) as pipeline:
        run = pipeline.run(contract.new_proposal("Issue", str(number)) for number in range(3))
        outcome = await anext(run)  # the one that is alone; no block tells of the others
        assert outcome.successful
        await run.aclose()
    assert asyncio.all_tasks() == before


async def test_a_gateway_that_closes_tells_nothing(
    peer: FakePeer, identity: Identity, signer: KeySigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.function = lambda proposal: chain_info(HEIGHT) if proposal.chaincode == "qscc" else b""
    gateway = AsyncGateway(peer.endpoint, identity, signer)
    network = gateway.get_network("certificates")
    transactions = await endorsed(network, 3)
    async with Pipeline(network) as pipeline:
        running = [asyncio.create_task(pipeline.submit(one)) for one in transactions]
        await asyncio.to_thread(submitted, peer, 3)
        await gateway.close()
        results = await asyncio.gather(*running, return_exceptions=True)
    assert [one for one in results if isinstance(one, Exception)]
    assert all(isinstance(one, Exception) or one.successful for one in results)
