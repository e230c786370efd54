"""The nodes of a network on this machine: their names, addresses and folders.

configtx.yaml names one address for an orderer and one for a peer, which everybody needs to know. What a node offers to
its own site only is at ports beside it, by rule; with an orderer at 7050 and a peer at 7051:

    7052  where chaincode that the peer launches dials the peer
    7053  the orderer's channel participation API
    7055  the registry that runs beside the peer
    7056  the peer's operations: health, metrics
    7057  the orderer's operations
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from network.folder import Folder
from network.registry import REGISTRY
from network.topology import Organisation, Topology

PORTS_PER_ORGANISATION = 8

# Folders in an organisation's, see `network.fabric.keys`.
OPERATOR_KEYS, REGISTRY_KEYS = "operator", "registry"


class Kind(StrEnum):
    """What a node is."""

    ORDERER = "orderer"
    PEER = "peer"
    CHAINCODE = "chaincode"


# From a node's own port.
_CHAINCODE_OFFSET, _REGISTRY_OFFSET, _PEER_OPERATIONS_OFFSET = 1, 4, 5
_ADMIN_OFFSET, _ORDERER_OPERATIONS_OFFSET = 3, 7


@dataclass(frozen=True, kw_only=True)
class Node:
    """A process of the network.

    Attributes:
        name: such as `peer0.city`.
        address: where it serves, `host:port`.
        operations: its operations endpoint; empty when it has none.
        admin: an orderer's channel participation API.
        chaincode: where chaincode dials a peer.
    """

    kind: Kind
    organisation: Organisation
    name: str
    address: str
    operations: str = ""
    admin: str = ""
    chaincode: str = ""

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address that it listens at."""
        return tuple(one for one in (self.address, self.operations, self.admin, self.chaincode) if one)

    def home(self, folder: Folder) -> Path:
        """Its own folder."""
        return folder.home / self.name

    def log(self, folder: Folder) -> Path:
        """Its log."""
        return folder.home / "logs" / f"{self.name}.log"


def nodes_of(topology: Topology) -> tuple[Node, ...]:
    """Every node, in the order in which they are started."""
    organisations = topology.organisations
    return (
        *(orderer(one) for one in organisations),
        *(peer(one) for one in organisations),
        *(registry(one) for one in organisations),
    )


def orderer(organisation: Organisation) -> Node:
    """An organisation's orderer."""
    return Node(
        kind=Kind.ORDERER,
        organisation=organisation,
        name=organisation.orderer_name,
        address=organisation.orderer,
        operations=f"localhost:{_port(organisation.orderer) + _ORDERER_OPERATIONS_OFFSET}",
        admin=_beside(organisation.orderer, _ADMIN_OFFSET),
    )


def peer(organisation: Organisation) -> Node:
    """An organisation's peer."""
    return Node(
        kind=Kind.PEER,
        organisation=organisation,
        name=organisation.peer_name,
        address=organisation.peer,
        operations=f"localhost:{_port(organisation.peer) + _PEER_OPERATIONS_OFFSET}",
        chaincode=_beside(organisation.peer, _CHAINCODE_OFFSET),
    )


def registry(organisation: Organisation) -> Node:
    """The registry that runs beside an organisation's peer."""
    return Node(
        kind=Kind.CHAINCODE,
        organisation=organisation,
        name=f"{REGISTRY}.{organisation.label}",
        address=_beside(organisation.peer, _REGISTRY_OFFSET),
    )


def listening(address: str) -> str:
    """Where to listen in order to serve at an address: this machine's name for itself is its loopback interface."""
    host, _, port = address.rpartition(":")
    return f"{'127.0.0.1' if host == 'localhost' else host}:{port}"


def _beside(address: str, offset: int) -> str:
    return f"{address.rpartition(':')[0]}:{_port(address) + offset}"


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])
