<<<<<<< Updated upstream
"""Ordering: when blocks are made, what is in them, and how they are signed. No test waits for a time to pass."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

=======
"""The orderer: what it takes is in a block, once and in order, or its sender is told why not."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from fabric_protos.common import common_pb2

from network.authority import Authority
>>>>>>> Stashed changes
from network.embedded import ordering
from network.embedded.broadcast_filter import BroadcastError
from network.embedded.ordering import Orderer
from network.embedded.signing import NodeIdentity
<<<<<<< Updated upstream
from node_client.identity import Identity
from node_client.protocol.block import Block, block_signatures, data_hash, new_block, parse_block, signature_message
from node_client.protocol.config import BatchSize
from node_client.protocol.msp import Msp, MspManager
from node_client.protocol.policy import SignedData, signers
from node_client.protocol.transaction import envelope
from tests.authorities import Ca, msp_config

DEADLINE = 30.0
SOON, NEVER = 0.001, 3600.0  # seconds until a batch is cut by time
CA = Ca.root()
ORDERER = CA.issue("orderer0", "orderer")
FIRST = new_block(0, b"", [b"configuration"])


@dataclass
class Config:
    """As much of a channel's configuration as ordering looks at."""

    batch_timeout: float
    batch_size: BatchSize = field(default_factory=lambda: BatchSize(3, 1000, 100))
    block: Block = FIRST


@dataclass
class Chain:
    """Where blocks go."""

    blocks: asyncio.Queue[Block] = field(default_factory=asyncio.Queue)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    committing: asyncio.Event = field(default_factory=asyncio.Event)

    async def commit(self, block: Block) -> None:
        self.committing.set()
        await self.gate.wait()
        self.blocks.put_nowait(block)

    async def next(self) -> Block:
        async with asyncio.timeout(DEADLINE):
            return await self.blocks.get()
=======
from node_client.identity.identity import Identity
from node_client.identity.signer import KeySigner
from node_client.protocol.block import Block
from node_client.protocol.config import ChannelConfig

VECTORS = Path(__file__).parents[3] / "vectors" / "fabric"


def envelope(content: object) -> bytes:
    return common_pb2.Envelope(payload=str(content).encode()).SerializeToString()


class Chain:
    """An orderer and the blocks that it makes."""

    def __init__(self, commit: Callable[[], Awaitable[None]] | None = None, batch_timeout: float = 60) -> None:
        pair = Authority.create("City", "ca").issue_identity("orderer", unit="orderer")
        identity = NodeIdentity(Identity("CityMSP", pair.certificate), KeySigner.from_pem(pair.key))
        config = ChannelConfig.from_bytes((VECTORS / "block0.pb").read_bytes())
        config.__dict__["batch_timeout"] = batch_timeout
        self.blocks: list[Block] = []
        self.trouble = ""
        self._waits = commit
        self.orderer = Orderer(lambda: config, "here", identity, self._commit, lambda: self.trouble, 1, b"previous")

    async def _commit(self, block: Block) -> None:
        if self._waits:
            await self._waits()
        self.blocks.append(block)

    @property
    def envelopes(self) -> list[bytes]:
        return [one for block in self.blocks for one in block.envelopes]
>>>>>>> Stashed changes


@pytest.fixture(autouse=True)
def everything_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
<<<<<<< Updated upstream
    monkeypatch.setattr(ordering, "check_envelope", lambda envelope, config: None)


@pytest.fixture
def config() -> Config:
    return Config(NEVER)


@pytest.fixture
def chain() -> Chain:
    chain = Chain()
    chain.gate.set()
    return chain


@pytest.fixture
async def orderer(config: Config, chain: Chain) -> AsyncIterator[Orderer]:
    identity = NodeIdentity(Identity("CityMSP", ORDERER.pem), ORDERER.signer)
    orderer = Orderer(lambda: config, identity, chain.commit, 1, FIRST.hash)  # type: ignore[arg-type, return-value]
    running = asyncio.create_task(orderer.run())
    yield orderer
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


def message(name: str, size: int = 10) -> bytes:
    return envelope(name.encode().ljust(size - 1, b"."), b"s")


