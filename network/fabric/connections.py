"""Connections to the nodes, as their own organisation's admin or operator."""

from network.fabric.nodes import OPERATOR_KEYS, Node
from network.folder import Folder
from network.topology import Organisation
from node_client import ConnectionProfile, Gateway, GatewayOptions
from node_client.admin._sync.operations import Operations
from node_client.admin._sync.participation import ChannelParticipation
from node_client.admin.rest import RestEndpoint
from node_client.gateway.options import Deadlines

# For questions that are asked again, or can do without an answer.
QUICK = GatewayOptions(deadlines=Deadlines(evaluate=5, endorse=5))


def gateway(folder: Folder, organisation: Organisation, options: GatewayOptions | None = None) -> Gateway:
    """An organisation's gateway, as its admin. Raises ProfileError."""
    profile = ConnectionProfile.load(folder.organisation(organisation.name) / "connection.json")
    return Gateway.from_profile(profile, organisation.name, "admin", options=options)


def participation(folder: Folder, node: Node) -> ChannelParticipation:
    """An orderer's channel participation API."""
    return ChannelParticipation(_endpoint(folder, node, node.admin))


def operations(folder: Folder, node: Node) -> Operations:
    """An orderer's or a peer's operations endpoint."""
    return Operations(_endpoint(folder, node, node.operations))


def _endpoint(folder: Folder, node: Node, address: str) -> RestEndpoint:
    home = folder.organisation(node.organisation.name)
    return RestEndpoint(
        address=address,
        # On loopback, where a certificate of an authority outside hardly ever names it.
        server_name=node.address.rpartition(":")[0],
        tls_roots=home / "tlsca" / "tlsca.crt",
        client_certificate=home / OPERATOR_KEYS / "client.crt",
        client_key=home / OPERATOR_KEYS / "client.key",
    )
