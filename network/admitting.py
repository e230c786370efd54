"""Taking another organisation into a channel that exists: what its bundle changes in the configuration.

It comes in two steps. First it becomes one of those that have peers; its people may read then, and its nodes can fetch
the blocks, its orderer as a follower. When that has all blocks, it becomes a consenter. Only then the organisation
stands among those that order: there every organisation must state its orderers' addresses, and gateways and peers that
are told of a follower would ask it in vain.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from network.bundle import Bundle
from network.bundle_checks import check
from network.bundle_files import unpack
from network.channel_config import application_organisation, ordering_organisation
from network.errors import BundleError
from network.msp_folder import authorities_of, msp_definition
from node_client.protocol.config import ChannelConfig
from node_client.protocol.config_consensus import BFT, consensus_type, raft_addresses, with_raft_consenter
from node_client.protocol.config_edits import with_organisation

LATER = "its new bundle cannot change who it is in the channel"


def with_newcomer(config: ChannelConfig, bundle: Bundle) -> bytes:
    """The configuration in which the organisation of a bundle has a peer.

    Raises:
        BundleError: it is in the channel, or shares with somebody there what it must not; or its certificates are
            not what they are there for.
    """
    name, msp_id = bundle.organisation, bundle.msp_id
    names = {one.lower(): one for one in (*config.organisations, *config.orderer_addresses)}
    if name.lower() in names:
        raise BundleError(f"{names[name.lower()]} is in the channel already", LATER)
    if msp_id in config.msp_manager.msps:
        raise BundleError(
            f"the channel has an organisation with the MSP id {msp_id} already", f"{name} needs another MSP id"
        )
    places = (*config.anchor_peers.values(), *config.orderer_addresses.values())
    taken = {address for addresses in places for address in addresses}
    if clash := [one for one in bundle.place.addresses if one in taken]:
        raise BundleError(f"somebody in the channel has the address {clash[0]}", f"ask {name} for its addresses")
    with TemporaryDirectory(prefix="certledger-") as place:
        definition = _unpacked(bundle, Path(place))
        roots = frozenset[bytes]().union(*(authorities_of(one.config) for one in config.msp_manager.msps.values()))
        if authorities_of(definition) & roots:
            raise BundleError(
                f"somebody in the channel has a certificate authority of {name}",
                "every organisation needs its own: whoever it certifies would be of both",
            )
        host, _, port = bundle.peer.rpartition(":")
        section = {**_section(bundle, "member"), "AnchorPeers": [{"Host": host, "Port": int(port)}]}
        section["Policies"]["Endorsement"] = _rule(bundle, "peer")
        group = application_organisation(section, Path(place))
    return with_organisation(config.encoded, "Application", name, group.SerializeToString(deterministic=True))


def with_consenter(config: ChannelConfig, bundle: Bundle) -> bytes:
    """The configuration in which the next orderer of a bundle is a consenter of Raft.

    Raises:
        BundleError: the organisation is not in the channel as the bundle says, or all its orderers are consenters.
        ProtocolError: the configuration is of none.
    """
    name, encoded = bundle.organisation, config.encoded
    if consensus_type(encoded) == BFT:
        raise BundleError("the orderers agree by BFT: the consenters of a bundle can be added to Raft's only")
    if config.organisations.get(name) != bundle.msp_id:
        raise BundleError(
            f"{name} ({bundle.msp_id}) is not in the channel", "first: certledger network config add-org BUNDLE UPDATE"
        )
    present = raft_addresses(encoded)
    part = next((one for one in bundle.orderers if one.address not in present), None)
    if part is None:
        raise BundleError(f"the orderers of {name} are consenters already")
    with TemporaryDirectory(prefix="certledger-") as place:
        definition = _unpacked(bundle, Path(place))
        if authorities_of(definition) != authorities_of(config.msp_manager.msps[bundle.msp_id].config):
            raise BundleError(f"the channel has other certificate authorities of {name} than its bundle", LATER)
        if name not in config.orderer_addresses:
            section = {**_section(bundle, "orderer"), "OrdererEndpoints": [part.address]}
            group = ordering_organisation(section, Path(place))
            encoded = with_organisation(encoded, "Orderer", name, group.SerializeToString(deterministic=True))
    return with_raft_consenter(encoded, name, part.address, part.tls_certificate.encode())


def _unpacked(bundle: Bundle, place: Path) -> bytes:
    """A bundle's MSP definition, checked; the public folder is there then. Raises BundleError."""
    folder = place / bundle.organisation
    unpack(bundle, folder)
    check(bundle, folder)
    return msp_definition(folder / "msp", bundle.msp_id)


def _section(bundle: Bundle, writer: str) -> dict[str, Any]:
    """The organisation as configtx.yaml has those that are there from the beginning."""
    return {
        "Name": bundle.organisation,
        "ID": bundle.msp_id,
        "MSPDir": f"{bundle.organisation}/msp",
        "Policies": {
            "Readers": _rule(bundle, "member"),
            "Writers": _rule(bundle, writer),
            "Admins": _rule(bundle, "admin"),
        },
    }


def _rule(bundle: Bundle, role: str) -> dict[str, str]:
    return {"Type": "Signature", "Rule": f"OR('{bundle.msp_id}.{role}')"}
