"""From Raft to BFT, while the channel goes on: four kinds of updates, one after the other, and what sites do beside.

The orderers that BFT needs and Raft does not have join as Raft's first, for the consenters must be the same before and
after (Fabric's `validateBFTConsenterMapping`). What BFT's part of the configuration is, the organisations' bundles and
configtx.yaml say, as for a first block.
"""

import copy
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from functools import partial
from typing import Any

from network.bundle import Bundle
from network.bundle_files import read_bundle, unpack_msp
from network.channel import channel_of
from network.crypto import OwnAuthorities
from network.errors import ConfigurationError, FolderError, NetworkError
from network.folder import Engine, Folder
from network.places import node_places
from network.profiles import write_profiles
from network.rendering import rendered
from network.sites import BUNDLE_SUFFIX, BUNDLES, export, replace_public
from network.tolerance import BFT as BFT_NAME
from network.tolerance import PROFILES
from network.topology import Organisation, Topology, check_addresses, read_topology
from node_client.durable import replace_file
from node_client.protocol.config import ChannelConfig
from node_client.protocol.config_consensus import (
    BFT,
    RAFT,
    bft_owners,
    consensus_type,
    raft_addresses,
    with_bft,
    with_maintenance,
    with_raft_consenter,
)
from node_client.protocol.errors import ProtocolError

PROFILE = PROFILES[BFT_NAME]


class MigrationStep(StrEnum):
    """What the next update does."""

    CONSENTER = "another orderer takes part"
    ENTER = "into maintenance mode"
    CHANGE = "from Raft to BFT"
    LEAVE = "out of maintenance mode"


def next_step(config: ChannelConfig, topology: Topology, bundles: Sequence[Bundle]) -> tuple[MigrationStep, bytes]:
    """The next step from the configuration in force towards BFT.

    Args:
        topology: the profile BFT of the consortium's configtx.yaml.
        bundles: every organisation's.

    Returns:
        The step, and the configuration that it comes to.

    Raises:
        NetworkError: the orderers agree by BFT already, or the bundles do not fit.
    """
    try:
        return _next(config, topology, bundles)
    except ProtocolError as error:
        raise NetworkError(f"the channel cannot move to BFT: {error}") from error


def _next(config: ChannelConfig, topology: Topology, bundles: Sequence[Bundle]) -> tuple[MigrationStep, bytes]:
    encoded, kind = config.encoded, consensus_type(config.encoded)
    if kind == BFT:
        if config.in_maintenance:
            return MigrationStep.LEAVE, with_maintenance(encoded, False)
        raise NetworkError("the orderers agree by BFT already")
    if kind != RAFT:
        raise NetworkError(f"there is no way from {kind} to BFT")
    channel = channel_of(topology, bundles)
    wanted = ChannelConfig.from_bytes(channel.block).encoded
    owners, present = bft_owners(wanted), raft_addresses(encoded)
    if others := [one for one in present if one not in owners]:
        raise NetworkError(
            f"no bundle has the orderer {others[0]}, which is on the channel",
            "give the newest bundle of every organisation; of one that came later, too, "
            "with a configtx.yaml whose profile BFT names it: --configtx FILE",
        )
    missing = [one for one in owners if one not in present]
    if missing and config.in_maintenance:
        raise NetworkError(
            f"the orderer {missing[0]} is not on the channel, and none can be added in maintenance mode",
            "leave maintenance mode first: fetch, set STATE_NORMAL, propose, sign, submit",
        )
    if missing:
        part, bundle = next(
            (part, bundle) for bundle in channel.bundles for part in bundle.orderers if part.address == missing[0]
        )
        added = with_raft_consenter(encoded, bundle.organisation, part.address, part.tls_certificate.encode())
        return MigrationStep.CONSENTER, added
    if not config.in_maintenance:
        return MigrationStep.ENTER, with_maintenance(encoded, True)
    return MigrationStep.CHANGE, with_bft(encoded, wanted)


def known_bundles(folder: Folder, given: Sequence[Bundle]) -> list[Bundle]:
    """Every organisation's newest bundle: this site's own, those given, and the others as the channel began with them.

    Raises:
        BundleError, FolderError: one cannot be read.
    """
    found = {}
    for path in sorted((folder.path / BUNDLES).glob(f"*{BUNDLE_SUFFIX}")):
        bundle = read_bundle(path)
        found[bundle.organisation] = bundle
    found |= {bundle.organisation: bundle for bundle in given}
    found |= {one.name: export(folder, one) for one in folder.residents(folder.topology())}
    return list(found.values())


