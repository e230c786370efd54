"""Simulating a transaction: reads from committed state, writes into a set, nothing changed.

As in Fabric a transaction does not read its own writes, the last write of a key counts, and a range that was read is
checked again at commit. Source: `core/ledger/kvledger/txmgmt/txmgr/tx_simulator.go` and `query_executor.go`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from chaincode.ledger import read_write_set
from chaincode.ledger.collections import Collections, EveryCollection, Permissions
from chaincode.ledger.hashed_set import HashedSet, key_hash
from chaincode.ledger.read_write_set import HashedWrite, NamespaceSet, Write
from chaincode.ledger.scan import Scan
from chaincode.ledger.state import KeyModification, StateReader, Version, VersionedValue

PUBLIC = ""  # stands for a collection where a key is public


class SimulationError(Exception):
    """The chaincode asked for something that a ledger refuses. The text is Fabric's."""


@dataclass(frozen=True)
class SimulationResults:
    """What a simulation comes to.

    Attributes:
        public: the serialised TxReadWriteSet.
        private: the private writes, serialised, by namespace and collection; each hash stands in `public`.
        sets: the public sets by namespace, decoded.
        private_reads: namespaces and collections of which private values were read.
        written_metadata: the committed metadata of every key that was written, by namespace and collection
            (`PUBLIC` for public keys).
    """

    public: bytes
    private: Mapping[tuple[str, str], bytes]
    sets: Mapping[str, NamespaceSet]
    private_reads: frozenset[tuple[str, str]]
    written_metadata: Mapping[tuple[str, str], Sequence[Mapping[str, bytes]]]


