"""Asking single nodes how they are."""

from network.fabric.connections import QUICK, gateway, operations, participation
from network.fabric.nodes import Kind, Node
from network.folder import Folder
from network.status import peer_height
from network.topology import CHANNEL
from node_client.admin._sync.configuration import ChannelConfiguration
from node_client.admin._sync.lifecycle import Lifecycle
from node_client.errors import AdminError, FabricError
from node_client.protocol.config import ChannelConfig


def height(folder: Folder, node: Node) -> int | None:
    """How many blocks a node has; None when it has none or does not answer."""
    if node.kind is Kind.PEER:
        return peer_height(folder, node.organisation)
    if node.kind is Kind.ORDERER:
        try:
            channel = participation(folder, node).channel(CHANNEL)
        except AdminError:
            return None
        return channel.height if channel else None
    return None


def chaincode(folder: Folder, node: Node) -> tuple[str, ...] | None:
    """What a peer runs on the channel, as `name version`; None for other nodes, and when it does not answer."""
    if node.kind is not Kind.PEER:
        return None
    try:
        with gateway(folder, node.organisation, QUICK) as connection:
            installed = Lifecycle(connection, CHANNEL).installed()
    except FabricError:
        return None
    uses = {f"{name} {version}" for one in installed for channel, name, version in one.uses if channel == CHANNEL}
    return tuple(sorted(uses))


def configuration(folder: Folder, node: Node) -> ChannelConfig | None:
    """The channel's configuration as a peer has it; None for other nodes, and when it does not answer."""
    if node.kind is not Kind.PEER:
        return None
    try:
        with gateway(folder, node.organisation, QUICK) as connection:
            return ChannelConfiguration(connection, CHANNEL).read()
    except FabricError:
        return None


def is_well(folder: Folder, node: Node) -> bool | None:
    """Whether a node answers and says that it is well; None for what has no operations endpoint to be asked at."""
    if not node.operations:
        return None
    try:
        operations(folder, node).check_health()
    except AdminError:
        return False
    return True


def follows(folder: Folder, node: Node) -> bool:
    """Whether an orderer has the channel's blocks and does not order, as one that is no consenter yet."""
    try:
        channel = participation(folder, node).channel(CHANNEL)
    except AdminError:
        return False
    return channel is not None and channel.relation == "follower"


def leads(folder: Folder, node: Node) -> bool | None:
    """Whether an orderer leads the others; None for other nodes, and when it does not say."""
    if node.kind is not Kind.ORDERER:
        return None
    try:
        return operations(folder, node).leads(CHANNEL)
    except AdminError:
        return None


def knows_leader(folder: Folder, node: Node) -> bool:
    """Whether an orderer has heard which one leads; not when it does not answer."""
    try:
        return operations(folder, node).knows_leader(CHANNEL)
    except AdminError:
        return False
