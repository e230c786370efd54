"""What a block does to the ledger: its transactions judged, their reads compared in order, their writes collected.

Source: Fabric's `core/committer/txvalidator/v20` and `core/ledger/kvledger/txmgmt/validation`. Nothing is written here.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256

from fabric_protos.peer import transaction_pb2

from chaincode.ledger import read_write_set
from chaincode.ledger.hashed_set import key_hash
from chaincode.ledger.mvcc import BlockValidator, Updates
from chaincode.ledger.read_write_set import NamespaceSet, Write
from chaincode.ledger.state import KeyModification, StateReader, Version, VersionedValue
from network.embedded.private_data import PrivateData
from network.embedded.private_rows import Expired, Granted, PrivateSet, PrivateWrite
from network.embedded.store import Commit, HistoryEntry, Store
from node_client.protocol import collections
from node_client.protocol.block import COMMIT_HASH, TRANSACTIONS_FILTER, Block
from node_client.protocol.commit_hash import commit_hash
from node_client.protocol.config import ChannelConfig
from node_client.protocol.definitions import LIFECYCLE, SEQUENCE_KEY, read_definition, read_fields
from node_client.protocol.errors import ProtocolError
from node_client.protocol.transaction import results_of
from node_client.protocol.validation import Code, Judged, judge_block


class Committer:
    """Makes of blocks what is to be written.

    Args:
        store: the ledger so far.
        private: the private data that were endorsed.
    """

    def __init__(self, store: Store, private: PrivateData) -> None:
        self._store = store
        self._private = private
        self._lives: list[tuple[str, str, int]] | None = None
        self._with_private: set[str] = set()

    def prepare(self, block: Block, config: ChannelConfig) -> Commit:
        """Judge a block on the state as it is, and give everything that it changes."""
        state = self._store.state_between_blocks()
        judged = judge_block(block, config, state, lambda tx_id: self._store.transaction(tx_id) is not None)
        validator = BlockValidator(state, block.number)
        codes: list[int] = []
        history: list[HistoryEntry] = []
        sets: list[PrivateSet] = []
        valid: list[tuple[PrivateSet, Version]] = []
        self._with_private = set()
        for position, (one, envelope) in enumerate(zip(judged, block.envelopes, strict=True)):
            code = int(one.code)
            # Those of invalid transactions are kept as well (capability StorePvtDataOfInvalidTx).
            stated = (one.sets or {}) if one.code == Code.VALID else _stated(envelope)
            held = self._private.held(one.tx_id, position, stated, config=config, state=state)
            sets += held
            if any(part.collections for part in stated.values()):
                self._with_private.add(one.tx_id)
            if code == Code.VALID and one.sets is not None:
                conflict = validator.validate(position, one.sets)
                if conflict:
                    code = int(transaction_pb2.TxValidationCode.Value(conflict.value))
                else:
                    history += _history(one, position)
                    valid += [(private_set, Version(block.number, position)) for private_set in held]
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
            private=private_writes(valid, validator.updates, self._private_value),
            private_sets=sets,
            commit_hash=digest,
            expired=self._expired(block.number, state),
            granted=list(granted(validator.updates, state, config)),
        )

    def done(self, commit: Commit) -> None:
        """Take note that a commit has been written."""
        self._private.forget(self._with_private, commit.number)
        if any(namespace == LIFECYCLE for namespace, _ in commit.updates.public):
            self._lives = None

    def _private_value(self, one: PrivateSet, key: str) -> VersionedValue | None:
        return self._store.state(one.organisation).get_private(one.namespace, one.collection, key)

    def _expired(self, number: int, state: StateReader) -> list[Expired]:
        if self._lives is None:
            self._lives = list(collections.limited_lives(state))
        return [
            Expired(namespace, name, number - blocks - 1)
            for namespace, name, blocks in self._lives
            if number - blocks - 1 > 0
        ]


def private_writes(
    sets: Sequence[tuple[PrivateSet, Version]],
    updates: Updates,
    committed: Callable[[PrivateSet, str], VersionedValue | None],
) -> list[PrivateWrite]:
    """What private values become at each organisation.

    Where only a key's metadata were written, its value stays and gets the version that its hash has
    (`txmgmt/validation/batch_preparer.go`, `incrementPvtdataVersionIfNeeded`).

    Args:
        sets: the private sets of the block's valid transactions in order, with the transactions' versions.
        updates: what the block does to hashes.
        committed: the value before the block at the organisation of a set.
    """
    writes: dict[tuple[str, str, str, str], PrivateWrite] = {}
    touched: dict[tuple[str, str, str, str], PrivateSet] = {}
    for one, version in sets:
        place = (one.organisation, one.namespace, one.collection)
        for key, write in read_write_set.decode_private(one.data).items():
            purged = updates.purged.get((one.namespace, one.collection, key_hash(key)))
            if purged is None or version >= purged:
                value = None if write.is_delete else write.value
                writes[*place, key] = PrivateWrite(*place, key, value, version)
        touched |= {(*place, key): one for key in read_write_set.private_metadata_keys(one.data)}
    for (organisation, namespace, collection, key), one in touched.items():
        hashed = updates.hashed.get((namespace, collection, key_hash(key)))
        written = writes.get((organisation, namespace, collection, key))
        if written is not None:
            latest = VersionedValue(written.value, written.version) if written.value is not None else None
        else:
            latest = committed(one, key)
        if hashed and latest and latest.version != hashed.version and sha256(latest.value).digest() == hashed.value:
            writes[organisation, namespace, collection, key] = PrivateWrite(
                organisation, namespace, collection, key, latest.value, hashed.version
            )
    return list(writes.values())


def granted(updates: Updates, state: StateReader, config: ChannelConfig) -> Iterator[Granted]:
    """Who becomes a member of which collection by the definitions that a block puts into force."""
    for namespace, key in updates.public:
        match = re.fullmatch(SEQUENCE_KEY, key) if namespace == LIFECYCLE else None
        old = read_definition(state, match[1]) if match else None
        if not match or old is None:
            continue
        new = read_fields(match[1], lambda field_key: _updated(updates, state, field_key))
        for name, collection in collections.explicit(new.collections if new else b"").items():
            before = collections.explicit(old.collections).get(name)
            if before is None:
                continue
            members = collections.member_organisations(before, config)
            for msp_id in collections.member_organisations(collection, config):
                if msp_id not in members:
                    yield Granted(msp_id, match[1], name)


def _updated(updates: Updates, state: StateReader, key: str) -> bytes:
    if (LIFECYCLE, key) in updates.public:
        found = updates.public[LIFECYCLE, key]
    else:
        found = state.get(LIFECYCLE, key)
    return found.value if found else b""


def _stated(envelope: bytes) -> Mapping[str, NamespaceSet]:
    """The sets of a transaction that is not valid, where they can be read."""
    try:
        return read_write_set.decode(results_of(envelope))
    except (ProtocolError, ValueError):
        return {}


def _history(one: Judged, position: int) -> list[HistoryEntry]:
    if one.transaction is None or one.sets is None:
        return []
    proposal = one.transaction.proposal

    def entry(namespace: str, write: Write) -> HistoryEntry:
        change = KeyModification(one.tx_id, write.value, proposal.seconds, proposal.nanos, write.is_delete)
        return HistoryEntry(namespace, write.key, position, change)

    return [entry(namespace, write) for namespace, part in one.sets.items() for write in part.writes.values()]
