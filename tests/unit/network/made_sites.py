"""Sites as their organisations make them, without nodes, and what they tell the others."""

from dataclasses import replace
from pathlib import Path

from network.bundle import Bundle
from network.channel import channel_of
from network.folder import Folder
from network.sites import export, make_site
from network.topology import Organisation, Topology, default_configtx, read_topology

RAFT, BFT = (read_topology(default_configtx(), name) for name in ("Raft", "BFT"))


def made_site(folder: Folder, topology: Topology, organisation: Organisation) -> Bundle:
    """The bundle of a new site."""
    make_site(folder, topology, organisation)
    return export(folder, organisation)


def four_orderers(place: Path) -> list[Bundle]:
    """The bundles of the consortium's organisations with the orderers that BFT has."""
    return [made_site(Folder.at(place / one.name), BFT, one) for one in BFT.organisations]


def raft_block(bundles: list[Bundle]) -> bytes:
    """The first block of a channel that each organisation's first orderer orders by Raft."""
    return channel_of(RAFT, [replace(one, orderers=one.orderers[:1]) for one in bundles]).block
