"""Ordering: envelopes in, blocks out.

As with Raft, an envelope is acknowledged when the orderer has it in memory; it is durable when its block is committed,
which is what a commit status tells. Source: Fabric's `orderer/common/msgprocessor`, `orderer/consensus/etcdraft`.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable

from fabric_protos.common import common_pb2

from network.embedded.batch_cutter import BatchCutter
from network.embedded.broadcast_filter import BroadcastError, check_envelope
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

MOST_WAITING = 1000  # envelopes that wait for a block
PATIENCE = 3.0  # seconds that a sender waits when there are so many


class Orderer:
    """The ordering of one channel.

    Args:
        config: gives the channel's configuration in force.
        address: where it serves, as it stands in error details.
        identity: signs blocks.
        commit: takes a new block; the next one is made when it returns.
        trouble: gives why blocks cannot be made now; empty when they can.
        height, previous_hash: where the chain stands.
    """

    def __init__(
        self,
        config: Callable[[], ChannelConfig],
        address: str,
        identity: NodeIdentity,
        commit: Callable[[Block], Awaitable[None]],
        trouble: Callable[[], str],
        height: int,
        previous_hash: bytes,
    ) -> None:
        self.address = address
        self.msp_id = identity.identity.msp_id
        self._config = config
        self._identity = identity
        self._commit = commit
        self._trouble = trouble
        self._height = height
        self._previous_hash = previous_hash
        # None is the last: nothing comes after it.
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(MOST_WAITING)
        self._finished = False

    async def broadcast(self, envelope: bytes) -> None:
        """Take an envelope for ordering.

        Raises:
            BroadcastError: it is not one that orderers take.
        """
        check_envelope(envelope, self._config())
        await self._take(envelope)

    async def _take(self, envelope: bytes) -> None:
        """Queue an envelope. Like Raft's leader, with too many in hand, let its sender wait."""
        try:
            self._require_ready()
            async with asyncio.timeout(PATIENCE):
                await self._queue.put(envelope)
        except TimeoutError as error:
            self._require_ready()
            raise BroadcastError(common_pb2.SERVICE_UNAVAILABLE, "too many envelopes wait for a block") from error

    def _require_ready(self) -> None:
        if reason := "the orderer is shutting down" if self._finished else self._trouble():
            raise BroadcastError(common_pb2.SERVICE_UNAVAILABLE, reason)

    async def finish(self) -> None:
        """Take nothing any more, and let `run` put into blocks what has been taken, and end."""
        self._finished = True
        await self._queue.put(None)

    async def run(self) -> None:
        """Make blocks until `finish` has been called."""
        cutter = BatchCutter(self._config().batch_size)
        loop = asyncio.get_running_loop()
        while (envelope := await self._queue.get()) is not None:
            batches = cutter.ordered(envelope)
            deadline = loop.time() + self._config().batch_timeout
            while cutter.pending:
                envelope = await self._next(deadline)
                if envelope is None:
                    batches.append(cutter.cut())
                    break
                # The timer goes on where an envelope is left over from the batch that is cut, as Raft's does.
                batches += cutter.ordered(envelope)
                await self._write(batches)
                batches = []
            await self._write(batches)

    async def _next(self, deadline: float) -> bytes | None:
        """The next envelope; None when none comes until the deadline, or no more at all."""
        try:
            async with asyncio.timeout_at(deadline):
                envelope = await self._queue.get()
        except TimeoutError:
            return None
        if envelope is None:
            self._queue.put_nowait(None)  # for `run` to end with
        return envelope

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
