"""The outcomes of transactions, as a stream of filtered blocks tells them."""

import asyncio
import logging

from fabric_protos.peer import transaction_pb2

from node_client.errors import FabricError
from node_client.gateway._async.network import AsyncNetwork
from node_client.gateway.deliver import FilteredBlock
from node_client.gateway.options import Resume
from node_client.gateway.requests import Status

# Codes with which a block tells nothing of a transaction's outcome: the id was in the chain before, with its outcome.
_TELLS_NOTHING = transaction_pb2.DUPLICATE_TXID

logger = logging.getLogger(__name__)


class Follower:
    """Follows a channel's blocks at the gateway's peer, from the moment at which `begin` returns.

    The stream goes on by itself after a lost connection, with the block that is next. Where it cannot go on, it tells
    nothing more: that is said to everyone who waits, and is not an outcome.

    Args:
        resume: how it goes on.
    """

    def __init__(self, network: AsyncNetwork, resume: Resume) -> None:
        self._stream = network.filtered_block_events(resume=resume)
        self._expected: dict[str, asyncio.Future[Status | None]] = {}
        self._following: asyncio.Task[None] | None = None
        self._ended = False

    async def begin(self) -> None:
        """Begin to follow. A transaction that is submitted afterwards is in one of the blocks that will be read."""
        try:
            await self._stream.__aenter__()
        except FabricError as error:
            self._end(error)
            return
        self._following = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Follow no longer."""
        self._end(None)
        await self._stream.close()
        if self._following is not None:
            self._following.cancel()  # it may be waiting to connect again
            await asyncio.wait([self._following])

    def expect(self, transaction_id: str) -> "asyncio.Future[Status | None] | None":
        """What is to be told of a transaction that is going to be submitted: how it ended, or None when the blocks do
        not tell. There is nothing to wait for when they do not tell anything, or when somebody waits already.

        Follow it with `forget`.
        """
        if self._ended or transaction_id in self._expected:
            return None
        told: asyncio.Future[Status | None] = asyncio.get_running_loop().create_future()
        self._expected[transaction_id] = told
        return told

    def forget(self, transaction_id: str) -> None:
        """Expect a transaction no longer."""
        self._expected.pop(transaction_id, None)

    async def _follow(self) -> None:
        try:
            async for block in self._stream:
                self._read(block)
        except FabricError as error:
            self._end(error)
        finally:
            self._end(None)

    def _read(self, block: FilteredBlock) -> None:
        for one in block.transactions:
            told = self._expected.get(one.transaction_id)
            if told is None or told.done():
                continue
            status = Status(one.transaction_id, block.number, one.code, one.name)
            told.set_result(None if one.code == _TELLS_NOTHING else status)

    def _end(self, error: FabricError | None) -> None:
        if error is not None:
            logger.info("blocks tell no more outcomes: %s", type(error).__name__)
        self._ended = True
        for told in self._expected.values():
            if not told.done():
                told.set_result(None)
