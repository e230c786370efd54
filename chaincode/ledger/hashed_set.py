"""What a simulation's public set will show of a private data collection: hashes of keys and values."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256

from chaincode.ledger.read_write_set import CollectionSet, HashedWrite
from chaincode.ledger.state import Version


@dataclass
class HashedSet:
    """Reads and writes of a collection by the keys' names: in their order the hashes are encoded.

    Source: `collHashRwBuilder` in Fabric's `core/ledger/kvledger/txmgmt/rwsetutil/rwset_builder.go`.
    """

    reads: dict[str, Version | None] = field(default_factory=dict)
    writes: dict[str, HashedWrite] = field(default_factory=dict)
    metadata_writes: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def encoded(self, private_digest: bytes) -> CollectionSet:
        """The set by hashes.

        Args:
            private_digest: the hash of the private set; empty when nothing is written.
        """
        return CollectionSet(
            reads={key_hash(key): self.reads[key] for key in _ordered(self.reads)},
            writes={key_hash(key): self.writes[key] for key in _ordered(self.writes)},
            metadata_writes={key_hash(key): self.metadata_writes[key] for key in _ordered(self.metadata_writes)},
            private_digest=private_digest,
        )


def key_hash(key: str) -> bytes:
    """The hash that stands for a private key."""
    return sha256(key.encode()).digest()


def _ordered(keys: Iterable[str]) -> list[str]:
    return sorted(keys, key=str.encode)