async def test_a_batch_is_cut_when_it_is_full(orderer: Orderer, chain: Chain) -> None:
    sent = [message(str(number)) for number in range(7)]
    for one in sent:
        await orderer.broadcast(one)
    blocks = [await chain.next() for _ in range(2)]
    assert [list(block.envelopes) for block in blocks] == [sent[:3], sent[3:6]]
    assert chain.blocks.empty()


async def test_a_batch_is_cut_when_its_time_is_over(orderer: Orderer, chain: Chain, config: Config) -> None:
    config.batch_timeout = SOON
    for name in ("one", "two"):
        await orderer.broadcast(message(name))
        assert message(name) in (await chain.next()).envelopes


async def test_nothing_is_cut_where_nothing_waits(orderer: Orderer, chain: Chain, config: Config) -> None:
    config.batch_timeout = SOON
    await orderer.broadcast(message("one"))
    await chain.next()
    await orderer.broadcast(message("large", 101))  # has a block of its own at once
    assert (await chain.next()).envelopes == (message("large", 101),)
    assert chain.blocks.empty()


async def test_an_envelope_that_does_not_fit_goes_into_the_next_block(orderer: Orderer, chain: Chain) -> None:
    first, second, third = message("1", 60), message("2", 60), message("3", 60)
    for one in (first, second, third):
        await orderer.broadcast(one)
    assert [(await chain.next()).envelopes for _ in range(2)] == [(first,), (second,)]
    assert chain.blocks.empty()


