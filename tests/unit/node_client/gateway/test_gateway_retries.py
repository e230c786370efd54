"""Calls whose connection fails: which are made again, where, and for how long."""

import asyncio
import threading
from collections.abc import Iterator

import grpc
import pytest

from node_client import Deadlines, EndorseError, EvaluateError, GatewayOptions, ProposalError, Resume, Retry
from node_client.errors import GatewayError, PeerDetail
from node_client.gateway.attempts import Attempts
from node_client.gateway.failures import connection_lost
from node_client.gateway.options import NO_RETRY
from tests.unit.node_client.both import entered, settle, take
from tests.unit.node_client.fake_peer import Failure, FakePeer, event

PATIENT = GatewayOptions(retry=Retry(attempts=10_000, delay=0.005, longest_delay=0.01))
ONCE = GatewayOptions(retry=NO_RETRY)
METHODS = ["Evaluate", "Endorse", "Submit", "CommitStatus"]
LOST = Failure(grpc.StatusCode.UNAVAILABLE, "Socket closed")


@pytest.fixture
def other() -> Iterator[FakePeer]:
    with FakePeer() as peer:
        yield peer


async def run(gateway, method):
    contract = gateway.get_network("certificates").get_contract("registry")
    await settle(contract.evaluate("Read") if method == "Evaluate" else contract.submit("Issue"))


class Twice(dict):
    """Failures that each happen twice."""

    def __init__(self, *methods):
        super().__init__(dict.fromkeys(methods, LOST))
        self.left = dict.fromkeys(methods, 2)

    def __contains__(self, method):
        self.left[method] = self.left.get(method, 0) - 1
        return self.left[method] >= 0


@pytest.mark.parametrize("method", METHODS)
async def test_every_call_is_made_again_when_its_connection_breaks(peer, connect, method):
    peer.failures = Twice(method)
    async with entered(connect(options=PATIENT)) as gateway:
        await run(gateway, method)
    first, *again = peer.calls(method)
    assert len(again) == 2
    assert all(call.request == first.request for call in again)


async def test_a_peer_that_stops_in_the_midst_of_a_call_is_asked_again_when_it_is_back(peer, connect):
    asked, go = threading.Event(), threading.Event()

    def function(proposal):
        if not asked.is_set():
            asked.set()
            go.wait(30)
        return b"here"

    peer.function = function

    def restart():
        asked.wait(30)
        peer.stop()
        go.set()
        peer.start()

    restarting = threading.Thread(target=restart)
    restarting.start()
    async with entered(connect(options=PATIENT)) as gateway:
        contract = gateway.get_network("certificates").get_contract("registry")
        result = await (
            contract.evaluate("Read")
            if hasattr(gateway, "__aenter__")
            else asyncio.to_thread(contract.evaluate, "Read")
        )
    restarting.join()
    assert result == b"here"
    assert len(peer.calls("Evaluate")) == 2


@pytest.mark.parametrize(
    "answer",
    [
        Failure(grpc.StatusCode.UNAVAILABLE, "no orderer nodes available"),
        Failure(grpc.StatusCode.UNAVAILABLE, "failed to connect to it", (("a:1", "CityMSP", "Socket closed"),)),
        Failure(grpc.StatusCode.ABORTED, "Socket closed"),
        Failure(grpc.StatusCode.DEADLINE_EXCEEDED, "evaluate timeout expired"),
    ],
)
async def test_what_a_gateway_answers_is_its_answer(peer, connect, answer):
    peer.failures["Endorse"] = answer
    async with entered(connect(options=PATIENT)) as gateway:
        with pytest.raises(EndorseError) as caught:
            await run(gateway, "Endorse")
    assert caught.value.message == answer.message
    assert len(peer.calls("Endorse")) == 1


async def test_attempts_end(peer, connect):
    peer.failures["Evaluate"] = LOST
    options = GatewayOptions(retry=Retry(attempts=3, delay=0.001))
    async with entered(connect(options=options)) as gateway:
        with pytest.raises(EvaluateError, match="Socket closed"):
            await run(gateway, "Evaluate")
    assert len(peer.calls("Evaluate")) == 4


async def test_attempts_end_with_the_calls_deadline(peer, connect):
    peer.failures["Evaluate"] = LOST
    options = GatewayOptions(retry=Retry(attempts=10**9, delay=0.01), deadlines=Deadlines(evaluate=0.3))
    async with entered(connect(options=options)) as gateway:
        with pytest.raises(EvaluateError):
            await run(gateway, "Evaluate")
    assert len(peer.calls("Evaluate")) > 1


