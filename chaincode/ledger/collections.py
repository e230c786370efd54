"""The private data collections of chaincodes, as a simulation asks for them.

Who defines collections is not the ledger's business: a network reads them from the chaincodes' definitions, and what it
reads for that becomes part of the transaction's read set.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from chaincode.ledger.simulator import Simulator


@dataclass(frozen=True)
class Permissions:
    """What the transaction's creator may do with a collection's values."""

    read: bool
    write: bool


class Collections(Protocol):
    """The collections of a channel's chaincodes, for one creator. Both methods read through the simulation."""

    def require(self, simulator: "Simulator", namespace: str, collection: str) -> None:
        """Check that the chaincode has this collection. Raises SimulationError."""
        ...

    def permissions(self, simulator: "Simulator", namespace: str, collection: str) -> Permissions:
        """What the creator may do. Raises SimulationError when there is no such collection."""
        ...


class EveryCollection:
    """Every collection that a chaincode names is there, and everyone may read and write it."""

    def require(self, simulator: "Simulator", namespace: str, collection: str) -> None:
        pass

    def permissions(self, simulator: "Simulator", namespace: str, collection: str) -> Permissions:
        return Permissions(read=True, write=True)
