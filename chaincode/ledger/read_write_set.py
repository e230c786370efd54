"""Read-write sets: what a simulation read, with versions, and what it would write.

Equal simulations give equal bytes: namespaces, collections and keys are in byte order; hashes of private keys are in
the order of the keys, which only the simulation knows. Format: Fabric's `ledger/rwset/rwset.proto` and
`kvrwset/kv_rwset.proto`; order: `core/ledger/kvledger/txmgmt/rwsetutil`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeVar

from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from google.protobuf.message import DecodeError

from chaincode.ledger.state import Version

_NO_VALUE = sha256().digest()
_NEVER = Version(-1, -1)  # which no key has

K = TypeVar("K", str, bytes)


class DuplicateNamespace(ValueError):
    """A read-write set that has a namespace twice."""


@dataclass(frozen=True)
class Write:
    """A key's new value, or its deletion."""

    key: str
    value: bytes = b""
    is_delete: bool = False


@dataclass(frozen=True)
class HashedWrite:
    """A private key's new value as the public set shows it: hashes only."""

    key_hash: bytes
    value_hash: bytes = b""
    is_delete: bool = False
    is_purge: bool = False


@dataclass(frozen=True)
class RangeQuery:
    """A range that was read, for the phantom check.

    `reads` holds the keys that were seen, with versions, or `merkle` their summary when there were too many.
    `exhausted` tells that the reader came to the range's end; if not, the last key seen bounds the check.
    """

    start: str
    end: str
    exhausted: bool
    reads: tuple[tuple[str, Version], ...] = ()
    merkle: "MerkleSummary | None" = None


@dataclass(frozen=True)
class MerkleSummary:
    """The hashes that stand for a long range's reads."""

    max_degree: int
    max_level: int
    hashes: tuple[bytes, ...]


@dataclass
class CollectionSet:
    """Hashed reads and writes of one private data collection, in the order in which they are encoded."""

    reads: dict[bytes, Version | None] = field(default_factory=dict)
    writes: dict[bytes, HashedWrite] = field(default_factory=dict)
    metadata_writes: dict[bytes, Mapping[str, bytes]] = field(default_factory=dict)
    private_digest: bytes = b""


@dataclass
class NamespaceSet:
    """Reads and writes of one namespace. A read of an absent key has no version, and counts."""

    reads: dict[str, Version | None] = field(default_factory=dict)
    range_queries: list[RangeQuery] = field(default_factory=list)
    writes: dict[str, Write] = field(default_factory=dict)
    metadata_writes: dict[str, Mapping[str, bytes]] = field(default_factory=dict)
    collections: dict[str, CollectionSet] = field(default_factory=dict)

    @property
    def is_written(self) -> bool:
        """Whether anything of this namespace would change."""
        return bool(
            self.writes
            or self.metadata_writes
            or any(part.writes or part.metadata_writes for part in self.collections.values())
        )


def _version(version: Version | None) -> kv_rwset_pb2.Version | None:
    if version is None:
        return None
    return kv_rwset_pb2.Version(block_num=version.block, tx_num=version.transaction)


def _metadata(entries: Mapping[str, bytes]) -> list[kv_rwset_pb2.KVMetadataEntry]:
    return [kv_rwset_pb2.KVMetadataEntry(name=name, value=entries[name]) for name in sorted(entries)]


def _range_query(query: RangeQuery) -> kv_rwset_pb2.RangeQueryInfo:
    message = kv_rwset_pb2.RangeQueryInfo(start_key=query.start, end_key=query.end, itr_exhausted=query.exhausted)
    if query.merkle:
        message.reads_merkle_hashes.max_degree = query.merkle.max_degree
        message.reads_merkle_hashes.max_level = query.merkle.max_level
        message.reads_merkle_hashes.max_level_hashes.extend(query.merkle.hashes)
    elif query.reads:
        message.raw_reads.kv_reads.extend(
            kv_rwset_pb2.KVRead(key=key, version=_version(version)) for key, version in query.reads
        )
    return message


def _collection(collection: CollectionSet) -> bytes:
    return kv_rwset_pb2.HashedRWSet(
        hashed_reads=[
            kv_rwset_pb2.KVReadHash(key_hash=key, version=_version(version))
            for key, version in collection.reads.items()
        ],
        hashed_writes=[
            kv_rwset_pb2.KVWriteHash(
                key_hash=key, is_delete=write.is_delete, value_hash=write.value_hash, is_purge=write.is_purge
            )
            for key, write in collection.writes.items()
        ],
        metadata_writes=[
            kv_rwset_pb2.KVMetadataWriteHash(key_hash=key, entries=_metadata(entries))
            for key, entries in collection.metadata_writes.items()
        ],
    ).SerializeToString(deterministic=True)


def _namespace(namespace: NamespaceSet) -> bytes:
    message = kv_rwset_pb2.KVRWSet(range_queries_info=[_range_query(query) for query in namespace.range_queries])
    for key in sorted(namespace.reads, key=str.encode):
        message.reads.add(key=key, version=_version(namespace.reads[key]))
    for key in sorted(namespace.writes, key=str.encode):
        message.writes.add(key=key, is_delete=namespace.writes[key].is_delete, value=namespace.writes[key].value)
    for key in sorted(namespace.metadata_writes, key=str.encode):
        message.metadata_writes.add(key=key, entries=_metadata(namespace.metadata_writes[key]))
    return message.SerializeToString(deterministic=True)


