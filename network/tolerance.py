"""What ordering bears: how many orderers may fail, and which organisations it cannot do without."""

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
    """What the ordering of a channel bears: less than half of Raft's orderers, less than a third of BFT's."""
    consensus = BFT if topology.profile["Orderer"].get("OrdererType") == "BFT" else RAFT
    count = sum(len(one.orderers) for one in topology.organisations)
    faults = (count - 1) // (3 if consensus == BFT else 2)
    indispensable = tuple(one.name for one in topology.organisations if len(one.orderers) > faults)
    return Tolerance(consensus, count, faults, indispensable)
