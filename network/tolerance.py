"""What ordering bears: how many orderers may fail, and which organisations it cannot do without."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from network.topology import Topology

RAFT, BFT = "raft", "bft"
PROFILES = {RAFT: "Raft", BFT: "BFT"}  # in configtx.yaml


@dataclass(frozen=True)
class Tolerance:
    """What the ordering of a channel bears.

    Attributes:
        consensus: `raft` or `bft`.
        orderers: how many there are.
        faults: how many may fail at a time. Raft's may end or be cut off; BFT's may also lie.
        indispensable: the organisations without whose orderers nothing is ordered.
    """

    consensus: str
    orderers: int
    faults: int
    indispensable: tuple[str, ...]


def tolerance(topology: Topology) -> Tolerance:
    """What the ordering of a channel bears as configtx.yaml has it."""
    consensus = BFT if topology.profile["Orderer"].get("OrdererType") == "BFT" else RAFT
    return counted(consensus, [one.name for one in topology.organisations for _ in one.orderers])


def counted(consensus: str, owners: Sequence[str]) -> Tolerance:
    """What ordering bears: the loss of less than half of Raft's orderers, of less than a third of BFT's.

    Args:
        consensus: `raft` or `bft`.
        owners: whose each orderer is.
    """
    faults = (len(owners) - 1) // (3 if consensus == BFT else 2)
    held = Counter(owners)
    return Tolerance(consensus, len(owners), faults, tuple(name for name, count in held.items() if count > faults))
