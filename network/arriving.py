"""The site of an organisation that comes into a channel that exists already.

configtx.yaml does not name it, and there are no bundles to make the first block of. It gets the first block itself,
whose SHA-256 people compare; that says who the others are, and where. What has changed since is in the configuration
in force, which `network.fabric.arrival` fetches when the channel knows the organisation.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256
from typing import Any

from network.bundle_files import unpack_msp
from network.errors import BundleError, ConfigurationError, FolderError
from network.folder import Folder
from network.profiles import write_profiles
from network.rendering import rendered
from network.sites import BLOCK, export, replace_public, require_block
from network.tolerance import PROFILES, RAFT
from network.topology import CHANNEL, Organisation, Topology, check_addresses, check_name, read_topology
from network.trust import extend_trust, write_trust
from node_client.durable import replace_file
from node_client.protocol.block import parse_block
from node_client.protocol.config import ChannelConfig
from node_client.protocol.config_consensus import RAFT as ORDERER_TYPE
from node_client.protocol.errors import ProtocolError

_HEAD = """\
# Who is in the channel and where, as its configuration says it; this site came later.
"""


def newcomer(name: str, msp_id: str, peer: str, orderers: Sequence[str]) -> Organisation:
    """An organisation that configtx.yaml does not name. Raises ConfigurationError."""
    check_name(name)
    if not peer or not orderers:
        raise ConfigurationError(f"nothing says where the nodes of {name} serve", "give --peer and --orderer")
    if not msp_id.isascii() or not msp_id.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise ConfigurationError(f"{msp_id!r} is no MSP id", "use letters, digits, and any of - _ .")
    found = Organisation(name, msp_id, peer, orderers[0], tuple(orderers[1:]))
    check_addresses(found)
    return found


def topology_of(organisations: Sequence[Organisation]) -> Topology:
    """The topology of organisations whose orderers agree by Raft."""
    profile: Mapping[str, Any] = {
        "Orderer": {
            "OrdererType": ORDERER_TYPE,
            # `rendered` puts the orderers' places here.
            "EtcdRaft": {"Consenters": [{} for one in organisations for _ in one.orderers]},
            "Organizations": [{"Name": one.name, "ID": one.msp_id} for one in organisations],
        },
        "Application": {"Organizations": [{"Name": one.name, "ID": one.msp_id} for one in organisations]},
    }
    return Topology(tuple(organisations), PROFILES[RAFT], profile)


def take_channel(folder: Folder, data: bytes, expected: str = "") -> str:
    """Take the first block of a channel that exists into a site; nothing is changed when it is not.

    Args:
        data: the block.
        expected: SHA-256 of the block in hex, where only that one may be taken.

    Returns:
        The block's SHA-256.

    Raises:
        BundleError: it is not the channel's first block, not the expected one, or made with this organisation.
        FolderError: this site's nodes have begun with another, or the folder cannot be written.
    """
    digest = sha256(data).hexdigest()
    if expected and expected.lower() != digest:
        raise BundleError(
            f"the block is {digest}, which is not the expected one", "ask for it again, and compare its SHA-256"
        )
    config = _first(data)
    (own,) = folder.residents(folder.topology())
    export(folder, own)  # its certificates are here
    if own.name in config.organisations:
        raise BundleError(
            f"{own.name} is in the channel's first block, and makes it like the others",
            "certledger network channel-block BUNDLE…",
        )
    require_block(folder, data)
    before = folder.path / BLOCK
    try:
        if not before.exists() or before.read_bytes() != data:
            before.unlink(missing_ok=True)
            write_trust(folder.path / "trust.json", data)
            know(folder, own, config)
            replace_file(before, data)
    except OSError as error:
        raise FolderError(f"the channel's files cannot be written: {error}") from error
    return digest


def came_later(folder: Folder, block: bytes) -> bool:
    """Whether an organisation whose site this is is not in the channel's first block."""
    site = folder.site_of
    return bool(site) and site not in ChannelConfig.from_bytes(block).organisations


def know(folder: Folder, own: Organisation, config: ChannelConfig) -> None:
    """Write who is in the channel and where into a newcomer's site. Raises OSError, NetworkError."""
    others = [one for one in _organisations(config) if one.name != own.name]
    for one in others:
        replace_public(folder.path, one.name, partial(unpack_msp, config.msp_manager.msps[one.msp_id]))
    topology = topology_of([*others, own])
    text = rendered(topology, topology.organisations, _HEAD)
    replace_file(folder.path / "configtx.yaml", text.encode())
    write_profiles(folder, read_topology(text, topology.name))
    extend_trust(folder.path / "trust.json", config)


def _organisations(config: ChannelConfig) -> list[Organisation]:
    """The organisations that have a peer and an orderer which the configuration names. Raises ConfigurationError."""
    found = []
    for name, msp_id in config.organisations.items():
        peers, orderers = config.anchor_peers[name], config.orderer_addresses.get(name)
        if peers and orderers:
            check_name(name)
            found.append(Organisation(name, msp_id, peers[0], orderers[0], tuple(orderers[1:])))
    return found


def _first(data: bytes) -> ChannelConfig:
    try:
        config = ChannelConfig(parse_block(data))
    except ProtocolError as error:
        raise BundleError(f"this is no first block of a channel: {error}", "ask for channel.block again") from error
    if config.channel != CHANNEL or config.block.number:
        raise BundleError(
            f"this is block {config.block.number} of the channel {config.channel}, not the first one of {CHANNEL}",
            "ask for channel.block again",
        )
    return config
