"""Streams of events: where they begin, how they end, and how they go on."""

import asyncio
import inspect
import threading

import grpc
import pytest

from node_client import Deadlines, EventsError, GatewayOptions, MemoryCheckpointer, Resume
from node_client.errors import GatewayClosed
from tests.unit.node_client.both import entered, following, settle, take
from tests.unit.node_client.fake_peer import Failure, chain_info, event

AT_ONCE = Resume(delay=0.001, longest_delay=0.01)
LOST = Failure(grpc.StatusCode.UNAVAILABLE, "the peer is going down")


def asked(peer):
    """Where each stream was asked to begin."""
    return [
        (
            one.request.start_position.specified.number
            if one.request.start_position.HasField("specified")
            else one.request.start_position.WhichOneof("Type"),
            one.request.after_transaction_id,
        )
        for one in peer.calls("ChaincodeEvents")
    ]


async def test_events_come_with_their_block_and_transaction(peer, connect):
    peer.streams = [[event(3, "a", "CertificateIssued", b"{}"), event(5, "b")]]
    async with (
        entered(connect()) as gateway,
        entered(gateway.get_network("certificates").chaincode_events("registry", start_block=3)) as events,
    ):
        first, second = await take(events, 2)
    assert (first.block_number, first.transaction_id, first.event_name) == (3, "a", "CertificateIssued")
    assert (first.chaincode_name, first.payload) == ("registry", b"{}")
    assert second.block_number == 5
    assert asked(peer) == [(3, "")]
    request = peer.received[0].request
    assert (request.channel_id, request.chaincode_id) == ("certificates", "registry")


async def test_a_stream_begins_with_the_next_block_or_after_a_transaction(peer, connect):
    peer.streams = [[event(3, "a")]] * 2
    async with entered(connect()) as gateway:
        network = gateway.get_network("certificates")
        for arguments in ({}, {"after_transaction_id": "x"}):
            async with entered(network.chaincode_events("registry", **arguments)) as events:
                await take(events, 1)
    assert asked(peer) == [("next_commit", ""), ("next_commit", "x")]


async def test_a_stream_goes_on_after_its_checkpoint(peer, connect):
    peer.streams = [[event(3, "a"), event(3, "b")], [event(3, "b")], [event(4, "c")]]
    checkpointer = MemoryCheckpointer()
    async with entered(connect()) as gateway:
        network = gateway.get_network("certificates")
        async with entered(network.chaincode_events("registry", start_block=2, checkpoint=checkpointer)) as events:
            checkpointer.checkpoint((await take(events, 2))[0])
        async with entered(network.chaincode_events("registry", start_block=2, checkpoint=checkpointer)) as events:
            (again,) = await take(events, 1)
        assert again.transaction_id == "b"
        checkpointer.checkpoint_block(3)
        async with entered(network.chaincode_events("registry", checkpoint=checkpointer)) as events:
            await take(events, 1)
    assert asked(peer) == [(2, ""), (3, "a"), (4, "")]


async def test_a_lost_connection_is_an_error_unless_told_otherwise(peer, connect):
    peer.streams = [[event(3, "a"), LOST]]
    async with (
        entered(connect()) as gateway,
        entered(gateway.get_network("certificates").chaincode_events("registry")) as events,
    ):
        await take(events, 1)
        with pytest.raises(EventsError) as caught:
            await following(events)
        assert (caught.value.stage, caught.value.code) == ("events", "UNAVAILABLE")
        assert await following(events) is None
    assert len(peer.calls("ChaincodeEvents")) == 1


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED, grpc.StatusCode.INTERNAL, None])
async def test_a_stream_resumes_after_the_last_event(peer, connect, code):
    lost = None if code is None else Failure(code, "lost")
    peer.streams = [[event(3, "a"), event(4, "b"), lost], [lost], [lost], [event(4, "c"), event(9, "d")]]
    async with (
        entered(connect()) as gateway,
        entered(
            gateway.get_network("certificates").chaincode_events("registry", start_block=3, resume=AT_ONCE)
        ) as events,
    ):
        found = await take(events, 4)
    assert [one.transaction_id for one in found] == ["a", "b", "c", "d"]
    assert asked(peer) == [(3, ""), (4, "b"), (4, "b"), (4, "b")]


async def test_a_stream_resumes_when_the_peer_is_back(peer, connect):
    peer.streams = [[event(3, "a")]]
    async with (
        entered(connect()) as gateway,
        entered(
            gateway.get_network("certificates").chaincode_events("registry", start_block=3, resume=AT_ONCE)
        ) as events,
    ):
        await take(events, 1)
        peer.stop()
        peer.streams = [[event(4, "b")]]
        peer.start()
        (after,) = await take(events, 1)
    assert after.transaction_id == "b"
    assert asked(peer)[-1] == (3, "a")