async def test_the_next_peer_is_asked_at_once_and_from_then_on(peer, other, connect):
    async with entered(connect(endpoint=[peer.endpoint, other.endpoint], options=ONCE)) as gateway:
        await run(gateway, "Evaluate")
        peer.stop()
        await run(gateway, "Submit")
        peer.start()
        await run(gateway, "Evaluate")
    assert [call.method for call in peer.received] == ["Evaluate"]
    assert [call.method for call in other.received] == ["Endorse", "Submit", "CommitStatus", "Evaluate"]


async def test_when_no_peer_can_be_reached_the_last_failure_is_told(peer, other, connect):
    gateway = connect(endpoint=[peer.endpoint, other.endpoint], options=GatewayOptions(retry=Retry(delay=0.001)))
    peer.stop()
    other.stop()
    async with entered(gateway):
        with pytest.raises(EvaluateError) as caught:
            await run(gateway, "Evaluate")
    assert caught.value.unreachable
    peer.start()
    other.start()


async def test_a_stream_goes_on_at_the_next_peer(peer, other, connect):
    peer.streams = [[event(3, "a")]]
    other.streams = [[event(4, "b")]]
    async with (
        entered(connect(endpoint=[peer.endpoint, other.endpoint], options=ONCE)) as gateway,
        entered(
            gateway.get_network("certificates").chaincode_events(
                "registry", start_block=3, resume=Resume(delay=0.001, longest_delay=0.01)
            )
        ) as events,
    ):
        await take(events, 1)
        peer.stop()
        (after,) = await take(events, 1)
    assert after.transaction_id == "b"
    peer.start()


async def test_one_peer_alone_is_asked_once(peer, other, connect):
    async with entered(connect(endpoint=[peer.endpoint, other.endpoint], options=PATIENT)) as gateway:
        peer.failures["ProcessProposal"] = LOST
        with pytest.raises(ProposalError):
            await settle(gateway.process_proposal("_lifecycle", [b"Install"]))
    assert len(peer.received) == 1
    assert not other.received


async def test_closing_ends_the_attempts(peer, identity, signer):
    from node_client import AsyncGateway

    peer.failures["Evaluate"] = LOST
    gateway = AsyncGateway(peer.endpoint, identity, signer, GatewayOptions(retry=Retry(attempts=10**9, delay=0.001)))
    asking = asyncio.create_task(run(gateway, "Evaluate"))
    await peer.arrived("Evaluate")
    await gateway.close()
    with pytest.raises(EvaluateError):
        await asking


def test_a_gateway_needs_a_peer(connect):
    with pytest.raises(ValueError):
        connect(endpoint=[])


def test_a_wait_comes_after_every_peer_has_failed():
    attempts = Attempts(Retry(attempts=2, delay=8, longest_delay=1000), 3, None)
    error = EvaluateError("UNAVAILABLE", "failed to connect to all addresses")
    waits = [attempts.pause(error) for _ in range(8)]
    assert [wait > 0 for wait in waits] == [False, False, True, False, False, True, False, False]
    assert 4 <= waits[2] <= 8 <= waits[5] <= 16
    with pytest.raises(EvaluateError) as caught:
        attempts.pause(error)
    assert caught.value is error


def test_there_is_no_wait_beyond_the_deadline():
    attempts = Attempts(Retry(attempts=2, delay=1000, longest_delay=1000), 1, 5)
    assert attempts.left == 5
    with pytest.raises(EvaluateError):
        attempts.pause(EvaluateError("UNAVAILABLE", "Socket closed"))


def test_waits_between_attempts_differ_and_grow():
    retry = Retry(delay=0.5, longest_delay=3)
    for attempt, longest in ((0, 0.5), (1, 1), (2, 2), (3, 3), (10_000, 3)):
        waits = {retry.wait(attempt) for _ in range(20)}
        assert len(waits) > 1
        assert all(longest / 2 <= wait <= longest for wait in waits)


@pytest.mark.parametrize(
    ("message", "lost"),
    [
        ("failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: Connection refused", True),
        ("failed to connect to all addresses; last error: UNAVAILABLE: Handshake read failed (Endpoint closing)", True),
        ("Stream removed (Socket closed)", True),
        ("Cancelling all calls", True),
        ("the peer is shutting down", True),
        (
            "failed to connect to all addresses; last error: SSL_ERROR_SSL: CERTIFICATE_VERIFY_FAILED",
            False,
        ),
        ("failed to connect to all addresses; last error: Custom verification check failed with error", False),
        ("no orderers could successfully process transaction", False),
        ("client identity expired", False),
    ],
)
def test_a_lost_connection_is_told_from_an_answer(message, lost):
    assert connection_lost(GatewayError("UNAVAILABLE", message)) is lost
    assert not connection_lost(GatewayError("UNKNOWN", message))
    assert connection_lost(GatewayError("CANCELLED", message))
    assert not connection_lost(GatewayError("UNAVAILABLE", message, details=(PeerDetail("a", "b", "c"),)))
