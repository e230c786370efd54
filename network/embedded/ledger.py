"""The channel's ledger: blocks are validated and committed here, and everyone who waits for one is told.

Committing is Fabric's `core/ledger/kvledger` and `core/committer`: judge every transaction, compare reads in order,
write validation codes and the commit hash into the block's metadata, make all of it durable at once.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from fabric_protos.peer import collection_pb2, transaction_pb2

from chaincode.ledger import read_write_set
from chaincode.ledger.mvcc import BlockValidator
from chaincode.ledger.read_write_set import Write
from chaincode.ledger.state import KeyModification, Version
from network.embedded.commit_hash import commit_hash
from network.embedded.definitions import implicit_collection, read_definition
from network.embedded.store import (
    Commit,
    HistoryEntry,
    LedgerUnavailable,
    PrivateWrite,
    StateView,
    Store,
    TransactionPlace,
)
from network.embedded.transient import TransientStore
from network.embedded.validation import Code, Judged, judge
from node_client.protocol.block import COMMIT_HASH, TRANSACTIONS_FILTER, Block, parse_block
from node_client.protocol.config import ChannelConfig
from node_client.protocol.errors import ProtocolError
from node_client.protocol.policy import organisations_in
from node_client.protocol.transaction import ChaincodeEvent, open_envelope, parse_transaction

logger = logging.getLogger(__name__)

RETRY = 0.5  # seconds until a block that could not be written is tried again


@dataclass(frozen=True)
class CommittedTransaction:
    """A transaction of a committed block."""

    tx_id: str
    code: int
    event: ChaincodeEvent | None


class Ledger:
    """The ledger of the channel, for all organisations.

    Args:
        path: the database's file.
        first_block: the channel's first block, with which an empty ledger begins.

    Raises:
        LedgerUnavailable: the database cannot be used, or holds another channel.
    """

    def __init__(self, path: Path, first_block: bytes) -> None:
        self._store = Store(path)
        self.transient = TransientStore()
        self.config = ChannelConfig.from_bytes(first_block)
        self._changed = asyncio.Event()
        self._height = self._store.height
        if not self._height:
            self._store.commit(self._prepare(parse_block(first_block)))
            self._height = 1
        elif (kept := self._store.block(0)) is None or parse_block(kept).hash != self.config.block.hash:
            self._store.close()
            raise LedgerUnavailable(f"the ledger in {path} is of another channel")

    def close(self) -> None:
        """Close the database."""
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
        return self._store.transaction(tx_id)

    def state(self, msp_id: str) -> StateView:
        """The newest state as an organisation sees it."""
        return self._store.state(msp_id)

    def snapshot(self, msp_id: str) -> AbstractContextManager[StateView]:
        """The state as it is now, for as long as the context is open."""
        return self._store.snapshot(msp_id)

    async def commit(self, block: Block) -> None:
        """Validate a block and make it durable; while the disk refuses, wait and try again."""
        commit = self._prepare(block)
        failing = False
        while True:
            try:
                await asyncio.to_thread(self._store.commit, commit)
                break
            except LedgerUnavailable as error:
                if not failing:
                    logger.error("block %d cannot be written, trying again: %s", block.number, error)
                failing = True
                await asyncio.sleep(RETRY)
        if failing:
            logger.info("block %d has been written after all", block.number)
        self._height = block.number + 1
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def wait_for(self, tx_id: str) -> TransactionPlace:
        """Wait until the transaction is in a block; for ever, if it never is."""
        while True:
            changed = self._changed
            if (place := self._store.transaction(tx_id)) is not None:
                return place
            await changed.wait()

    async def blocks(self, start: int) -> AsyncIterator[tuple[int, tuple[CommittedTransaction, ...]]]:
        """Blocks from this number on, as they come, read when they are asked for: a slow reader costs nothing."""
        number = start
        while True:
            changed = self._changed
            if number < self._height:
                data = self._store.block(number)
                yield number, _transactions(parse_block(data or b""))
                number += 1
            else:
                await changed.wait()

    def _prepare(self, block: Block) -> Commit:
        state = self._store.state("")
        judged = self._judged(block, state)
        validator = BlockValidator(state, block.number)
        codes: list[int] = []
        history: list[HistoryEntry] = []
        private: list[PrivateWrite] = []
        for position, one in enumerate(judged):
            code = int(one.code)
            if code == Code.VALID and one.sets is not None and one.transaction is not None:
                conflict = validator.validate(position, one.sets)
                if conflict:
                    code = int(Code.Value(conflict.value))
                else:
                    history += _history(one, position)
                    private += self._private(one, Version(block.number, position), state)
            codes.append(code)
        block = block.with_metadata(TRANSACTIONS_FILTER, bytes(codes))
        digest = b""
        if block.number:
            digest, slot = commit_hash(bytes(codes), validator.updates, self._store.commit_hash)
            block = block.with_metadata(COMMIT_HASH, slot)
        return Commit(
            number=block.number,
            hash=block.hash,
            data=block.encode(),
            transactions=[
                (one.tx_id, position, code)
                for position, (one, code) in enumerate(zip(judged, codes, strict=True))
                if one.tx_id
            ],
            updates=validator.updates,
            history=history,
            private=private,
            commit_hash=digest,
        )

    def _judged(self, block: Block, state: StateView) -> list[Judged]:
        found: list[Judged] = []
        seen: set[str] = set()
        for envelope in block.envelopes:
            one = judge(envelope, self.config, state)
            if one.tx_id and one.code == Code.VALID:
                if one.tx_id in seen or self._store.transaction(one.tx_id):
                    one = Judged(Code.DUPLICATE_TXID, one.tx_id, one.transaction)
                seen.add(one.tx_id)
            found.append(one)
        return found

    def _private(self, one: Judged, version: Version, state: StateView) -> list[PrivateWrite]:
        """The private writes of a valid transaction, at the organisations that may hold them."""
        kept = self.transient.take(one.tx_id)
        writes = []
        for (namespace, collection), data in kept.items():
            stated = (one.sets or {})[namespace].collections.get(collection)
            if stated is None or stated.private_digest != sha256(data).digest():
                continue
            for msp_id in self._members(namespace, collection, state):
                for key, write in read_write_set.decode_private(data).items():
                    value = None if write.is_delete else write.value
                    writes.append(PrivateWrite(msp_id, namespace, collection, key, value, version))
        return writes

    def _members(self, namespace: str, collection: str, state: StateView) -> list[str]:
        msp_ids = list(self.config.organisations.values())
        for msp_id in msp_ids:
            if collection == implicit_collection(msp_id):
                return [msp_id]
        definition = read_definition(state, namespace)
        package = collection_pb2.CollectionConfigPackage.FromString(definition.collections if definition else b"")
        for config in package.config:
            static = config.static_collection_config
            if static.name == collection:
                policy = static.member_orgs_policy.signature_policy.SerializeToString()
                named = organisations_in(policy)
                return [msp_id for msp_id in msp_ids if msp_id in named]
        return []


def _history(one: Judged, position: int) -> list[HistoryEntry]:
    if one.transaction is None or one.sets is None:
        return []
    proposal = one.transaction.proposal

    def entry(namespace: str, write: Write) -> HistoryEntry:
        change = KeyModification(one.tx_id, write.value, proposal.seconds, proposal.nanos, write.is_delete)
        return HistoryEntry(namespace, write.key, position, change)

    return [entry(namespace, write) for namespace, part in one.sets.items() for write in part.writes.values()]


def _transactions(block: Block) -> tuple[CommittedTransaction, ...]:
    found = []
    for envelope, code in zip(block.envelopes, block.validation_codes, strict=True):
        try:
            transaction = parse_transaction(open_envelope(envelope)[0])
        except ProtocolError:
            continue
        event = transaction.response.event if code == transaction_pb2.VALID else None
        found.append(CommittedTransaction(transaction.proposal.transaction_id, code, event))
    return tuple(found)
