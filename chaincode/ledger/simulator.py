"""Simulating a transaction: reads from committed state, writes into a set, nothing changed.

As in Fabric a transaction does not read its own writes, the last write of a key counts, and a range that was read is
checked again at commit. Source: `core/ledger/kvledger/txmgmt/txmgr` and `rwsetutil/rwset_builder.go`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

from chaincode.ledger import merkle_summary, read_write_set
from chaincode.ledger.read_write_set import CollectionSet, HashedWrite, NamespaceSet, RangeQuery, Write
from chaincode.ledger.state import KeyModification, StateReader, Version


class SimulationError(Exception):
    """The chaincode asked for something that a ledger refuses."""


@dataclass(frozen=True)
class SimulationResults:
    """What a simulation comes to.

    Attributes:
        public: the serialised TxReadWriteSet.
        private: the private writes, serialised, by namespace and collection; each hash stands in `public`.
        sets: the public sets by namespace, decoded.
        private_reads: namespaces and collections of which private values were read.
    """

    public: bytes
    private: Mapping[tuple[str, str], bytes]
    sets: Mapping[str, NamespaceSet]
    private_reads: frozenset[tuple[str, str]]


class Scan:
    """One range being read. What is read is recorded for the phantom check when the simulation ends."""

    def __init__(self, rows: Iterator[tuple[str, bytes, Version]], start: str, end: str, limit: int | None) -> None:
        self._rows = rows
        self._next = next(rows, None)
        self._start, self._end, self._limit = start, end, limit
        self._seen: list[tuple[str, Version]] = []
        self.recorded = False

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        while (row := self.take()) is not None:
            yield row

    @property
    def has_more(self) -> bool:
        """Whether `take` would give another key within the limit."""
        return self._next is not None and (self._limit is None or len(self._seen) < self._limit)

    @property
    def bookmark(self) -> str:
        """The key at which a later page goes on; empty at the range's end."""
        return self._next[0] if self._next else ""

    def take(self) -> tuple[str, bytes] | None:
        """The next key and value, or None at the end or at the limit."""
        if not self.has_more or self._next is None:
            return None
        key, value, version = self._next
        self._seen.append((key, version))
        self._next = next(self._rows, None)
        return key, value

    def query(self) -> RangeQuery:
        """The record of what was read. An unfinished range is bounded by the last key that was seen."""
        exhausted = self._next is None
        end = self._end if exhausted else (self._seen[-1][0] if self._seen else self._start)
        query = RangeQuery(self._start, end, exhausted, tuple(self._seen))
        if len(self._seen) > merkle_summary.MAX_DEGREE:
            query = replace(query, reads=(), merkle=merkle_summary.summarise(self._seen))
        return query


