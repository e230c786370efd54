"""The orderer: what it takes is in a block, once and in order, or its sender is told why not."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from fabric_protos.common import common_pb2

from network.authority import Authority
from network.embedded import ordering
from network.embedded.broadcast_filter import BroadcastError
from network.embedded.ordering import Orderer
from network.embedded.signing import NodeIdentity
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


@pytest.fixture(autouse=True)
def everything_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordering, "check_envelope", lambda one, config: False)


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
