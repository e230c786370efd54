"""The channel's ledger: blocks are validated and committed here, and everyone who waits for one is told.

Committing is Fabric's `core/ledger/kvledger` and `core/committer`: judge every transaction, compare reads in order,
write validation codes and the commit hash into the block's metadata, make all of it durable at once.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, suppress
from itertools import chain
from pathlib import Path

from fabric_protos.peer import transaction_pb2

from network.embedded.committing import Committer
from network.embedded.database import DAMAGED, LedgerUnavailable, require_whole, unavailable
from network.embedded.private_data import PrivateData
from network.embedded.private_rows import PrivateSet
from network.embedded.state_view import StateView
from network.embedded.store import Commit, Store, TransactionPlace
from node_client.protocol.block import Block, is_config_block, last_config, parse_block
from node_client.protocol.config import ChannelConfig
from node_client.protocol.config_authority import check_applicable
from node_client.protocol.definitions import LIFECYCLE
from node_client.protocol.errors import ProtocolError
from node_client.protocol.transaction import ChaincodeEvent, event_of

logger = logging.getLogger(__name__)

RETRY = 0.5  # seconds until a block that could not be written is tried again
HICCUP = 2.0  # seconds for which a block may fail to be written before those who wait for it are told


class Finished(Exception):
    """Whoever waits for a block waits in vain: the network is ending."""


class Stalled(LedgerUnavailable):
    """Blocks cannot be written now. What has been taken for ordering is kept, and written when it can be."""


class Ledger:
    """The ledger of the channel, for all organisations.

    Args:
        path: the database's file.
        first_block: the channel's first block, with which an empty ledger begins.

    Attributes:
        config: the configuration in force.
        trouble: why blocks cannot be written now; empty when they can.
        definitions: counts the blocks that have changed chaincodes' definitions or approvals.

    Raises:
        LedgerUnavailable: the database cannot be used, or holds another channel.
    """

    def __init__(self, path: Path, first_block: bytes) -> None:
        self.config = ChannelConfig.from_bytes(first_block)
        transient = path.parent / "transient"
        require_whole(path, [transient])
        self._store = Store(path)
        try:
            with unavailable():
                self.private = PrivateData(transient, self.config.organisations.values())
                self._committer = Committer(self._store, self.private)
                self._height = self._begin(path, parse_block(first_block))
        except BaseException:
            self._store.close()
            raise
        self.trouble = ""
        self.definitions = 0
        self._stalled = False
        self._finished = False
        self._changed = asyncio.Event()
        self._awaited: dict[str, set[asyncio.Future[TransactionPlace]]] = {}

    def _begin(self, path: Path, first_block: Block) -> int:
        """Begin with the first block, or check that the ledger is whole at both ends. Returns its height."""
        height = self._store.height
        if not height:
            self._store.commit(self._committer.prepare(first_block, self.config))
            return 1
        try:
            first, last = (parse_block(self._store.block(number) or b"") for number in (0, height - 1))
        except ProtocolError as error:
            raise LedgerUnavailable(f"the ledger in {path} is damaged: {error}", DAMAGED) from error
        if first.hash != first_block.hash:
            raise LedgerUnavailable(f"the ledger in {path} is of another channel", "use the folder that it is from")
        if last.number != height - 1 or last.hash != self._store.block_hash(height - 1):
            raise LedgerUnavailable(f"the ledger in {path} is damaged: its last block is not what it was", DAMAGED)
        try:
            self.config = ChannelConfig(self._config_block(last))
        except ProtocolError as error:
            raise LedgerUnavailable(f"the ledger in {path} is damaged: its configuration: {error}", DAMAGED) from error
        return height

    def _config_block(self, last: Block) -> Block:
        """The block of the configuration in force, which is the last valid one (`core/peer/configtx_processor.go`).

        Raises:
            ProtocolError: it cannot be found.
        """
        number = last_config(last)
        while not _is_valid(block := parse_block(self._store.block(number) or b"")):
            number = last_config(parse_block(self._store.block(number - 1) or b""))
        return block

    def finish(self) -> None:
        """Tell everyone who waits that there are no more blocks to come."""
        self._finished = True
        self._changed.set()
        self._disappoint(Finished())

    def close(self) -> None:
        """Close the databases."""
        self.private.close()
        self._store.close()

    @property
    def height(self) -> int:
        """The number of blocks."""
        return self._height

    @property
    def tip(self) -> tuple[bytes, bytes]:
        """The last block's hash and that of the one before."""
        return self._store.block_hash(self._height - 1), self._store.block_hash(self._height - 2)

    def block(self, number: int) -> bytes | None:
        """A block by its number."""
        return self._store.block(number)

    def block_by_hash(self, block_hash: bytes) -> bytes | None:
        """A block by its hash."""
        number = self._store.block_number(block_hash)
        return None if number is None else self._store.block(number)

    def transaction(self, tx_id: str) -> TransactionPlace | None:
        """Where a transaction stands, and how it was judged."""
        place = self._store.transaction(tx_id)
        # A block that has just been written is there for nobody before it is there for everyone.
        return place if place is not None and place.block < self._height else None

    def private_sets(self, msp_id: str, number: int) -> list[PrivateSet]:
        """The private write sets of a block that an organisation holds."""
        return self._store.private_sets(msp_id, number)

    def values_before(self, namespace: str, key: str, number: int) -> Iterator[bytes]:
        """The values that a key was given before a block, the last one first."""
        return self._store.values_before(namespace, key, number)

    def state(self, msp_id: str) -> StateView:
        """The newest state as an organisation sees it."""
        return self._store.state(msp_id)

    def snapshot(self, msp_id: str) -> AbstractContextManager[StateView]:
        """The state as it is now, for as long as the context is open."""
        return self._store.snapshot(msp_id)

    async def commit(self, block: Block) -> None:
        """Validate a block and make it durable; while the disk refuses, wait and try again."""
        commit = self._committer.prepare(block, self.config)
        config = self._new_config(parse_block(commit.data)) if is_config_block(block) else None
        await self._write(commit)
        if config is not None:
            logger.info("block %d changes the configuration: sequence %d is in force", block.number, config.sequence)
            self.config = config
        self._height = block.number + 1
        self._store.committed(commit)
        if any(place[0] == LIFECYCLE for place in chain(commit.updates.public, commit.updates.hashed)):
            self._store.forget()
            self.definitions += 1
        self._committer.done(commit)
        self._tell()
        for tx_id, position, code in commit.transactions:
            for future in self._awaited.get(tx_id, ()):
                if not future.done():
                    future.set_result(TransactionPlace(block.number, position, code))
        await self._store.shorten_log()

    def _new_config(self, block: Block) -> ChannelConfig | None:
        """The configuration in a block that has been judged, checked as peers do; None when it is not valid."""
        if not _is_valid(block):
            logger.error("block %d has a configuration that is not valid: that of before stays in force", block.number)
            return None
        config = ChannelConfig(block)
        check_applicable(config, block.envelopes[0], self.config)
        return config

    async def _write(self, commit: Commit) -> None:
        loop = asyncio.get_running_loop()
        first = loop.time()
        while True:
            try:
                await _in_thread(self._store.commit, commit)
                break
            except LedgerUnavailable as error:
                if not self.trouble:
                    logger.error("block %d cannot be written, trying again: %s", commit.number, error)
                self.trouble = str(error)
            if loop.time() - first > HICCUP and not self._stalled:
                self._stalled = True
                self._tell()
                self._disappoint(Stalled(self.trouble))
            await asyncio.sleep(RETRY)
        if self.trouble:
            logger.info("block %d has been written after all", commit.number)
        self.trouble, self._stalled = "", False

    def _tell(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def wait_for(self, tx_id: str) -> TransactionPlace:
        """Wait until the transaction is in a block; for ever, if it never is.

        Raises:
            Finished: there are no more blocks to come.
            Stalled: there are none for now.
        """
        if (place := self.transaction(tx_id)) is not None:
            return place
        if self._finished:
            raise Finished
        if self._stalled:
            raise Stalled(self.trouble)
        future: asyncio.Future[TransactionPlace] = asyncio.get_running_loop().create_future()
        waiting = self._awaited.setdefault(tx_id, set())
        waiting.add(future)
        try:
            return await future
        finally:
            waiting.discard(future)
            if not waiting:
                del self._awaited[tx_id]

    def _disappoint(self, error: Exception) -> None:
        """Tell everyone who waits for a transaction that it will not come."""
        for future in chain.from_iterable(self._awaited.values()):
            if not future.done():
                future.set_exception(error)

    async def wait_for_block(self, number: int) -> None:
        """Wait until there is a block of this number. Raises Finished when there are no more blocks to come."""
        while not self._finished:
            if number < self._height:
                return
            await self._changed.wait()
        raise Finished

    async def blocks(self, start: int) -> AsyncIterator[tuple[int, tuple[ChaincodeEvent, ...]]]:
        """Blocks from this number on, as they come, read when they are asked for: a slow reader costs nothing.

        Yields:
            The number, and the events of the valid transactions.

        Raises:
            Finished: there are no more blocks to come.
        """
        number = start
        while True:
            await self.wait_for_block(number)
            yield number, _events(parse_block(self._store.block(number) or b""))
            await asyncio.sleep(0)  # others have their turn while many blocks are replayed
            number += 1


async def _in_thread(write: Callable[[Commit], None], commit: Commit) -> None:
    """Write in another thread, and never leave it alone with the database: who cancels this waits for it."""
    writing = asyncio.ensure_future(asyncio.to_thread(write, commit))
    try:
        await asyncio.shield(writing)
    except asyncio.CancelledError:
        await asyncio.gather(writing, return_exceptions=True)
        raise


def _is_valid(block: Block) -> bool:
    return block.validation_codes[:1] == bytes([transaction_pb2.VALID])


def _events(block: Block) -> tuple[ChaincodeEvent, ...]:
    found = []
    for envelope, code in zip(block.envelopes, block.validation_codes, strict=True):
        if code == transaction_pb2.VALID:
            with suppress(ProtocolError):  # a configuration
                found.append(event_of(envelope))
    return tuple(event for event in found if event is not None)