def add_orderer(folder: Folder, name: str, address: str) -> Organisation:
    """Make the keys of another orderer of an organisation here. It is none of the channel's yet.

    Returns:
        The organisation with it.

    Raises:
        NetworkError: the address cannot be used, or the organisation's authority is elsewhere.
    """
    require_fabric(folder)
    topology = folder.topology()
    organisation = folder.require_resident(topology, name)
    wider = replace(organisation, more_orderers=(*organisation.more_orderers, address))
    check_addresses(wider)
    home, place = folder.organisation(organisation.name), wider.orderers[-1]
    authorities = OwnAuthorities.load(home)
    places = [one for one in node_places(wider) if one.name.partition(".")[0] == place.folder]
    try:
        authorities.fill(home, places)
        _write(folder, _placed(topology, [wider]))
    except OSError as error:
        raise FolderError(f"the orderer's keys cannot be written: {error}") from error
    return wider


def adopt(folder: Folder, config: ChannelConfig, bft: Topology) -> Topology:
    """Bring a site's configtx.yaml and profiles to what the configuration in force says of the orderers.

    Of an organisation that came later, and which configtx.yaml names by now, its public part comes into the folder.

    Args:
        bft: the profile BFT of the consortium's configtx.yaml.

    Raises:
        NetworkError: the configuration does not fit configtx.yaml, or the folder cannot be written.
    """
    require_fabric(folder)
    topology = folder.topology()
    addresses = config.orderer_addresses
    organisations = []
    for one in topology.organisations:
        first, *more = addresses.get(one.name) or one.addresses[1:]
        organisations.append(replace(one, orderer=first, more_orderers=tuple(more)))
    base = topology if consensus_type(config.encoded) == RAFT else bft
    adopted = _placed(base, organisations)
    members = config.msp_manager.msps
    if strangers := [one for one in adopted.organisations if one.msp_id not in members]:
        raise ConfigurationError(f"configtx.yaml names {strangers[0].name}, which is not on the channel")
    try:
        for one in adopted.organisations:
            if one.name not in [known.name for known in topology.organisations]:
                replace_public(folder.path, one.name, partial(unpack_msp, members[one.msp_id]))
        return _write(folder, adopted)
    except OSError as error:
        raise FolderError(f"the folder cannot be written: {error}") from error


def require_fabric(folder: Folder) -> None:
    """Check that the orderers here are Fabric's. Raises NetworkError."""
    if folder.engine is not Engine.FABRIC:
        raise NetworkError(
            "the embedded network orders in one process, and has no orderers that could agree in another way"
        )


def _placed(topology: Topology, organisations: Sequence[Organisation]) -> Topology:
    """The topology with these organisations as they are now; Raft's consenters become as many as their orderers."""
    stated = {one.name: one for one in organisations}
    everyone = tuple(stated.get(one.name, one) for one in topology.organisations)
    profile: dict[str, Any] = copy.deepcopy(dict(topology.profile))
    if profile["Orderer"]["OrdererType"] == RAFT:
        count = sum(len(one.orderers) for one in everyone)
        profile["Orderer"]["EtcdRaft"]["Consenters"] = [{}] * count  # `rendered` puts the organisations' own here
        wider = Topology(everyone, topology.name, profile)
    elif [len(one.orderers) for one in everyone] != [len(one.orderers) for one in topology.organisations]:
        raise ConfigurationError(
            "the orderers on the channel are not as many as the profile BFT of configtx.yaml has",
            "name the consortium's own, which has every organisation's: --configtx FILE",
        )
    else:
        wider = Topology(topology.organisations, topology.name, profile)
    return read_topology(rendered(wider, everyone), topology.name)


def _write(folder: Folder, topology: Topology) -> Topology:
    """Put a topology into force in a folder. Raises OSError."""
    path = folder.path / "configtx.yaml"
    text = rendered(topology, topology.organisations)
    if topology.name != folder.topology().name:
        # With both profiles first: whenever this ends, the folder's profile is in the file.
        replace_file(path, (path.read_text(encoding="utf-8") + text.partition("Profiles:\n")[2]).encode())
        folder.note_profile(topology.name)
    replace_file(path, text.encode())
    write_profiles(folder, topology)
    return topology
