"""A contract and its types in a module whose annotations are strings."""

from __future__ import annotations

from dataclasses import dataclass

from chaincode.contract import Context, Contract, evaluate


@dataclass(frozen=True)
class Place:
    """Part of an address."""

    town: str
    code: int | None


@dataclass(frozen=True)
class Address:
    """Holds another dataclass, and lists of them."""

    place: Place
    former: list[Place]
    notes: dict[str, str]


@dataclass
class Tree:
    """Holds others of its own kind."""

    label: str
    children: list[Tree]


class Forms(Contract):
    """Takes and gives dataclasses."""

    name = "forms"

    @evaluate
    async def echo(self, context: Context, address: Address) -> Address:
        return address

    @evaluate
    async def count(self, context: Context, tree: Tree) -> int:
        return 1 + sum([await self.count(context, child) for child in tree.children])
