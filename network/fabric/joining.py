"""Getting orderers and peers into the channel. Whoever is in it already is left as it is."""

from collections.abc import Sequence

from network.fabric.connections import gateway, operations, participation
from network.fabric.nodes import Node
from network.folder import Folder
from network.topology import CHANNEL
from network.waiting import NotYet, Waiter, answered
from node_client.admin._sync.peer_channels import PeerChannels


def join_orderer(folder: Folder, node: Node, block: bytes, waiter: Waiter) -> None:
    """Wait until an orderer answers, and have it join. Raises StartError, AdminError: it refused."""
    orderer = participation(folder, node)
    if CHANNEL not in waiter.until(f"{node.name} answers", answered(orderer.channels)):
        orderer.join(block)


def wait_for_orderer(folder: Folder, node: Node, waiter: Waiter) -> None:
    """Wait until an orderer takes part in the channel. Raises StartError."""

    def ask() -> None:
        channel = participation(folder, node).channel(CHANNEL)
        if channel is None or channel.status != "active":
            raise NotYet

    waiter.until(f"{node.name} takes part in the channel", answered(ask))


def wait_for_leader(folder: Folder, orderers: Sequence[Node], waiter: Waiter) -> None:
    """Wait until one of the orderers leads the others. Raises StartError."""

    def ask() -> None:
        if not any(operations(folder, node).leads(CHANNEL) for node in orderers):
            raise NotYet

    waiter.until("the orderers have a leader", answered(ask))


def join_peer(folder: Folder, node: Node, block: bytes, waiter: Waiter) -> None:
    """Wait until a peer answers, and have it join. Raises StartError, ProposalError: it refused."""
    with gateway(folder, node.organisation) as connection:
        peer = PeerChannels(connection)
        if CHANNEL not in waiter.until(f"{node.name} answers", answered(peer.channels)):
            peer.join(block)
