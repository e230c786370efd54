"""A channel's configuration: reading it, and submitting updates of it (`peer channel fetch config` and `update`)."""

from node_client.admin._async.transport import AsyncOrderer
from node_client.admin.config_signing import submission
from node_client.gateway._async.gateway import AsyncGateway
from node_client.identity.hash import Hash
from node_client.identity.identity import Identity
from node_client.identity.signer import Signer
from node_client.protocol.channels import CSCC
from node_client.protocol.config import ChannelConfig
from node_client.protocol.config_update import ConfigUpdate


class AsyncChannelConfiguration:
    """The configuration of a channel, as one peer knows it.

    Args:
        gateway: connected to the peer, as somebody who may read.
        channel: the channel's name.
    """

    def __init__(self, gateway: AsyncGateway, channel: str) -> None:
        self._own = [gateway.identity.msp_id]
        self._contract = gateway.get_network(channel).get_contract(CSCC)
        self._channel = channel

    async def block(self) -> bytes:
        """The block that holds the configuration in force. Raises EvaluateError."""
        return await self._contract.evaluate("GetConfigBlock", self._channel, organizations=self._own)

    async def read(self) -> ChannelConfig:
        """The configuration in force. Raises EvaluateError."""
        return ChannelConfig.from_bytes(await self.block())


async def submit_update(
    orderer: AsyncOrderer, update: ConfigUpdate, identity: Identity, signer: Signer, *, hash_: Hash = Hash.SHA256
) -> None:
    """Submit an update that has the signatures that it needs.

    It is in force when a peer has the block; then the configuration's sequence is one higher.

    Args:
        identity, signer: who submits; anybody who may write to the channel.

    Raises:
        AdminError: the orderer refused, or could not be reached.
    """
    await orderer.broadcast(submission(update, identity, signer, hash_=hash_))