async def test_the_timer_goes_on_for_what_is_left_over(
    orderer: Orderer, chain: Chain, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadlines: list[float] = []
    timeout_at = asyncio.timeout_at

    def noted(deadline: float | None) -> asyncio.Timeout:
        assert deadline is not None
        deadlines.append(deadline)
        return timeout_at(deadline)

    monkeypatch.setattr(ordering.asyncio, "timeout_at", noted)
    for one in (message("1", 60), message("2", 60)):
        await orderer.broadcast(one)
    await chain.next()
    await orderer.broadcast(message("3", 60))
    await chain.next()
    assert len(deadlines) >= 2
    assert len(set(deadlines)) == 1


async def test_blocks_follow_each_other_and_name_their_contents(orderer: Orderer, chain: Chain) -> None:
    for number in range(9):
        await orderer.broadcast(message(str(number)))
    blocks = [FIRST, *[await chain.next() for _ in range(3)]]
    for previous, block in pairwise(blocks):
        assert block.number == previous.number + 1
        assert block.previous_hash == previous.hash
        assert block.data_hash == data_hash(block.envelopes)
        assert parse_block(block.encode()) == block


async def test_every_block_is_signed_by_the_orderer(orderer: Orderer, chain: Chain) -> None:
    manager = MspManager([Msp(msp_config("CityMSP", [CA]))])
    for number in range(6):
        await orderer.broadcast(message(str(number)))
    headers = set()
    for block in [await chain.next() for _ in range(2)]:
        value, (signature,) = block_signatures(block)
        signed = SignedData(
            signature_message(value, signature.header, block.header_bytes), signature.creator, signature.signature
        )
        (member,) = signers(manager, [signed])
        assert manager.msps["CityMSP"].has_role(member, "orderer")
        headers.add(signature.header)
    assert len(headers) == 2  # each signature has a nonce of its own


async def test_the_next_block_is_made_when_the_one_before_has_been_committed(orderer: Orderer, chain: Chain) -> None:
    chain.gate.clear()
    for number in range(4):
        await orderer.broadcast(message(str(number)))
    await chain.committing.wait()
    for number in range(4, 9):  # is taken all the same
        await orderer.broadcast(message(str(number)))
    assert chain.blocks.empty()
    chain.gate.set()
    blocks = [await chain.next() for _ in range(3)]
    assert [one for block in blocks for one in block.envelopes] == [message(str(number)) for number in range(9)]


async def test_what_is_not_taken_is_not_ordered(
    orderer: Orderer, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(envelope: bytes, config: Any) -> None:
        if envelope == message("bad"):
            raise BroadcastError(400, "no")  # type: ignore[arg-type]

    monkeypatch.setattr(ordering, "check_envelope", refuse)
    with pytest.raises(BroadcastError):
        await orderer.broadcast(message("bad"))
    for name in ("a", "b", "c"):
        await orderer.broadcast(message(name))
    assert (await chain.next()).envelopes == (message("a"), message("b"), message("c"))
=======
    monkeypatch.setattr(ordering, "check_envelope", lambda one, config: None)


async def test_what_was_taken_is_in_a_block_when_it_has_finished() -> None:
    chain = Chain()
    running = asyncio.create_task(chain.orderer.run())
    sent = [envelope(number) for number in range(3)]
    for one in sent:
        await chain.orderer.broadcast(one)
    await chain.orderer.finish()
    await running
    assert chain.envelopes == sent
    with pytest.raises(BroadcastError, match="shutting down") as caught:
        await chain.orderer.broadcast(envelope("late"))
    assert caught.value.status == common_pb2.SERVICE_UNAVAILABLE


async def test_an_orderer_that_has_taken_nothing_finishes_at_once() -> None:
    chain = Chain()
    running = asyncio.create_task(chain.orderer.run())
    await chain.orderer.finish()
    await running
    assert not chain.blocks


async def test_while_blocks_cannot_be_written_nothing_is_taken() -> None:
    chain = Chain()
    running = asyncio.create_task(chain.orderer.run())
    chain.trouble = "the disk is full"
    with pytest.raises(BroadcastError, match="the disk is full") as caught:
        await chain.orderer.broadcast(envelope("refused"))
    assert caught.value.status == common_pb2.SERVICE_UNAVAILABLE
    chain.trouble = ""
    await chain.orderer.broadcast(envelope("taken"))
    await chain.orderer.finish()
    await running
    assert chain.envelopes == [envelope("taken")]


async def test_with_too_many_in_hand_the_sender_waits_and_is_refused_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ordering, "MOST_WAITING", 5)
    monkeypatch.setattr(ordering, "PATIENCE", 0.01)
    room = asyncio.Event()

    async def wait() -> None:
        await room.wait()

    chain = Chain(wait, batch_timeout=0)
    running = asyncio.create_task(chain.orderer.run())
    taken: list[bytes] = []
    refusal = await until_refused(chain.orderer, taken)
    assert "too many" in str(refusal)
    assert len(taken) >= 5
    chain.trouble = "the disk is full"
    with pytest.raises(BroadcastError, match="the disk is full"):
        await chain.orderer.broadcast(envelope("refused"))
    chain.trouble = ""
    monkeypatch.setattr(ordering, "PATIENCE", 60)
    waiting = asyncio.create_task(chain.orderer.broadcast(envelope("patient")))
    room.set()
    await waiting
    await chain.orderer.finish()
    await running
    assert chain.envelopes == [*taken, envelope("patient")]


async def until_refused(orderer: Orderer, taken: list[bytes]) -> BroadcastError:
    for number in itertools.count():
        try:
            await orderer.broadcast(envelope(number))
        except BroadcastError as error:
            return error
        taken.append(envelope(number))
    raise AssertionError


@pytest.mark.parametrize("batch_timeout", [0, 0.0005, 0.002])
async def test_no_envelope_is_lost_or_doubled_when_a_batch_ends_as_it_comes(batch_timeout: float) -> None:
    chain = Chain(batch_timeout=batch_timeout)
    running = asyncio.create_task(chain.orderer.run())
    sent = [envelope(number) for number in range(500)]
    for number, one in enumerate(sent):
        await chain.orderer.broadcast(one)
        if number % 3:
            await asyncio.sleep(batch_timeout * (number % 5) / 4)
    await chain.orderer.finish()
    await running
    assert chain.envelopes == sent
    assert [block.number for block in chain.blocks] == list(range(1, len(chain.blocks) + 1))
    previous = [b"previous", *(block.hash for block in chain.blocks)]
    assert [block.previous_hash for block in chain.blocks] == previous[:-1]
>>>>>>> Stashed changes
