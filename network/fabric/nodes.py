"""The nodes of a site: their names, addresses and folders.

configtx.yaml names one address for an orderer and one for a peer, which everybody needs to know. What a node offers to
its own site only is on loopback, at ports beside it by rule; with an orderer at 7050 and a peer at 7051:

    7052  where chaincode that the peer launches dials the peer
    7053  the orderer's channel participation API
    7055  the registry that runs beside the peer
    7056  the peer's operations: health, metrics
    7057  the orderer's operations

An organisation's second orderer is at 7058 by default, with its own two ports beside it in the same way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from network.folder import Folder
from network.registry import REGISTRY
from network.topology import Organisation

PORTS_PER_ORDERER = 8

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
        keys: the folder of its keys, in the organisation's.
        admin: an orderer's channel participation API.
        chaincode: where chaincode dials a peer.
    """

    kind: Kind
    organisation: Organisation
    name: str
    address: str
    keys: str
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


def nodes_of(organisations: Sequence[Organisation]) -> tuple[Node, ...]:
    """Every node of these organisations, in the order in which they are started."""
    return (
        *(node for one in organisations for node in orderers(one)),
        *(peer(one) for one in organisations),
        *(registry(one) for one in organisations),
    )


def orderers(organisation: Organisation) -> tuple[Node, ...]:
    """An organisation's orderers."""
    return tuple(
        Node(
            kind=Kind.ORDERER,
            organisation=organisation,
            name=place.name,
            address=place.address,
            keys=place.folder,
            operations=f"localhost:{_port(place.address) + _ORDERER_OPERATIONS_OFFSET}",
            admin=f"localhost:{_port(place.address) + _ADMIN_OFFSET}",
        )
        for place in organisation.orderers
    )


def peer(organisation: Organisation) -> Node:
    """An organisation's peer."""
    return Node(
        kind=Kind.PEER,
        organisation=organisation,
        name=organisation.peer_name,
        address=organisation.peer,
        keys="peer",
        operations=f"localhost:{_port(organisation.peer) + _PEER_OPERATIONS_OFFSET}",
        chaincode=f"localhost:{_port(organisation.peer) + _CHAINCODE_OFFSET}",
    )


def registry(organisation: Organisation) -> Node:
    """The registry that runs beside an organisation's peer."""
    return Node(
        kind=Kind.CHAINCODE,
        organisation=organisation,
        name=f"{REGISTRY}.{organisation.label}",
        address=f"localhost:{_port(organisation.peer) + _REGISTRY_OFFSET}",
        keys=REGISTRY_KEYS,
    )


def listening(address: str, listen: str = "") -> str:
    """Where to listen in order to serve at an address: this machine's name for itself is its loopback interface.

    Args:
        listen: the machine's own address, where the host in an address that others know does not lead to it directly.
    """
    host, _, port = address.rpartition(":")
    return f"{'127.0.0.1' if host == 'localhost' else listen or host}:{port}"


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])
