"""Trees and proofs, against published vectors, another implementation, and the rule of RFC 9162 word for word."""

import random
from collections.abc import Sequence
from hashlib import sha256

import pytest
from pymerkle import InmemoryTree

from chaincode.registry.model.merkle import leaf_hash, node_hash, verify_inclusion
from node_client.anchoring.tree import PathReader, TreeBuilder, above_leaves, root_of, split

# Certificate Transparency's own test data (`merkletree` of its repository): leaves, and the roots of the first 1 … 8.
CT_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
SIZES = range(1, 1026)
EDGES = (65_535, 65_536, 65_537, 65_792, 65_793, 131_073)


class Tree:
    """A tree in memory, built as the register builds one."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._tiles = {(0, place >> 8): leaves[place : place + 256] for place in range(0, len(leaves), 256)}
        self.size = len(leaves)
        builder = TreeBuilder(lambda level, tile, hashes: self._tiles.update({(level, tile): split(hashes)}))
        for place in range(0, len(leaves), 256):
            builder.add(root_of(leaves[place : place + 256]))
        self.root = builder.finish()
        self._paths = PathReader(lambda level, tile: self._tiles[level, tile], self.size)

    def path(self, index: int) -> list[bytes]:
        return self._paths.path(index)


def mth(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 9162 §2.1.1, over hashed leaves."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(mth(leaves[:k]), mth(leaves[k:]))


def rfc_path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 9162 §2.1.3.1, over hashed leaves."""
    if len(leaves) == 1:
        return []
    k = 1 << (len(leaves) - 1).bit_length() - 1
    if index < k:
        return [*rfc_path(index, leaves[:k]), mth(leaves[k:])]
    return [*rfc_path(index - k, leaves[k:]), mth(leaves[:k])]


def some(size: int) -> set[int]:
    """Places worth a look: the ends, the tiles' edges, and some at random."""
    picked = {0, size - 1, size // 2, *(random.Random(size).randrange(size) for _ in range(3))}
    return {place for place in {*picked, 255, 256, 511, 512, 65_535, 65_536} if place < size}


def test_published_roots() -> None:
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in CT_LEAVES]
    for size, root in enumerate(CT_ROOTS, 1):
        tree = Tree(leaves[:size])
        assert tree.root.hex() == root
        for index in range(size):
            assert verify_inclusion(leaves[index], index, size, tree.path(index), tree.root)


@pytest.fixture(scope="module")
def peer() -> InmemoryTree:
    peer = InmemoryTree(algorithm="sha256")
    peer.append_entries([b"%d" % number for number in SIZES])
    return peer


@pytest.fixture(scope="module")
def leaves() -> list[bytes]:
    return [leaf_hash(b"%d" % number) for number in SIZES]


def test_another_implementation_has_the_same_roots_and_proofs(peer: InmemoryTree, leaves: list[bytes]) -> None:
    for size in SIZES:
        tree = Tree(leaves[:size])
        assert tree.root == peer.get_root(size)
        for index in some(size):
            assert tree.path(index) == peer.prove_inclusion(index + 1, size).path[1:]


@pytest.mark.slow
def test_another_implementation_has_every_proof(peer: InmemoryTree, leaves: list[bytes]) -> None:
    for size in SIZES:
        tree = Tree(leaves[:size])
        for index in range(size):
            path = tree.path(index)
            assert path == peer.prove_inclusion(index + 1, size).path[1:]
            assert verify_inclusion(leaves[index], index, size, path, tree.root)


@pytest.mark.parametrize("size", EDGES)
def test_sizes_around_a_tile_of_tiles(size: int) -> None:
    leaves = [sha256(b"%d" % number).digest() for number in range(size)]
    tree = Tree(leaves)
    assert tree.root == mth(leaves)
    for index in some(size):
        path = tree.path(index)
        assert verify_inclusion(leaves[index], index, size, path, tree.root)
    assert tree.path(size - 1) == rfc_path(size - 1, leaves)


@pytest.mark.slow
def test_another_implementation_has_the_same_proofs_up_to_a_million() -> None:
    entries = [b"%d" % number for number in range(1_000_000)]
    peer = InmemoryTree(algorithm="sha256")
    peer.append_entries(entries)
    leaves = [leaf_hash(entry) for entry in entries]
    chance = random.Random(9162)
    for size in (1_000_000, *(chance.randrange(1, 1_000_000) for _ in range(5))):
        tree = Tree(leaves[:size])
        assert tree.root == peer.get_root(size)
        for index in some(size):
            assert tree.path(index) == peer.prove_inclusion(index + 1, size).path[1:]


def test_building_holds_a_tile_of_each_level() -> None:
    kept: list[int] = []
    builder = TreeBuilder(lambda *_: None)
    for number in range(70_000):
        builder.add(sha256(b"%d" % number).digest())
        if not number % 1000:
            kept.append(sum(map(len, builder._open)))
    assert max(kept) <= 3 * 256


def test_levels_above_the_leaves() -> None:
    assert [len(list(above_leaves(size))) for size in (1, 256, 257, 65_536, 65_537, 1 << 24, (1 << 24) + 1)] == [
        0,
        0,
        1,
        1,
        2,
        2,
        3,
    ]


def test_a_tree_without_leaves_is_none() -> None:
    with pytest.raises(ValueError, match="at least one leaf"):
        TreeBuilder(lambda *_: None).finish()
