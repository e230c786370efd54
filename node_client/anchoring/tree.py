"""Merkle trees of RFC 9162 §2.1 in bounded memory, kept as tiles.

A tile has the hashes of up to 256 nodes that stand beside each other: of the leaves (level 0), of the roots of 256
leaves (level 1), of 65,536 (level 2) and so on. A tile's own root is a node of the next level's tile. Building a tree
holds one tile of each level, and an inclusion proof is computed from one tile of each level.

A level's last node that has no sibling stands unchanged in the level above, which gives the tree of RFC 9162 for every
size: full tiles are its perfect subtrees.
"""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256

HEIGHT = 8
WIDTH = 1 << HEIGHT
HASH = 32


def levels(hashes: Sequence[bytes]) -> list[Sequence[bytes]]:
    """A tree's nodes from these hashes up to its root, which is alone in the last level."""
    found = [hashes]
    while len(hashes) > 1:
        found.append(hashes := _above(hashes))
    return found


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root over these hashes; there is at least one."""
    while len(hashes) > 1:
        hashes = _above(hashes)
    return hashes[0]


def _above(hashes: Sequence[bytes]) -> list[bytes]:
    nodes = iter(hashes)
    above = [sha256(b"\x01" + left + right).digest() for left, right in zip(nodes, nodes, strict=False)]
    if len(hashes) & 1:
        above.append(hashes[-1])
    return above


def path_in(nodes: Sequence[Sequence[bytes]], index: int) -> list[bytes]:
    """The part of an inclusion proof that lies in one tile: the siblings on the way up to the tile's root.

    Args:
        nodes: the tile's `levels`.
        index: the place in the lowest of them.
    """
    path = []
    for level in nodes:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        index >>= 1
    return path


def split(tile: bytes) -> list[bytes]:
    """The hashes of a tile as it is kept."""
    return [tile[place : place + HASH] for place in range(0, len(tile), HASH)]


Put = Callable[[int, int, bytes], None]


class TreeBuilder:
    """Builds a tree above its leaves' tiles.

    Args:
        put: keeps a tile, given its level (from 1), its place in the level, and its hashes one after another.
    """

    def __init__(self, put: Put) -> None:
        self._put = put
        self._open: list[list[bytes]] = []
        self._closed: list[int] = []

    def add(self, root: bytes) -> None:
        """Add the root of the next tile of leaves: all have 256 leaves, but for the last one."""
        self._add(0, root)

    def finish(self) -> bytes:
        """The tree's root. Nothing is added afterwards.

        Raises:
            ValueError: the tree has no leaf.
        """
        if not self._open:
            raise ValueError("a tree has at least one leaf")
        level = 0
        while True:
            if not self._closed[level] and len(self._open[level]) == 1 and level == len(self._open) - 1:
                return self._open[level][0]
            if self._open[level]:
                self._close(level)
            level += 1

    def _add(self, level: int, root: bytes) -> None:
        if level == len(self._open):
            self._open.append([])
            self._closed.append(0)
        self._open[level].append(root)
        if len(self._open[level]) == WIDTH:
            self._close(level)

    def _close(self, level: int) -> None:
        hashes, self._open[level] = self._open[level], []
        self._put(level + 1, self._closed[level], b"".join(hashes))
        self._closed[level] += 1
        self._add(level + 1, root_of(hashes))


def above_leaves(size: int) -> Iterator[int]:
    """The levels of tiles, from 1 up, that a tree with so many leaves has."""
    level, width = 1, -(-size // WIDTH)
    while width > 1:
        yield level
        level, width = level + 1, -(-width // WIDTH)


Tile = Callable[[int, int], Sequence[bytes]]
"""Gives the hashes of a tile by its level and its place in the level."""


class PathReader:
    """Computes inclusion proofs, quickest in the order of the leaves: a tile's nodes are computed once for them all.

    Args:
        tile: gives tiles.
        size: the number of leaves.
    """

    def __init__(self, tile: Tile, size: int) -> None:
        self._tile = tile
        self._levels = (0, *above_leaves(size))
        self._nodes: dict[int, tuple[int, list[Sequence[bytes]]]] = {}

    def path(self, index: int) -> list[bytes]:
        """A leaf's inclusion proof, from the leaf upwards (RFC 9162 §2.1.3.1).

        Args:
            index: the leaf's place, from 0.
        """
        path = []
        for level in self._levels:
            place, index = index >> HEIGHT, index & (WIDTH - 1)
            found = self._nodes.get(level)
            if found is None or found[0] != place:
                found = self._nodes[level] = place, levels(self._tile(level, place))
            path += path_in(found[1], index)
            index = place
        return path
