"""The channel's ledger: blocks are validated and committed here, and everyone who waits for one is told.

Committing is Fabric's `core/ledger/kvledger` and `core/committer`: judge every transaction, compare reads in order,
write validation codes and the commit hash into the block's metadata, make all of it durable at once.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
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
    PrivateSet,
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


class Finished(Exception):
    """Whoever waits for a block waits in vain: the network is ending."""


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
        self._finished = False
        self._height = self._store.height
        if not self._height:
            self._store.commit(self._prepare(parse_block(first_block)))
            self._height = 1
        elif (kept := self._store.block(0)) is None or parse_block(kept).hash != self.config.block.hash:
            self._store.close()
            raise LedgerUnavailable(f"the ledger in {path} is of another channel")

    def finish(self) -> None:
        """Tell everyone who waits that there are no more blocks to come."""
        self._finished = True
        self._changed.set()

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
        """Wait until the transaction is in a block; for ever, if it never is.

        Raises:
            Finished: there are no more blocks to come.
        """
        while True:
            changed = self._changed
            if (place := self._store.transaction(tx_id)) is not None:
                return place
            if self._finished:
                raise Finished
            await changed.wait()

    async def wait_for_block(self, number: int) -> None:
        """Wait until there is a block of this number. Raises Finished when there are no more blocks to come."""
        while not self._finished:
            if number < self._height:
                return
            await self._changed.wait()
        raise Finished

    async def blocks(self, start: int) -> AsyncIterator[tuple[int, tuple[CommittedTransaction, ...]]]:
        """Blocks from this number on, as they come, read when they are asked for: a slow reader costs nothing.

        Raises:
            Finished: there are no more blocks to come.
        """
        number = start
        while True:
            await self.wait_for_block(number)
            yield number, _transactions(parse_block(self._store.block(number) or b""))
            number += 1

    def _prepare(self, block: Block) -> Commit:
        state = self._store.state("")
        judged = self._judged(block, state)
        validator = BlockValidator(state, block.number)
        codes: list[int] = []
        history: list[HistoryEntry] = []
        private: list[PrivateWrite] = []
        private_sets: list[PrivateSet] = []
        for position, one in enumerate(judged):
            code = int(one.code)
            held = self._private_sets(one, position, state)
            private_sets += held
            if code == Code.VALID and one.sets is not None and one.transaction is not None:
                conflict = validator.validate(position, one.sets)
                if conflict:
                    code = int(Code.Value(conflict.value))
                else:
                    history += _history(one, position)
                    private += _private_writes(held, Version(block.number, position))
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
            private_sets=private_sets,
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

    def _private_sets(self, one: Judged, position: int, state: StateView) -> list[PrivateSet]:
        """The private write sets of a transaction, at the organisations that may hold them.

        Those of invalid transactions are kept as well (capability StorePvtDataOfInvalidTx,
        `gossip/privdata/coordinator.go`), but change nothing.
        """
        if one.transaction is None:
            return []
        kept = self.transient.take(one.tx_id)
        try:
            stated = one.sets if one.sets is not None else read_write_set.decode(one.transaction.response.result)
        except ValueError:
            return []
        found = []
        for (namespace, collection), data in sorted(kept.items()):
            hashes = stated[namespace].collections.get(collection) if namespace in stated else None
            if hashes is not None and hashes.private_digest == sha256(data).digest():
                found += [
                    PrivateSet(msp_id, position, namespace, collection, data)
                    for msp_id in self._members(namespace, collection, state)
                ]
        return found

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


def _private_writes(held: Sequence[PrivateSet], version: Version) -> list[PrivateWrite]:
    return [
        PrivateWrite(
            one.organisation,
            one.namespace,
            one.collection,
            key,
            None if write.is_delete else write.value,
            version,
        )
        for one in held
        for key, write in read_write_set.decode_private(one.data).items()
    ]


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
