"""Which channels a peer is in (`peer channel` of Fabric)."""

from node_client.gateway._async.gateway import AsyncGateway
from node_client.protocol.channels import CSCC, joined_channels


class AsyncPeerChannels:
    """A peer's channels.

    Args:
        gateway: connected to the peer, as an admin of its organisation.
    """

    def __init__(self, gateway: AsyncGateway) -> None:
        self._gateway = gateway

    async def channels(self) -> tuple[str, ...]:
        """The channels that the peer is in. Raises ProposalError."""
        return joined_channels(await self._gateway.process_proposal(CSCC, [b"GetChannels"]))

    async def join(self, block: bytes) -> None:
        """Join a channel by its first block.

        Raises:
            ProposalError: the peer refused, as it does when it is in the channel already.
        """
        await self._gateway.process_proposal(CSCC, [b"JoinChain", block])