async def test_a_stream_from_now_on_resumes_at_the_block_that_was_next_when_it_began(peer, connect):
    peer.function = lambda proposal: chain_info(12)
    peer.streams = [[LOST], [event(12, "a")]]
    async with (
        entered(connect()) as gateway,
        entered(gateway.get_network("certificates").chaincode_events("registry", resume=AT_ONCE)) as events,
    ):
        await take(events, 1)
    assert asked(peer) == [(12, ""), (12, "")]
    (height,) = peer.calls("Evaluate")
    assert (height.proposal.chaincode, height.proposal.args) == ("qscc", (b"GetChainInfo", b"certificates"))


async def test_attempts_are_counted_in_a_row(peer, connect):
    peer.streams = [[LOST], [LOST], [event(3, "a"), LOST], [LOST], [LOST], [event(3, "never")]]
    resume = Resume(attempts=2, delay=0.001)
    async with (
        entered(connect()) as gateway,
        entered(
            gateway.get_network("certificates").chaincode_events("registry", start_block=3, resume=resume)
        ) as events,
    ):
        await take(events, 1)
        with pytest.raises(EventsError, match="going down"):
            await following(events)
    assert len(peer.calls("ChaincodeEvents")) == 5


@pytest.mark.parametrize("code", [grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.NOT_FOUND])
async def test_a_refusal_is_not_asked_for_again(peer, connect, code):
    peer.streams = [[Failure(code, "refused")]]
    async with (
        entered(connect()) as gateway,
        entered(
            gateway.get_network("certificates").chaincode_events("registry", start_block=3, resume=AT_ONCE)
        ) as events,
    ):
        with pytest.raises(EventsError, match="refused"):
            await following(events)
    assert len(peer.calls("ChaincodeEvents")) == 1


async def test_a_deadline_ends_a_stream_even_one_that_resumes(peer, connect):
    options = GatewayOptions(deadlines=Deadlines(events=0.1))
    async with entered(connect(options=options)) as gateway:
        network = gateway.get_network("certificates")
        for stream in (
            network.chaincode_events("registry", start_block=3, resume=AT_ONCE),
            network.chaincode_events("registry", start_block=3, timeout=0.05),
        ):
            async with entered(stream) as events:
                with pytest.raises(EventsError) as caught:
                    await following(events)
                assert caught.value.code == "DEADLINE_EXCEEDED"


async def test_closing_ends_a_stream_for_who_waits(peer, connect):
    async with entered(connect()) as gateway:
        events = gateway.get_network("certificates").chaincode_events("registry", start_block=3, resume=AT_ONCE)
        async with entered(events):
            waiting = asyncio.ensure_future(_in_its_own_place(events))
            await peer.arrived("ChaincodeEvents")
            await settle(events.close())
            assert await waiting is None
            assert await following(events) is None


async def test_closing_the_gateway_ends_its_streams_with_an_error(peer, connect):
    gateway = connect()
    events = gateway.get_network("certificates").chaincode_events("registry", start_block=3, resume=AT_ONCE)
    waiting = asyncio.ensure_future(_in_its_own_place(events))
    await peer.arrived("ChaincodeEvents")
    await settle(gateway.close())
    with pytest.raises(GatewayClosed):
        await waiting


async def test_a_wait_that_is_given_up_loses_no_event(peer, identity, signer):
    from node_client import AsyncGateway

    go = threading.Event()

    def answers():
        yield event(3, "a")
        go.wait()
        yield event(4, "b")

    peer.streams = [answers()]
    async with (
        AsyncGateway(peer.endpoint, identity, signer) as gateway,
        gateway.get_network("certificates").chaincode_events("registry", start_block=3) as events,
    ):
        await take(events, 1)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(events.__anext__(), 0.05)
        go.set()
        (after,) = await take(events, 1)
    assert after.transaction_id == "b"


async def test_a_task_that_waits_for_events_can_be_cancelled(peer, identity, signer):
    from node_client import AsyncGateway

    async with AsyncGateway(peer.endpoint, identity, signer) as gateway:
        events = gateway.get_network("certificates").chaincode_events("registry", start_block=3, resume=AT_ONCE)
        task = asyncio.ensure_future(following(events))
        await peer.arrived("ChaincodeEvents")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await events.close()


def test_waits_grow_up_to_the_longest():
    resume = Resume(delay=0.5, longest_delay=3)
    assert [resume.wait(attempt) for attempt in (0, 1, 2, 3, 4, 10_000)] == [0.5, 1, 2, 3, 3, 3]


async def _in_its_own_place(events):
    """The next event, awaited in a thread where waiting for it blocks."""
    if inspect.isasyncgen(events) or hasattr(events, "__anext__"):
        return await following(events)
    return await asyncio.to_thread(lambda: next(events, None))
