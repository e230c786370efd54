"""Ordering: envelopes in, blocks out.

As with Raft, an envelope is acknowledged when the orderer has it in memory; it is durable when its block is committed,
which is what a commit status tells. Source: Fabric's `orderer/common/msgprocessor`, `orderer/consensus/etcdraft`.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable

from network.embedded.batch_cutter import BatchCutter
from network.embedded.broadcast_filter import check_envelope
from network.embedded.signing import NodeIdentity
from node_client.protocol.block import (
    SIGNATURES,
    Block,
    header_bytes,
    last_config_value,
    new_block,
    signature_header,
    signature_message,
    signatures_metadata,
)
from node_client.protocol.config import ChannelConfig


class Orderer:
    """The ordering of one channel.

    Args:
        config: gives the channel's configuration in force.
        identity: signs blocks.
        commit: takes a new block; the next one is made when it returns.
        height, previous_hash: where the chain stands.
    """

    def __init__(
        self,
        config: Callable[[], ChannelConfig],
        identity: NodeIdentity,
        commit: Callable[[Block], Awaitable[None]],
        height: int,
        previous_hash: bytes,
    ) -> None:
        self._config = config
        self._identity = identity
        self._commit = commit
        self._height = height
        self._previous_hash = previous_hash
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()

    async def broadcast(self, envelope: bytes) -> None:
        """Take an envelope for ordering.

        Raises:
            BroadcastError: it is not one that orderers take.
        """
        check_envelope(envelope, self._config())
        self._queue.put_nowait(envelope)

    async def run(self) -> None:
        """Make blocks until cancelled."""
        cutter = BatchCutter(self._config().batch_size)
        loop = asyncio.get_running_loop()
        while True:
            batches = cutter.ordered(await self._queue.get())
            deadline = loop.time() + self._config().batch_timeout
            while cutter.pending:
                try:
                    async with asyncio.timeout_at(deadline):
                        envelope = await self._queue.get()
                except TimeoutError:
                    batches.append(cutter.cut())
                    break
                # The timer goes on where an envelope is left over from the batch that is cut, as Raft's does.
                batches += cutter.ordered(envelope)
                await self._write(batches)
                batches = []
            await self._write(batches)

    async def _write(self, batches: list[list[bytes]]) -> None:
        for envelopes in batches:
            block = self._signed(new_block(self._height, self._previous_hash, envelopes))
            await self._commit(block)
            self._height += 1
            self._previous_hash = block.hash

    def _signed(self, block: Block) -> Block:
        value = last_config_value(self._config().block.number)
        header = signature_header(self._identity.serialized, secrets.token_bytes(24))
        message = signature_message(value, header, header_bytes(block.number, block.previous_hash, block.data_hash))
        signature = self._identity.sign(message)
        return block.with_metadata(SIGNATURES, signatures_metadata(value, [(header, signature)]))
