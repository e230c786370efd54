"""Configurations on their way through ordering: a block of their own, and checked again when another came first."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from fabric_protos.common import common_pb2

from network.embedded import ordering
from network.embedded.broadcast_filter import BroadcastError
from network.embedded.config_updates import UpdateRefused
from network.embedded.ordering import Orderer
from network.embedded.signing import NodeIdentity
from node_client.identity import Identity
from node_client.protocol.block import Block, new_block
from node_client.protocol.config import BatchSize
from node_client.protocol.transaction import envelope, open_envelope
from tests.authorities import Ca

DEADLINE = 30.0
CA = Ca.root()
ORDERER = CA.issue("orderer0", "orderer")
FIRST = new_block(0, b"", [b"configuration"])


@dataclass(frozen=True)
class Config:
    """As much of a configuration as ordering looks at; `rejects` are those that it does not admit."""

    number: int = 0
    batch_size: BatchSize = field(default_factory=lambda: BatchSize(3, 1000, 1000))
    batch_timeout: float = 3600.0
    block: Block = FIRST
    rejects: frozenset[bytes] = frozenset()


@dataclass
class Channel:
    """The channel: what is in force, and the blocks so far. Every block that has a configuration puts it into force."""

    config: Config = field(default_factory=Config)
    coming: dict[bytes, Config] = field(default_factory=dict)
    blocks: asyncio.Queue[Block] = field(default_factory=asyncio.Queue)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def commit(self, block: Block) -> None:
        await self.gate.wait()
        if block.envelopes[0] in self.coming:
            self.config = self.coming[block.envelopes[0]]
        self.blocks.put_nowait(block)

    async def next(self) -> list[bytes]:
        async with asyncio.timeout(DEADLINE):
            return list((await self.blocks.get()).envelopes)


@pytest.fixture
def channel(monkeypatch: pytest.MonkeyPatch) -> Channel:
    """Updates are envelopes that begin with `update`; what comes of one names it and the configuration in force."""
    channel = Channel()

    def check(data: bytes, config: Config) -> bool:
        if data in config.rejects:
            raise BroadcastError(common_pb2.FORBIDDEN, "not admitted any more")
        return data[2:].startswith(b"update")

    def propose(update: bytes, config: Config) -> Config:
        if update in config.rejects:
            raise UpdateRefused("not from the configuration in force")
        return config

    def made(config: Config, update: bytes, _: object) -> bytes:
        return envelope(f"configuration {config.number}".encode(), update)

    monkeypatch.setattr(ordering, "check_envelope", check)
    monkeypatch.setattr(ordering, "check_update", lambda *_: None)
    monkeypatch.setattr(ordering, "proposed_config", propose)
    monkeypatch.setattr(ordering, "config_envelope", made)
    monkeypatch.setattr(ordering, "last_update", lambda data: open_envelope(data)[1])
    return channel


@pytest.fixture
async def orderer(channel: Channel) -> AsyncIterator[Orderer]:
    identity = NodeIdentity(Identity("CityMSP", ORDERER.pem), ORDERER.signer)
    config: Any = lambda: channel.config  # noqa: E731
    orderer = Orderer(config, "here", identity, channel.commit, lambda: "", 1, FIRST.hash)
    running = asyncio.create_task(orderer.run())
    yield orderer
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


def message(text: str) -> bytes:
    return envelope(text.encode(), b"s")


UPDATE = message("update")


def configured(number: int, update: bytes = UPDATE) -> bytes:
    return envelope(f"configuration {number}".encode(), update)


async def test_a_configuration_is_alone_in_its_block(orderer: Orderer, channel: Channel) -> None:
    for one in (message("one"), UPDATE, message("two"), message("three"), message("four")):
        await orderer.broadcast(one)
    channel.gate.set()
    assert [await channel.next() for _ in range(3)] == [
        [message("one")],  # which is not kept waiting for more
        [configured(0)],
        [message("two"), message("three"), message("four")],
    ]


async def test_a_new_batch_size_counts_from_the_next_envelope_on(orderer: Orderer, channel: Channel) -> None:
    channel.coming[configured(0)] = Config(1, BatchSize(1, 1000, 1000))
    for one in (UPDATE, message("one"), message("two")):
        await orderer.broadcast(one)
    channel.gate.set()
    assert [await channel.next() for _ in range(3)] == [[configured(0)], [message("one")], [message("two")]]


async def test_what_is_not_admitted_any_more_is_left_out(orderer: Orderer, channel: Channel) -> None:
    channel.coming[configured(0)] = Config(1, BatchSize(1, 1000, 1000), rejects=frozenset({message("revoked")}))
    for one in (UPDATE, message("revoked"), message("one")):
        await orderer.broadcast(one)
    channel.gate.set()
    assert [await channel.next() for _ in range(2)] == [[configured(0)], [message("one")]]
    with pytest.raises(BroadcastError):
        await orderer.broadcast(message("revoked"))


async def test_an_update_that_came_second_is_made_anew_or_left_out(orderer: Orderer, channel: Channel) -> None:
    stale = message("update too late")
    channel.coming[configured(0)] = Config(1, rejects=frozenset({stale}))
    other = message("update of something else")
    for one in (UPDATE, stale, other):
        await orderer.broadcast(one)
    channel.gate.set()
    assert await channel.next() == [configured(0)]
    assert await channel.next() == [configured(1, other)]
    assert channel.blocks.empty()


async def test_a_refused_update_is_told_in_its_words(
    orderer: Orderer, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(update: bytes, config: Config) -> Config:
        raise UpdateRefused("policy not satisfied")

    monkeypatch.setattr(ordering, "proposed_config", refuse)
    with pytest.raises(BroadcastError, match="policy not satisfied") as raised:
        await orderer.broadcast(UPDATE)
    assert raised.value.status == common_pb2.BAD_REQUEST
    assert channel.blocks.empty()
