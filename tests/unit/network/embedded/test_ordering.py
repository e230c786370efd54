"""Ordering: when blocks are made, what is in them, and how they are signed. No test waits for a time to pass."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

from network.embedded import ordering
from network.embedded.broadcast_filter import BroadcastError
from network.embedded.ordering import Orderer
from network.embedded.signing import NodeIdentity
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


@pytest.fixture(autouse=True)
def everything_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordering, "check_envelope", lambda envelope, config: False)


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
    given: Any = config
    orderer = Orderer(lambda: given, "here", identity, chain.commit, lambda: "", 1, FIRST.hash)
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
