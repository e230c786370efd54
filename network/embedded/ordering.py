"""Ordering: envelopes in, blocks out.

As with Raft, an envelope is acknowledged when the orderer has it in memory; it is durable when its block is committed,
which is what a commit status tells. Source: Fabric's `orderer/common/msgprocessor`, `orderer/consensus/etcdraft`.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fabric_protos.common import common_pb2

from network.embedded.batch_cutter import BatchCutter
from network.embedded.broadcast_filter import FINAL, INITIAL, BroadcastError, check_envelope, check_update
from network.embedded.config_updates import UpdateRefused, config_envelope, proposed_config
from network.embedded.signing import NodeIdentity
from node_client.protocol.block import (
    SIGNATURES,
    Block,
    header_bytes,
    is_config_block,
    last_config_value,
    new_block,
    signature_header,
    signature_message,
    signatures_metadata,
)
from node_client.protocol.config import ChannelConfig
from node_client.protocol.config_authority import last_update
from node_client.protocol.errors import ProtocolError

logger = logging.getLogger(__name__)

MOST_WAITING = 1000  # envelopes that wait for a block
PATIENCE = 3.0  # seconds that a sender waits when there are so many


@dataclass(frozen=True)
class _Taken:
    """What was taken for ordering.

    Attributes:
        envelope: a transaction, or the configuration that came of an update.
        config: what was in force then.
        updates: whether it is a configuration.
    """

    envelope: bytes
    config: ChannelConfig
    updates: bool


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
        self._queue: asyncio.Queue[_Taken | None] = asyncio.Queue(MOST_WAITING)
        self._finished = False

    async def broadcast(self, envelope: bytes) -> None:
        """Take an envelope for ordering.

        Raises:
            BroadcastError: it is not one that orderers take.
        """
        config = self._config()
        updates = check_envelope(envelope, config)
        if updates:
            envelope = self._configuration(envelope)
        await self._take(_Taken(envelope, config, updates))

    def _configuration(self, update: bytes) -> bytes:
        """The configuration that an update leads to, ready to be ordered. Raises BroadcastError."""
        config = self._config()
        try:
            new = config_envelope(proposed_config(update, config), update, self._identity)
        except UpdateRefused as error:
            raise BroadcastError(common_pb2.BAD_REQUEST, str(error)) from error
        check_update(new, config, FINAL)
        return new

    async def _take(self, envelope: "_Taken") -> None:
        """Queue an envelope. Like Raft's leader, with too many in hand, let its sender wait."""
        self._require_ready()
        if not self._queue.full():
            self._queue.put_nowait(envelope)
            return
        try:
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
        while (taken := await self._queue.get()) is not None:
            batches = self._ordered(cutter, taken)
            deadline = loop.time() + self._config().batch_timeout
            while cutter.pending:
                taken = await self._next(deadline)
                if taken is None:
                    batches.append(cutter.cut())
                    break
                # The timer goes on where an envelope is left over from the batch that is cut, as Raft's does.
                batches += self._ordered(cutter, taken)
                await self._write(batches)
                batches = []
            await self._write(batches)

    def _ordered(self, cutter: BatchCutter, taken: "_Taken") -> list[list[bytes]]:
        """The batches that are cut by an envelope. A configuration is in a block of its own.

        What was taken under an earlier configuration must still hold under the one now in force (`Chain.ordered`).
        """
        envelope = taken.envelope
        if taken.config is not self._config():
            try:
                envelope = self._checked_again(taken)
            except (BroadcastError, ProtocolError) as error:
                logger.warning("an envelope is not ordered, for the configuration has changed: %s", error)
                return []
        cutter.size = self._config().batch_size
        if not taken.updates:
            return cutter.ordered(envelope)
        return [*([cutter.cut()] if cutter.pending else []), [envelope]]

    def _checked_again(self, taken: "_Taken") -> bytes:
        if not taken.updates:
            check_envelope(taken.envelope, self._config())
            return taken.envelope
        update = last_update(taken.envelope)
        check_update(update, self._config(), INITIAL)
        return self._configuration(update)

    async def _next(self, deadline: float) -> "_Taken | None":
        """The next envelope; None when none comes until the deadline, or no more at all."""
        if not self._queue.empty():
            taken = self._queue.get_nowait()
        else:
            try:
                async with asyncio.timeout_at(deadline):
                    taken = await self._queue.get()
            except TimeoutError:
                return None
        if taken is None:
            self._queue.put_nowait(None)  # for `run` to end with
        return taken

    async def _write(self, batches: list[list[bytes]]) -> None:
        for envelopes in batches:
            block = self._signed(new_block(self._height, self._previous_hash, envelopes))
            await self._commit(block)
            self._height += 1
            self._previous_hash = block.hash

    def _signed(self, block: Block) -> Block:
        value = last_config_value(block.number if is_config_block(block) else self._config().block.number)
        header = signature_header(self._identity.serialized, secrets.token_bytes(24))
        message = signature_message(value, header, header_bytes(block.number, block.previous_hash, block.data_hash))
        signature = self._identity.sign(message)
        return block.with_metadata(SIGNATURES, signatures_metadata(value, [(header, signature)]))
