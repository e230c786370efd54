"""Inclusion in a Merkle tree, RFC 9162 §2.1."""

from collections.abc import Sequence
from hashlib import sha256


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf: SHA-256 over 0x00 and the leaf (RFC 9162 §2.1.1)."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256 over 0x01 and both children (RFC 9162 §2.1.1)."""
    return sha256(b"\x01" + left + right).digest()


def certificate_leaf(certificate_id: str, commitment: str) -> bytes:
    """A certificate's leaf in a batch: the 16 bytes of its id, then the 32 of its commitment."""
    return bytes.fromhex(certificate_id) + bytes.fromhex(commitment)


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether the path shows that the leaf stands at this place of the tree (RFC 9162 §2.1.3.2).

    Args:
        leaf: the leaf's hash.
        index: its place, from 0.
        size: the number of leaves.
        path: the inclusion proof, from the leaf upwards.
        root: the tree's root hash.
    """
    try:
        return root_of(leaf, index, size, path) == root
    except ValueError:
        return False


def root_of(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root under which a path shows a leaf at this place of a tree; arguments are those of `verify_inclusion`.

    Raises:
        ValueError: it is no path for this place.
    """
    if not 0 <= index < size:
        raise ValueError("the tree has no such place")
    node, last, current = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise ValueError("the path is too long")
        if node & 1 or node == last:
            current = node_hash(sibling, current)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            current = node_hash(current, sibling)
        node >>= 1
        last >>= 1
    if last:
        raise ValueError("the path is too short")
    return current
