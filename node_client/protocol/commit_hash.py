"""The commit hash: what a block and all before it changed, by which peers can compare their states.

Source: Fabric's `core/ledger/kvledger/kv_ledger.go` (`addBlockCommitHash`) and `txmgmt/txmgr/update_batch_bytes.go`.
The message that is hashed is not among Fabric's published ones, so its few fields are encoded here.
"""

from collections.abc import Iterator
from hashlib import sha256

from fabric_protos.common import common_pb2

from chaincode.ledger.mvcc import Updates
from chaincode.ledger.state import Version


def commit_hash(codes: bytes, updates: Updates, previous: bytes) -> tuple[bytes, bytes]:
    """The hash after a block, and the block's COMMIT_HASH metadata.

    Args:
        codes: the block's validation codes.
        updates: what the block changes.
        previous: the hash after the block before; empty for block 1.
    """
    digest = sha256(_varint(len(codes)) + codes + _updates(updates) + previous).digest()
    return digest, common_pb2.Metadata(value=digest).SerializeToString()


def _updates(updates: Updates) -> bytes:
    """`txmgr.Updates`: the writes in order; a name that repeats is left out."""
    return b"".join(_field(1, write) for write in _writes(updates))


def _writes(updates: Updates) -> Iterator[bytes]:
    rows: dict[tuple[str, str, bytes], tuple[bytes | None, Version]] = {}
    for (namespace, key), value in updates.public.items():
        version = value.version if value else updates.deleted_public[namespace, key]
        rows[namespace, "", key.encode()] = (value.value if value else None, version)
    for place, hashed in updates.hashed.items():
        rows[place] = (hashed.value if hashed else None, hashed.version if hashed else updates.deleted_hashed[place])
    last_namespace, last_collection = "", ""
    for (namespace, collection, name), (new, version) in sorted(rows.items(), key=lambda row: row[0]):
        if namespace != last_namespace:
            last_collection = ""
        yield (
            _field(1, b"" if namespace == last_namespace else namespace.encode())
            + _field(2, b"" if collection == last_collection else collection.encode())
            + _field(3, name)
            + (b"\x20\x01" if new is None else b"")
            + _field(5, new or b"")
            + _field(6, _ordered_varint(version.block) + _ordered_varint(version.transaction))
        )
        last_namespace, last_collection = namespace, collection


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited protobuf field; an empty one is left out, except a message of a list."""
    return bytes([number << 3 | 2]) + _varint(len(content)) + content if content else b""


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _ordered_varint(value: int) -> bytes:
    """`EncodeOrderPreservingVarUint64`: the number of bytes, then the bytes, high ones first."""
    data = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return bytes([len(data)]) + data