@dataclass
class Simulator:
    """One transaction's view of the ledger.

    Args:
        state: committed state, unchanged while the simulation runs.
    """

    state: StateReader
    _sets: dict[str, NamespaceSet] = field(default_factory=dict)
    _private: dict[str, dict[str, dict[str, Write]]] = field(default_factory=dict)
    _private_reads: set[tuple[str, str]] = field(default_factory=set)
    _scans: list[tuple[str, Scan]] = field(default_factory=list)
    _paginated: bool = False
    _written: bool = False

    def get(self, namespace: str, key: str) -> bytes | None:
        """The committed value; the read is recorded, that of an absent key too."""
        found = self.state.get(namespace, key)
        self._namespace(namespace).reads.setdefault(key, found.version if found else None)
        return found.value if found else None

    def put(self, namespace: str, key: str, value: bytes) -> None:
        """Write a key."""
        self._begin_write(key)
        self._namespace(namespace).writes[key] = Write(key, value)

    def delete(self, namespace: str, key: str) -> None:
        """Delete a key."""
        self._begin_write(key)
        self._namespace(namespace).writes[key] = Write(key, is_delete=True)

    def range(self, namespace: str, start: str, end: str) -> Scan:
        """Read a range; what the caller takes is recorded."""
        return self._scan(namespace, start, end, None)

    def page(self, namespace: str, start: str, end: str, size: int, bookmark: str) -> Scan:
        """Read one page of a range. Only a transaction that writes nothing may.

        Raises:
            SimulationError: the transaction has written.
        """
        if self._written:
            raise SimulationError("txid has already performed a write: paginated queries are for reads only")
        self._paginated = True
        return self._scan(namespace, bookmark or start, end, size)

    def history(self, namespace: str, key: str) -> Iterator[KeyModification]:
        """The key's committed writes, newest first. Not recorded: history is not checked at commit."""
        return self.state.history(namespace, key)

    def metadata(self, namespace: str, key: str) -> dict[str, bytes]:
        """The key's committed metadata."""
        found = self.state.get(namespace, key)
        self._namespace(namespace).reads.setdefault(key, found.version if found else None)
        return read_write_set.decode_metadata(found.metadata) if found else {}

    def put_metadata(self, namespace: str, key: str, entries: Mapping[str, bytes]) -> None:
        """Write the key's metadata."""
        self._begin_write(key)
        self._namespace(namespace).metadata_writes[key] = dict(entries)

    def get_private(self, namespace: str, collection: str, key: str) -> bytes | None:
        """The private value that this organisation holds; the read of its hash is recorded."""
        digest = sha256(key.encode()).digest()
        known = self.state.get_private_hash(namespace, collection, digest)
        self._collection(namespace, collection).reads.setdefault(digest, known.version if known else None)
        self._private_reads.add((namespace, collection))
        found = self.state.get_private(namespace, collection, key)
        if known and (not found or found.version != known.version):
            raise SimulationError(f"private data matching public hash version is not available, {collection}")
        return found.value if found and known else None

    def get_private_hash(self, namespace: str, collection: str, key: str) -> bytes | None:
        """The hash of a private value, which every organisation holds."""
        digest = sha256(key.encode()).digest()
        known = self.state.get_private_hash(namespace, collection, digest)
        self._collection(namespace, collection).reads.setdefault(digest, known.version if known else None)
        return known.value if known else None

    def put_private(self, namespace: str, collection: str, key: str, value: bytes) -> None:
        """Write a private key: its hashes into the public set, its value into the private one."""
        self._begin_write(key)
        hashed = HashedWrite(sha256(key.encode()).digest(), sha256(value).digest())
        self._collection(namespace, collection).writes[hashed.key_hash] = hashed
        self._private.setdefault(namespace, {}).setdefault(collection, {})[key] = Write(key, value)

    def delete_private(self, namespace: str, collection: str, key: str, *, purge: bool = False) -> None:
        """Delete a private key; a purge removes its history at the organisations too."""
        self._begin_write(key)
        hashed = HashedWrite(sha256(key.encode()).digest(), is_delete=True, is_purge=purge)
        self._collection(namespace, collection).writes[hashed.key_hash] = hashed
        self._private.setdefault(namespace, {}).setdefault(collection, {})[key] = Write(key, is_delete=True)

    def results(self) -> SimulationResults:
        """Close the simulation and give what it came to."""
        for namespace, scan in self._scans:
            if not scan.recorded:
                scan.recorded = True
                self._namespace(namespace).range_queries.append(scan.query())
        private = read_write_set.encode_private(self._private)
        for (namespace, collection), data in private.items():
            self._collection(namespace, collection).private_digest = sha256(data).digest()
        return SimulationResults(read_write_set.encode(self._sets), private, self._sets, frozenset(self._private_reads))

    def _namespace(self, name: str) -> NamespaceSet:
        return self._sets.setdefault(name, NamespaceSet())

    def _collection(self, namespace: str, name: str) -> CollectionSet:
        return self._namespace(namespace).collections.setdefault(name, CollectionSet())

    def _scan(self, namespace: str, start: str, end: str, limit: int | None) -> Scan:
        rows = ((key, found.value, found.version) for key, found in self.state.range(namespace, start, end))
        scan = Scan(rows, start, end, limit)
        self._scans.append((namespace, scan))
        return scan

    def _begin_write(self, key: str) -> None:
        if not key:
            raise SimulationError("an empty key is not supported")
        if self._paginated:
            raise SimulationError("txid has already performed a paginated query. Writes are not allowed")
        self._written = True
