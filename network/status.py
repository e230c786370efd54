"""What a network does now."""

from dataclasses import dataclass

from network.folder import Engine, Folder
from network.topology import CHANNEL, Organisation


@dataclass(frozen=True)
class OrganisationStatus:
    """One organisation's part of the network.

    Attributes:
        peer: the peer's address.
        mutual_tls_peer: where it demands a client's TLS certificate, or takes one.
        height: None when the peer does not answer.
    """

    name: str
    msp_id: str
    peer: str
    mutual_tls_peer: str
    orderer: str
    height: int | None


@dataclass(frozen=True, kw_only=True)
class NodeStatus:
    """One process of a network that has several.

    Attributes:
        kind: peer, orderer or chaincode.
        organisation: the organisation's name.
        pid: None when it does not run.
        leader: whether an orderer leads the others; None for other nodes, and when it does not say.
        height: how many blocks it has; None for what has none, and when it does not answer.
    """

    name: str
    kind: str
    organisation: str
    address: str
    pid: int | None
    leader: bool | None = None
    height: int | None = None


@dataclass(frozen=True)
class NetworkStatus:
    """What the network does now.

    Attributes:
        pid: of the process that runs the network, or that keeps its nodes running.
        nodes: its processes, where they are several.
    """

    engine: Engine
    running: bool
    pid: int | None
    organisations: tuple[OrganisationStatus, ...]
    nodes: tuple[NodeStatus, ...] = ()


def peer_height(folder: Folder, organisation: Organisation) -> int | None:
    """How many blocks an organisation's peer has; None when it does not answer."""
    # Imported here: starting and stopping a network needs no client.
    from node_client import ConnectionProfile, FabricError, Gateway

    profile = ConnectionProfile.load(folder.organisation(organisation.name) / "connection.json")
    try:
        with Gateway.from_profile(profile, organisation.name, "admin") as gateway:
            return gateway.get_network(CHANNEL).height()
    except FabricError:
        return None
