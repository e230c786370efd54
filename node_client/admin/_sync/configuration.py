# Generated from _async/configuration.py by scripts/generate_sync.py: change that file instead.
"""A channel's configuration: reading it, and submitting updates of it (`peer channel fetch config` and `update`)."""

from node_client.admin._sync.transport import Orderer
from node_client.admin.config_signing import submission
from node_client.admin.orderer_messages import TIMEOUT, seek_payload
from node_client.gateway._sync.gateway import Gateway
from node_client.identity.hash import Hash
from node_client.identity.identity import Identity
from node_client.identity.signer import Signer
from node_client.protocol.block import Block, last_config, parse_block
from node_client.protocol.channels import CSCC
from node_client.protocol.config import ChannelConfig
from node_client.protocol.config_update import ConfigUpdate
from node_client.protocol.proposal import new_nonce
from node_client.protocol.transaction import envelope


class ChannelConfiguration:
    """The configuration of a channel, as one peer knows it.

    Args:
        gateway: connected to the peer, as somebody who may read.
        channel: the channel's name.
    """

    def __init__(self, gateway: Gateway, channel: str) -> None:
        self._gateway = gateway
        self._channel = channel

    def block(self) -> bytes:
        """The block that holds the configuration in force. Raises ProposalError."""
        arguments = [b"GetConfigBlock", self._channel.encode()]
        return self._gateway.process_proposal(CSCC, arguments, self._channel)

    def read(self) -> ChannelConfig:
        """The configuration in force. Raises ProposalError."""
        return ChannelConfig.from_bytes(self.block())


def fetch_block(
    orderer: Orderer,
    channel: str,
    identity: Identity,
    signer: Signer,
    number: int | None = None,
    *,
    timeout: float | None = TIMEOUT,
    hash_: Hash = Hash.SHA256,
) -> Block:
    """A block as an orderer has it; the newest one without a number.

    Args:
        identity, signer: somebody who may read the channel.
        timeout: seconds that the orderer may take.

    Raises:
        AdminError: the orderer refused, or could not be reached.
    """
    payload = seek_payload(channel, identity.serialized, new_nonce(), number)
    return parse_block(orderer.block(envelope(payload, signer.sign(hash_.digest(payload))), timeout=timeout))


def fetch_configuration(
    orderer: Orderer, channel: str, identity: Identity, signer: Signer, *, hash_: Hash = Hash.SHA256
) -> ChannelConfig:
    """The configuration in force as an orderer knows it, who is the first to know.

    Args:
        identity, signer: somebody who may read the channel.

    Raises:
        AdminError: the orderer refused, or could not be reached.
    """

    newest = fetch_block(orderer, channel, identity, signer, hash_=hash_)
    return ChannelConfig(fetch_block(orderer, channel, identity, signer, last_config(newest), hash_=hash_))


def submit_update(
    orderer: Orderer, update: ConfigUpdate, identity: Identity, signer: Signer, *, hash_: Hash = Hash.SHA256
) -> None:
    """Submit an update that has the signatures that it needs.

    It is in force when a peer has the block; then the configuration's sequence is one higher.

    Args:
        identity, signer: who submits; anybody who may write to the channel.

    Raises:
        AdminError: the orderer refused, or could not be reached.
    """
    orderer.broadcast(submission(update, identity, signer, hash_=hash_))
