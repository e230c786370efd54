"""States to simulate on."""

from hashlib import sha256

from chaincode.ledger.hashed_set import key_hash
from chaincode.ledger.memory_state import MemoryState
from chaincode.ledger.mvcc import Updates
from chaincode.ledger.read_write_set import encode_metadata
from chaincode.ledger.state import Version, VersionedValue


def state_of(
    public: dict[str, bytes] | None = None,
    *,
    private: dict[str, bytes] | None = None,
    policies: dict[str, bytes] | None = None,
    namespace: str = "cc",
    collection: str = "coll",
) -> MemoryState:
    """A state of one block, whose transactions wrote these keys in order.

    Args:
        policies: VALIDATION_PARAMETER of keys, public or private.
    """
    state, updates = MemoryState(), Updates()

    def metadata(key: str) -> bytes:
        return encode_metadata({"VALIDATION_PARAMETER": (policies or {})[key]}) if key in (policies or {}) else b""

    for number, (key, value) in enumerate((public or {}).items()):
        updates.public[namespace, key] = VersionedValue(value, Version(1, number), metadata(key))
    for number, (key, value) in enumerate((private or {}).items()):
        version = Version(1, number)
        digest = sha256(value).digest()
        updates.hashed[namespace, collection, key_hash(key)] = VersionedValue(digest, version, metadata(key))
        state.put_private(namespace, collection, key, VersionedValue(value, version))
    state.apply(updates)
    return state
