"""What a newcomer's nodes must know before they join: the configuration in force, from another's orderer."""

from dataclasses import dataclass

from fabric_protos.common import common_pb2

from network.arriving import know
from network.errors import FolderError, NetworkError, NotRunning
from network.folder import Folder
from network.msp_folder import authorities_of, msp_definition
from network.topology import CHANNEL, Organisation
from node_client import ConnectionProfile
from node_client.admin._sync.configuration import fetch_block
from node_client.admin._sync.transport import Orderer
from node_client.errors import AdminError
from node_client.protocol.block import last_config, parse_block
from node_client.protocol.config import ChannelConfig


@dataclass(frozen=True)
class Arrival:
    """The channel as others have it.

    Attributes:
        block: the newest configuration block, by which an orderer joins; others fetch all blocks before it.
        height: how many blocks there were.
    """

    block: bytes
    height: int


def arrive(folder: Folder, own: Organisation, first_block: bytes) -> Arrival:
    """Ask the other organisations' orderers for the channel, and write who is in it into this site.

    Raises:
        NetworkError: the channel does not know the organisation as this site does, or began with another block.
        NotRunning: no orderer could be reached.
    """
    profile = ConnectionProfile.load(folder.organisation(own.name) / "connection.json")
    identity, signer = profile.identity(own.name, "admin"), profile.signer(own.name, "admin")
    failures, refused = [], ""
    for other in folder.topology().organisations:
        if other == own:
            continue
        orderer = Orderer(profile.orderer(other.name))
        try:
            began = fetch_block(orderer, CHANNEL, identity, signer, 0)
            newest = fetch_block(orderer, CHANNEL, identity, signer)
            config = ChannelConfig(fetch_block(orderer, CHANNEL, identity, signer, last_config(newest)))
        except AdminError as error:
            failures.append(str(error))
            if error.status == common_pb2.FORBIDDEN:
                refused = other.name
            continue
        if began.hash != parse_block(first_block).hash:
            raise FolderError(
                f"{other.name} has begun the channel with another first block than this site's",
                "ask for channel.block again, and compare its SHA-256: certledger network take-channel FILE",
            )
        _check(folder, own, config)
        try:
            know(folder, own, config)
        except OSError as error:
            raise FolderError(f"the channel's files cannot be written: {error}") from error
        return Arrival(config.block.encode(), newest.number + 1)
    if refused:
        raise NetworkError(
            f"the channel does not know {own.name} yet: the orderer of {refused} gives it no blocks",
            "hand your bundle to an organisation of the channel, which proposes it: "
            "certledger network config add-org BUNDLE UPDATE",
        )
    raise NotRunning(f"no orderer of the channel answers: {'; '.join(failures)}", "check that they can be reached")


def _check(folder: Folder, own: Organisation, config: ChannelConfig) -> None:
    """Check that the channel knows the organisation as this site does. Raises NetworkError."""
    if config.organisations.get(own.name) != own.msp_id:
        raise NetworkError(
            f"the channel has no organisation {own.name} with the MSP id {own.msp_id}",
            "see what it has: certledger network config fetch FILE",
        )
    mine = msp_definition(folder.organisation(own.name) / "msp", own.msp_id)
    if authorities_of(mine) != authorities_of(config.msp_manager.msps[own.msp_id].config):
        raise NetworkError(f"the channel has other certificate authorities of {own.name} than this site")