@dataclass
class Simulator:
    """One transaction's view of the ledger.

    Args:
        state: committed state, unchanged while the simulation runs.
        tx_id: the transaction's id.
        collections: the private data collections of the channel's chaincodes.
    """

    state: StateReader
    tx_id: str = ""
    collections: Collections = field(default_factory=EveryCollection)
    _sets: dict[str, NamespaceSet] = field(default_factory=dict)
    _hashed: dict[tuple[str, str], HashedSet] = field(default_factory=dict)
    _private: dict[tuple[str, str], NamespaceSet] = field(default_factory=dict)
    _private_reads: set[tuple[str, str]] = field(default_factory=set)
    _written_metadata: dict[tuple[str, str], dict[str, dict[str, bytes]]] = field(default_factory=dict)
    _scans: list[Scan] = field(default_factory=list)
    _paginated: bool = False
    _queried_private: bool = False
    _written: bool = False
    _closed: bool = False

    def close(self) -> None:
        """Let go of the state: whoever still asks is refused."""
        self._closed = True

    # Public state

    def get(self, namespace: str, key: str) -> bytes | None:
        """The committed value; the read is recorded, that of an absent key too."""
        found = self._read(namespace, key)
        return found.value if found else None

    def put(self, namespace: str, key: str, value: bytes) -> None:
        """Write a key; an empty value deletes it."""
        self._begin_write()
        self._namespace(namespace).writes[key] = Write(key, value, not value)
        self._note_metadata(namespace, PUBLIC, key, self.state.get(namespace, key))

    def delete(self, namespace: str, key: str) -> None:
        """Delete a key."""
        self.put(namespace, key, b"")

    def range(self, namespace: str, start: str, end: str) -> Scan:
        """Read a range; what the caller takes is recorded."""
        self._check_open()
        rows = ((key, found.value, found.version) for key, found in self.state.range(namespace, start, end))
        scan = Scan(namespace, rows, start, end)
        self._scans.append(scan)
        return scan

    def page(self, namespace: str, start: str, end: str) -> Scan:
        """Read a range page by page; only a transaction that writes nothing may. Raises SimulationError."""
        self.begin_page()
        return self.range(namespace, start, end)

    def begin_page(self) -> None:
        """From here on the transaction may not write. Raises SimulationError when it has written."""
        if self._written:
            raise self._unsupported("Paginated queries are supported only in a read-only transaction")
        self._paginated = True

    def history(self, namespace: str, key: str) -> Iterator[KeyModification]:
        """The key's committed writes, newest first. Not recorded: history is not checked at commit."""
        self._check_open()
        return self.state.history(namespace, key)

    def metadata(self, namespace: str, key: str) -> dict[str, bytes]:
        """The key's committed metadata; the key counts as read."""
        found = self._read(namespace, key)
        return read_write_set.decode_metadata(found.metadata) if found else {}

    def put_metadata(self, namespace: str, key: str, entries: Mapping[str, bytes]) -> None:
        """Write the key's metadata."""
        self._begin_write()
        self._namespace(namespace).metadata_writes[key] = dict(entries)
        self._note_metadata(namespace, PUBLIC, key, self.state.get(namespace, key))

    # Private data

    def permissions(self, namespace: str, collection: str) -> Permissions:
        """What the transaction's creator may do with a collection. Raises SimulationError when there is none."""
        self._check_open()
        return self.collections.permissions(self, namespace, collection)

    def get_private(self, namespace: str, collection: str, key: str) -> bytes | None:
        """The private value that this organisation holds; the read of its hash is recorded.

        Raises:
            SimulationError: there is no such collection, or the organisation does not hold the newest value.
        """
        self._require(namespace, collection)
        found = self.state.get_private(namespace, collection, key)
        known = self.state.get_private_hash(namespace, collection, key_hash(key))
        held, public = found.version if found else None, known.version if known else None
        if held != public:
            raise SimulationError(
                "private data matching public hash version is not available. "
                f"Public hash version = {_height(public)}, Private data version = {_height(held)}"
            )
        self._note_private_read(namespace, collection, key, held)
        return found.value if found else None

    def get_private_multiple(self, namespace: str, collection: str, keys: Sequence[str]) -> list[bytes | None]:
        """The private values that this organisation holds, whether or not they are the newest."""
        self._require(namespace, collection)
        values = []
        for key in keys:
            found = self.state.get_private(namespace, collection, key)
            self._note_private_read(namespace, collection, key, found.version if found else None)
            values.append(found.value if found else None)
        return values

    def get_private_hash(self, namespace: str, collection: str, key: str) -> bytes | None:
        """The hash of a private value, which every organisation holds."""
        found = self._read_hash(namespace, collection, key)
        return found.value if found else None

    def private_metadata(self, namespace: str, collection: str, key: str) -> dict[str, bytes]:
        """A private key's committed metadata, which every organisation holds; its hash counts as read."""
        found = self._read_hash(namespace, collection, key)
        return read_write_set.decode_metadata(found.metadata) if found else {}

    def private_range(self, namespace: str, collection: str, start: str, end: str) -> Iterator[tuple[str, bytes]]:
        """The private keys of a range that this organisation holds; only a transaction that writes nothing may ask.

        Raises:
            SimulationError: there is no such collection, or the transaction has written.
        """
        self.begin_private_query(namespace, collection)
        rows = self.state.private_range(namespace, collection, start, end)
        return ((key, found.value) for key, found in rows)

    def begin_private_query(self, namespace: str, collection: str) -> None:
        """From here on the transaction may not write.

        Raises:
            SimulationError: there is no such collection, or the transaction has written.
        """
        if self._written:
            raise self._unsupported("Queries on pvt data is supported only in a read-only transaction")
        self._queried_private = True
        self._require(namespace, collection)

    def put_private(self, namespace: str, collection: str, key: str, value: bytes, *, purge: bool = False) -> None:
        """Write a private key: its hashes into the public set, its value into the private one.

        Args:
            value: an empty one deletes the key.
            purge: with an empty value, remove the key's past values at the organisations too.
        """
        self._require(namespace, collection)
        self._begin_write()
        value_hash = sha256(value).digest() if value else b""
        self._collection(namespace, collection).writes[key] = HashedWrite(key_hash(key), value_hash, not value, purge)
        self._private_set(namespace, collection).writes[key] = Write(key, value, not value)
        self._note_private_metadata(namespace, collection, key)

    def put_private_metadata(self, namespace: str, collection: str, key: str, entries: Mapping[str, bytes]) -> None:
        """Write a private key's metadata. The private set names the key only: its value's version changes too."""
        self._require(namespace, collection)
        self._begin_write()
        self._collection(namespace, collection).metadata_writes[key] = dict(entries)
        self._private_set(namespace, collection).metadata_writes[key] = {}
        self._note_private_metadata(namespace, collection, key)

    def results(self) -> SimulationResults:
        """Close the simulation and give what it came to."""
        for scan in self._scans:
            query, queries = scan.query(), self._namespace(scan.namespace).range_queries
            if not any(
                (one.start, one.end, one.exhausted) == (query.start, query.end, query.exhausted) for one in queries
            ):
                queries.append(query)
        private = read_write_set.encode_private(self._private)
        for (namespace, collection), hashed in self._hashed.items():
            digest = sha256(private[namespace, collection]).digest() if (namespace, collection) in private else b""
            self._namespace(namespace).collections[collection] = hashed.encoded(digest)
        self.close()
        return SimulationResults(
            public=read_write_set.encode(self._sets),
            private=private,
            sets=self._sets,
            private_reads=frozenset(self._private_reads),
            written_metadata={place: list(keys.values()) for place, keys in self._written_metadata.items()},
        )

    def _check_open(self) -> None:
        if self._closed:
            raise SimulationError("this instance should not be used after calling Done()")

    def _require(self, namespace: str, collection: str) -> None:
        self._check_open()
        self.collections.require(self, namespace, collection)

    def _begin_write(self) -> None:
        self._check_open()
        if self._queried_private:
            raise self._unsupported("Transaction has already performed queries on pvt data. Writes are not allowed")
        if self._paginated:
            raise self._unsupported("Transaction has already performed a paginated query. Writes are not allowed")
        self._written = True

    def _unsupported(self, text: str) -> SimulationError:
        return SimulationError(f"txid [{self.tx_id}]: unsuppored transaction. {text}")

    def _read(self, namespace: str, key: str) -> VersionedValue | None:
        self._check_open()
        found = self.state.get(namespace, key)
        self._namespace(namespace).reads[key] = found.version if found else None
        return found

    def _read_hash(self, namespace: str, collection: str, key: str) -> VersionedValue | None:
        self._require(namespace, collection)
        found = self.state.get_private_hash(namespace, collection, key_hash(key))
        self._collection(namespace, collection).reads[key] = found.version if found else None
        return found

    def _note_private_read(self, namespace: str, collection: str, key: str, version: Version | None) -> None:
        self._collection(namespace, collection).reads[key] = version
        self._private_reads.add((namespace, collection))

    def _note_private_metadata(self, namespace: str, collection: str, key: str) -> None:
        self._note_metadata(
            namespace, collection, key, self.state.get_private_hash(namespace, collection, key_hash(key))
        )

    def _note_metadata(self, namespace: str, collection: str, key: str, found: VersionedValue | None) -> None:
        entries = read_write_set.decode_metadata(found.metadata) if found else {}
        self._written_metadata.setdefault((namespace, collection), {})[key] = entries

    def _namespace(self, name: str) -> NamespaceSet:
        return self._sets.setdefault(name, NamespaceSet())

    def _collection(self, namespace: str, name: str) -> HashedSet:
        self._namespace(namespace)
        return self._hashed.setdefault((namespace, name), HashedSet())

    def _private_set(self, namespace: str, collection: str) -> NamespaceSet:
        return self._private.setdefault((namespace, collection), NamespaceSet())


def _height(version: Version | None) -> str:
    return f"{{BlockNum: {version.block}, TxNum: {version.transaction}}}" if version else "<nil>"
