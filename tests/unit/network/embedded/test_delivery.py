"""Streams of blocks: waiting, ending, going on with another request, and losing access in the middle."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2

from network.embedded.delivery import Delivery
from network.embedded.ledger import Finished, Ledger
from network.embedded.seek import Status
from node_client.protocol.errors import ProtocolError
from node_client.protocol.policy import SignedData

ENDLESS = 2**64 - 1
HOUR = timedelta(hours=1)


@dataclass
class Somebody:
    """Whose signature always holds."""

    expires_at: datetime
    key: str = "somebody"

    def verify(self, signature: bytes, message: bytes) -> bool:
        return True


@dataclass
class Config:
    """A configuration whose one policy somebody satisfies or not; it counts how often it is asked."""

    sequence: int = 0
    admits: bool = True
    channel: str = "channel"
    expires: datetime = field(default_factory=lambda: datetime.now(UTC) + HOUR)
    asked: int = 0

    @property
    def msp_manager(self) -> "Config":
        return self

    def member(self, data: bytes) -> Somebody:
        if data != b"somebody":
            raise ProtocolError("nobody")
        return Somebody(self.expires)

    def policy(self, path: str) -> "Config":
        if path != "/Channel/Readers":
            raise ProtocolError(f"no policy {path}")
        return self

    def satisfied_by(self, members: list[Somebody]) -> bool:
        self.asked += 1
        return self.admits and bool(members)


class Blocks:
    """A ledger of numbers."""

    def __init__(self, height: int = 3) -> None:
        self.config = Config()
        self.height = height
        self.time = time.time_ns()
        self.read: list[int] = []
        self._finished = False
        self._changed = asyncio.Event()

    def grow(self) -> None:
        self.height += 1
        self._changed.set()

    def finish(self) -> None:
        self._finished = True
        self._changed.set()

    async def wait_for_block(self, number: int) -> None:
        while number >= self.height or self._finished:
            if self._finished:
                raise Finished
            self._changed.clear()
            await self._changed.wait()


class Numbers:
    """Answers that are blocks' numbers and the names of statuses."""

    def __init__(self, ledger: Blocks) -> None:
        self._ledger = ledger

    def status(self, status: Any) -> int | str:
        return Status.Name(status)

    def block(self, number: int, signed: SignedData, *, headers_only: bool) -> int | str:
        self._ledger.read.append(number)
        return number


def request(
    start: int = 0, stop: int = ENDLESS, *, channel: str = "channel", creator: bytes = b"somebody", ready: bool = False
) -> common_pb2.Envelope:
    header = common_pb2.ChannelHeader(channel_id=channel)
    header.timestamp.GetCurrentTime()
    seek = ab_pb2.SeekInfo(
        start=ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=start)),
        stop=ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=stop)),
        behavior=ab_pb2.SeekInfo.FAIL_IF_NOT_READY if ready else ab_pb2.SeekInfo.BLOCK_UNTIL_READY,
    )
    payload = common_pb2.Payload(
        header=common_pb2.Header(
            channel_header=header.SerializeToString(),
            signature_header=common_pb2.SignatureHeader(creator=creator).SerializeToString(),
        ),
        data=seek.SerializeToString(),
    )
    return common_pb2.Envelope(payload=payload.SerializeToString())


async def sent(*envelopes: common_pb2.Envelope) -> AsyncIterator[common_pb2.Envelope]:
    for envelope in envelopes:
        yield envelope


def stream(ledger: Blocks, *envelopes: common_pb2.Envelope, policy: str = "/Channel/Readers") -> AsyncIterator[Any]:
    delivery = Delivery(cast(Ledger, ledger), lambda _: policy, Numbers(ledger), clock=lambda: ledger.time)
    return delivery.stream(sent(*envelopes))


async def everything(ledger: Blocks, *envelopes: common_pb2.Envelope, policy: str = "/Channel/Readers") -> list[Any]:
    async with asyncio.timeout(10):
        return [answer async for answer in stream(ledger, *envelopes, policy=policy)]


async def test_each_request_of_a_stream_is_answered_with_blocks_and_a_status() -> None:
    answers = await everything(Blocks(), request(0, 1), request(2, 2), request(1, 1))
    assert answers == [0, 1, "SUCCESS", 2, "SUCCESS", 1, "SUCCESS"]