def encode(sets: Mapping[str, NamespaceSet]) -> bytes:
    """The public TxReadWriteSet; no namespaces give no bytes, as in Fabric."""
    if not sets:
        return b""
    message = rwset_pb2.TxReadWriteSet(data_model=rwset_pb2.TxReadWriteSet.KV)
    for name, part in sorted(sets.items()):
        one = message.ns_rwset.add(namespace=name, rwset=_namespace(part))
        for collection, hashed in sorted(part.collections.items()):
            one.collection_hashed_rwset.add(
                collection_name=collection, hashed_rwset=_collection(hashed), pvt_rwset_hash=hashed.private_digest
            )
    return message.SerializeToString(deterministic=True)


def _decoded_version(message: kv_rwset_pb2.KVRead | kv_rwset_pb2.KVReadHash) -> Version | None:
    if not message.HasField("version"):
        return None
    return Version(message.version.block_num, message.version.tx_num)


def _decoded_query(message: kv_rwset_pb2.RangeQueryInfo) -> RangeQuery:
    merkle = None
    if message.HasField("reads_merkle_hashes"):
        summary = message.reads_merkle_hashes
        if summary.max_degree < 2:  # with no such tree to compare with, Fabric's peers cannot judge the transaction
            raise ValueError("a summary of reads has no such degree")
        merkle = MerkleSummary(summary.max_degree, summary.max_level, tuple(summary.max_level_hashes))
    return RangeQuery(
        start=message.start_key,
        end=message.end_key,
        exhausted=message.itr_exhausted,
        reads=tuple((read.key, _decoded_version(read) or Version(0, 0)) for read in message.raw_reads.kv_reads),
        merkle=merkle,
    )


def decode(data: bytes) -> dict[str, NamespaceSet]:
    """The sets by namespace.

    Where a set names something twice, all that it says of a collection counts, every read of a key, of which then one
    cannot hold where the versions differ, and the last write of it.

    Raises:
        DuplicateNamespace: a namespace is there twice; all else can be read.
        ValueError: the bytes are not a read-write set.
    """
    try:
        message = rwset_pb2.TxReadWriteSet.FromString(data)
        sets = {part.namespace: _decoded_namespace(part) for part in message.ns_rwset}
    except DecodeError as error:
        raise ValueError("not a read-write set") from error
    names = [part.namespace for part in message.ns_rwset]
    if len(names) != len(sets):
        repeated = next(name for name in names if names.count(name) > 1)
        raise DuplicateNamespace(f"duplicate namespace '{repeated}' in a read-write set")
    return sets


def _decoded_namespace(part: rwset_pb2.NsReadWriteSet) -> NamespaceSet:
    kv = kv_rwset_pb2.KVRWSet.FromString(part.rwset)
    namespace = NamespaceSet(
        range_queries=[_decoded_query(query) for query in kv.range_queries_info],
        writes={write.key: _decoded_write(write) for write in kv.writes},
        metadata_writes={
            write.key: {entry.name: entry.value for entry in write.entries} for write in kv.metadata_writes
        },
    )
    for read in kv.reads:
        _add_read(namespace.reads, read.key, _decoded_version(read))
    for one in part.collection_hashed_rwset:
        collection = CollectionSet(private_digest=one.pvt_rwset_hash)
        _add_hashed(namespace.collections.setdefault(one.collection_name, collection), one.hashed_rwset)
    return namespace


def _add_hashed(collection: CollectionSet, data: bytes) -> None:
    hashed = kv_rwset_pb2.HashedRWSet.FromString(data)
    for read in hashed.hashed_reads:
        _add_read(collection.reads, read.key_hash, _decoded_version(read))
    for write in hashed.hashed_writes:
        is_delete = write.is_delete or write.value_hash in (b"", _NO_VALUE)
        collection.writes[write.key_hash] = HashedWrite(write.key_hash, write.value_hash, is_delete, write.is_purge)
    for changed in hashed.metadata_writes:
        collection.metadata_writes[changed.key_hash] = {entry.name: entry.value for entry in changed.entries}


def _add_read(reads: dict[K, Version | None], key: K, version: Version | None) -> None:
    if reads.setdefault(key, version) != version:
        reads[key] = _NEVER


def encode_metadata(entries: Mapping[str, bytes]) -> bytes:
    """A key's metadata as it is kept in the state."""
    if not entries:
        return b""
    return kv_rwset_pb2.KVMetadataWrite(entries=_metadata(entries)).SerializeToString()


def decode_metadata(data: bytes) -> dict[str, bytes]:
    """A key's metadata from the state."""
    return {entry.name: entry.value for entry in kv_rwset_pb2.KVMetadataWrite.FromString(data).entries}


def encode_private(sets: Mapping[tuple[str, str], NamespaceSet]) -> dict[tuple[str, str], bytes]:
    """The private sets (by namespace and collection), each as the KVRWSet whose hash is public."""
    return {place: _namespace(part) for place, part in sorted(sets.items())}


def decode_private(data: bytes) -> dict[str, Write]:
    """The writes of one private set."""
    return {write.key: _decoded_write(write) for write in kv_rwset_pb2.KVRWSet.FromString(data).writes}


def private_metadata_keys(data: bytes) -> list[str]:
    """The keys of one private set of which the metadata are written; the metadata themselves are public."""
    return [write.key for write in kv_rwset_pb2.KVRWSet.FromString(data).metadata_writes]


def without_private_key(data: bytes, key_hash: bytes) -> bytes:
    """A private set without the writes of one key."""
    message = kv_rwset_pb2.KVRWSet.FromString(data)
    left = [write for write in message.writes if sha256(write.key.encode()).digest() != key_hash]
    if len(left) == len(message.writes):
        return data
    del message.writes[:]
    message.writes.extend(left)
    return message.SerializeToString(deterministic=True)


def _decoded_write(write: kv_rwset_pb2.KVWrite) -> Write:
    # `IsKVWriteDelete`: a write without a value deletes, whatever it says of itself.
    return Write(write.key, write.value, write.is_delete or not write.value)
