# Generated from _async/peer_channels.py by scripts/generate_sync.py: change that file instead.
"""Which channels a peer is in (`peer channel` of Fabric)."""

from node_client.gateway._sync.gateway import Gateway
from node_client.protocol.channels import CSCC, joined_channels


class PeerChannels:
    """A peer's channels.

    Args:
        gateway: connected to the peer, as an admin of its organisation.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def channels(self) -> tuple[str, ...]:
        """The channels that the peer is in. Raises ProposalError."""
        return joined_channels(self._gateway.process_proposal(CSCC, [b"GetChannels"]))

    def join(self, block: bytes) -> None:
        """Join a channel by its first block.

        Raises:
            ProposalError: the peer refused, as it does when it is in the channel already.
        """
        self._gateway.process_proposal(CSCC, [b"JoinChain", block])
