"""Getting orderers and peers into the channel. Whoever is in it already is left as it is."""

from collections.abc import Callable, Sequence

from network.errors import FolderError
from network.fabric import elsewhere
from network.fabric.connections import QUICK, gateway, operations, participation
from network.fabric.nodes import Node
from network.folder import Folder
from network.status import peer_height
from network.topology import CHANNEL, Organisation
from network.waiting import NotYet, Waiter, answered, each
from node_client import ConnectionProfile, FabricError, Gateway
from node_client.admin._sync.ledger import Ledger
from node_client.admin._sync.peer_channels import PeerChannels
from node_client.protocol.block import parse_block
from node_client.protocol.errors import ProtocolError


def check_first_block(folder: Folder, own: Organisation, others: Sequence[Organisation], block: bytes) -> None:
    """Check that no other organisation's peer has another first block of the channel.

    Peers that do not answer, or are not in the channel yet, have no say. Orderers of which one began with another block
    would only fail to agree.

    Raises:
        FolderError: one has another.
    """
    wanted = parse_block(block).hash
    profile = ConnectionProfile.load(folder.organisation(own.name) / "connection.json")
    identity, signer = profile.identity(own.name, "admin"), profile.signer(own.name, "admin")

    def ask(other: Organisation) -> None:
        with Gateway(profile.endpoint(other.name), identity, signer, options=QUICK) as connection:
            try:
                found = Ledger(connection, CHANNEL).block(0)
            except (FabricError, ProtocolError):
                return
        if found and found.hash != wanted:
            raise FolderError(
                f"{other.name} has begun the channel with another first block than this site's",
                "compare every bundle's SHA-256 with the other sites', and make the block anew",
            )

    each(others, ask)


def join_orderer(folder: Folder, node: Node, block: Callable[[], bytes], waiter: Waiter) -> None:
    """Wait until an orderer answers, and have it join, where it must, by the block that is given then.

    Raises:
        StartError: it does not answer.
        AdminError: it refused.
    """
    orderer = participation(folder, node)
    if CHANNEL not in waiter.until(f"{node.name} answers", answered(orderer.channels)):
        orderer.join(block())


def wait_for_orderer(folder: Folder, node: Node, waiter: Waiter) -> None:
    """Wait until an orderer takes part in the channel. Raises StartError."""

    def ask() -> None:
        channel = participation(folder, node).channel(CHANNEL)
        if channel is None or channel.status != "active":
            raise NotYet

    waiter.until(f"{node.name} takes part in the channel", answered(ask))


def wait_for_leader(folder: Folder, orderers: Sequence[Node], waiter: Waiter) -> None:
    """Wait until each of these orderers knows which one leads. Raises StartError."""

    def ask() -> None:
        if not all(operations(folder, node).knows_leader(CHANNEL) for node in orderers):
            raise NotYet

    waiter.until("the orderers have a leader", answered(ask))


def wait_for_nodes(folder: Folder, nodes: Sequence[Node], waiter: Waiter) -> None:
    """Wait until nodes say that they are well, those that can. Raises StartError."""

    def ask(node: Node) -> None:
        waiter.until(f"{node.name} is well", answered(operations(folder, node).check_health))

    each([node for node in nodes if node.operations], ask)


def wait_for_blocks(folder: Folder, orderers: Sequence[Node], organisation: Organisation, waiter: Waiter) -> None:
    """Wait until an organisation's peer has the blocks that orderers have: its own, and others' that answer soon.

    A peer that is behind endorses what others have written over, and its own orderers may be behind as well: by BFT an
    orderer takes part before it has fetched the blocks that it has lost.

    Raises:
        StartError: no more blocks come.
    """
    others = elsewhere.height(folder, organisation)

    def highest() -> int:
        channels = [participation(folder, node).channel(CHANNEL) for node in orderers]
        return max([others, *(channel.height for channel in channels if channel)])

    wait_for_height(folder, organisation, highest, waiter)


def wait_for_height(folder: Folder, organisation: Organisation, wanted: Callable[[], int], waiter: Waiter) -> None:
    """Wait until an organisation's peer has as many blocks as are wanted at that moment.

    A peer that has lost its ledger has a long way to go: it may take its time for as long as blocks come.

    Raises:
        StartError: no more blocks come.
    """
    highest = 0

    def ask() -> None:
        nonlocal highest
        enough = wanted()
        height = peer_height(folder, organisation)
        if height is not None and height > highest:
            highest = height
            waiter.progressed()
        if height is None or height < enough:
            raise NotYet(f"the peer has {height or 0} of {enough} blocks")

    waiter.until(f"{organisation.peer_name} has all blocks", answered(ask))


def has_joined(folder: Folder, organisation: Organisation, waiter: Waiter) -> bool:
    """Whether an organisation's peer is in the channel. Raises StartError: it does not answer."""
    with gateway(folder, organisation) as connection:
        channels = waiter.until("the peer answers", answered(PeerChannels(connection).channels))
        return CHANNEL in channels


def join_peer(folder: Folder, node: Node, block: bytes, waiter: Waiter) -> None:
    """Wait until a peer answers, and have it join. Raises StartError, ProposalError: it refused."""
    with gateway(folder, node.organisation) as connection:
        peer = PeerChannels(connection)
        if CHANNEL not in waiter.until(f"{node.name} answers", answered(peer.channels)):
            peer.join(block)