async def test_what_is_not_answered_with_success_ends_the_stream() -> None:
    answers = await everything(Blocks(), request(0, 0), request(2, 1), request(1, 1))
    assert answers == [0, "SUCCESS", "BAD_REQUEST"]
    assert await everything(Blocks(), request(channel="another")) == ["NOT_FOUND"]
    assert await everything(Blocks(), common_pb2.Envelope(payload=b"\xff")) == ["BAD_REQUEST"]


async def test_a_request_that_does_not_wait_ends_at_the_tip() -> None:
    assert await everything(Blocks(), request(1, 5, ready=True)) == [1, 2, "NOT_FOUND"]
    assert await everything(Blocks(), request(3, 3, ready=True)) == ["NOT_FOUND"]
    assert await everything(Blocks(), request(1, 2, ready=True)) == [1, 2, "SUCCESS"]


async def test_a_request_that_waits_goes_on_with_the_next_block() -> None:
    ledger = Blocks()
    answers = stream(ledger, request(2, 3))
    assert await anext(answers) == 2
    waiting = asyncio.ensure_future(anext(answers))
    await asyncio.sleep(0)
    assert not waiting.done()
    ledger.grow()
    assert await waiting == 3
    assert await anext(answers) == "SUCCESS"


async def test_blocks_are_read_when_they_are_asked_for() -> None:
    ledger = Blocks(1000)
    answers = stream(ledger, request())
    for _ in range(2):
        await anext(answers)
    assert ledger.read == [0, 1]


async def test_who_waits_is_told_when_the_network_ends() -> None:
    ledger = Blocks()
    waiting = asyncio.ensure_future(everything(ledger, request(3)))
    await asyncio.sleep(0)
    ledger.finish()
    assert await waiting == ["SERVICE_UNAVAILABLE"]


@pytest.mark.parametrize(
    ("envelope", "policy"),
    [(request(creator=b"nobody"), "/Channel/Readers"), (request(), "/Channel/Missing")],
    ids=["an unknown identity", "a policy that is not there"],
)
async def test_who_does_not_satisfy_the_policy_gets_nothing(envelope: common_pb2.Envelope, policy: str) -> None:
    assert await everything(Blocks(), envelope, policy=policy) == ["FORBIDDEN"]


async def test_access_is_refused_before_the_request_is_looked_at() -> None:
    ledger = Blocks()
    ledger.config.admits = False
    assert await everything(ledger, request(2, 1)) == ["FORBIDDEN"]


async def read_two(ledger: Blocks, change: Callable[[], object]) -> list[Any]:
    answers = stream(ledger, request())
    first = await anext(answers)
    change()
    rest = []
    async for answer in answers:
        rest.append(answer)
        if len(rest) == 2:
            break
    return [first, *rest]


async def test_the_policy_is_asked_again_when_the_configuration_has_changed() -> None:
    ledger = Blocks()

    def refuse(sequence: int) -> Callable[[], None]:
        def change() -> None:
            ledger.config = Config(sequence, admits=False)

        return change

    assert await read_two(ledger, refuse(0)) == [0, 1, 2]
    ledger.config = Config()
    assert await read_two(ledger, refuse(1)) == [0, "FORBIDDEN"]


async def test_the_policy_is_asked_once_per_configuration() -> None:
    ledger = Blocks(50)
    await everything(ledger, request(0, 49))
    assert ledger.config.asked == 1


async def test_a_certificate_that_expires_ends_the_stream_before_the_next_block() -> None:
    ledger = Blocks()
    answers = stream(ledger, request(2))
    assert await anext(answers) == 2
    waiting = asyncio.ensure_future(anext(answers))
    await asyncio.sleep(0)
    ledger.time = int(ledger.config.expires.timestamp()) * 10**9 + 1
    assert not waiting.done()  # nobody looks while there is nothing to give
    ledger.grow()
    assert await waiting == "FORBIDDEN"


async def test_a_certificate_is_good_until_its_last_second() -> None:
    ledger = Blocks()
    ledger.config.expires = datetime.now(UTC) + timedelta(minutes=1)
    ledger.time = int(ledger.config.expires.timestamp()) * 10**9
    assert await everything(ledger, request(0, 0)) == [0, "SUCCESS"]
    ledger.time += 1
    assert await everything(ledger, request(0, 0)) == ["FORBIDDEN"]
