"""An organisation that comes later: what its bundle changes in the channel, what is refused, what its site takes."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from network.admitting import with_consenter, with_newcomer
from network.arriving import came_later, newcomer, take_channel, topology_of
from network.bundle import Bundle
from network.channel import channel_of
from network.errors import BundleError, ConfigurationError, FolderError
from network.folder import Folder
from network.sites import BLOCK, begin, make_channel, make_site
from network.topology import CHANNEL
from node_client.protocol.config import ChannelConfig, Configuration
from node_client.protocol.config_authority import changed_elements, missing_policies
from node_client.protocol.config_consensus import raft_addresses
from node_client.protocol.config_update import ConfigUpdate
from node_client.protocol.policy_dsl import policy_text
from tests.unit.network.made_sites import BFT, RAFT, four_orderers, made_site, raft_block

PEER, ORDERER = "peer.harbour.example:7051", "orderer.harbour.example:7050"


def made(path: Path, name: str = "Harbour", msp_id: str = "HarbourMSP") -> tuple[Folder, Bundle]:
    """A newcomer's site and its bundle."""
    folder, own = Folder.at(path), newcomer(name, msp_id, PEER, [ORDERER])
    return folder, made_site(folder, topology_of([own]), own)


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> list[Bundle]:
    return four_orderers(tmp_path_factory.mktemp("members"))


@pytest.fixture(scope="module")
def block(members: list[Bundle]) -> bytes:
    return raft_block(members)


@pytest.fixture(scope="module")
def config(block: bytes) -> ChannelConfig:
    return ChannelConfig.from_bytes(block)


@pytest.fixture(scope="module")
def harbour(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return made(tmp_path_factory.mktemp("harbour") / "net")[1]


def after(config: ChannelConfig, wanted: bytes) -> ChannelConfig:
    """The configuration that would be in force, as if its block were the same."""
    found = ChannelConfig(config.block)
    Configuration.__init__(found, CHANNEL, wanted)
    return found


def test_a_newcomer_has_the_same_standing_as_those_who_began(config: ChannelConfig, harbour: Bundle) -> None:
    wanted = with_newcomer(config, harbour)
    update = ConfigUpdate.compute(CHANNEL, config.encoded, wanted)
    assert missing_policies(config, update) == ("/Channel/Application/Admins",)
    found = after(config, wanted)
    assert found.organisations["Harbour"] == "HarbourMSP"
    assert found.anchor_peers["Harbour"] == (PEER,)
    assert "Harbour" not in found.orderer_addresses
    group, city = (found.channel_group.groups["Application"].groups[name] for name in ("Harbour", "City"))
    assert set(group.policies) == set(city.policies)
    assert set(group.values) == set(city.values)
    for name in group.policies:
        own, theirs = (
            policy_text(found.signature_policy(f"/Channel/Application/{one}/{name}")) for one in ("Harbour", "City")
        )
        assert own == theirs.replace("CityMSP", "HarbourMSP")


def test_its_orderer_becomes_a_consenter_with_its_organisation(config: ChannelConfig, harbour: Bundle) -> None:
    joined = after(config, with_newcomer(config, harbour))
    wanted = with_consenter(joined, harbour)
    update = ConfigUpdate.compute(CHANNEL, joined.encoded, wanted)
    assert missing_policies(joined, update) == ("/Channel/Orderer/Admins",)
    assert "[Value]  /Channel/Orderer/ConsensusType" in changed_elements(joined, update)
    found = after(config, wanted)
    assert found.orderer_addresses["Harbour"] == (ORDERER,)
    assert raft_addresses(wanted) == (*raft_addresses(config.encoded), ORDERER)
    with pytest.raises(BundleError, match="are consenters already"):
        with_consenter(found, harbour)


def test_what_the_channel_has_already_is_no_newcomers(
    config: ChannelConfig, harbour: Bundle, members: list[Bundle], tmp_path: Path
) -> None:
    city = members[0]
    named_like_city = replace(harbour, organisation="city")
    part = replace(city.orderers[0], address="localhost:7999")
    with_citys_authority = replace(harbour, roots=city.roots, tls_roots=city.tls_roots, orderers=(part,))
    for bundle, told in (
        (city, "City is in the channel already"),
        (named_like_city, "City is in the channel already"),
        (replace(harbour, msp_id="CityMSP"), "the MSP id CityMSP already"),
        (replace(harbour, peer=city.peer), f"has the address {city.peer}"),
        (with_citys_authority, "has a certificate authority of Harbour"),
        (replace(harbour, orderers=city.orderers[:1], peer=PEER), "has the address"),
        (replace(harbour, roots=made(tmp_path / "other")[1].roots), "bundle of Harbour"),
    ):
        with pytest.raises(BundleError, match=told):
            with_newcomer(config, bundle)


def test_nobody_is_a_consenter_before_it_is_in_the_channel_as_itself(
    config: ChannelConfig, harbour: Bundle, members: list[Bundle], tmp_path: Path
) -> None:
    with pytest.raises(BundleError, match=r"Harbour \(HarbourMSP\) is not in the channel"):
        with_consenter(config, harbour)
    joined = after(config, with_newcomer(config, harbour))
    with pytest.raises(BundleError, match="other certificate authorities of Harbour"):
        with_consenter(joined, made(tmp_path / "made anew")[1])
    bft = ChannelConfig.from_bytes(channel_of(BFT, members).block)
    with pytest.raises(BundleError, match="agree by BFT"):
        with_consenter(after(bft, with_newcomer(bft, harbour)), harbour)


def test_a_site_that_comes_later_knows_the_others_by_the_first_block(block: bytes, tmp_path: Path) -> None:
    folder, _ = made(tmp_path / "net")
    digest = sha256(block).hexdigest()
    assert take_channel(folder, block, digest.upper()) == digest
    assert take_channel(folder, block) == digest
    assert came_later(folder, block)
    topology = folder.topology()
    assert [one.name for one in topology.organisations] == ["City", "Nishitetsu", "TriValley", "Harbour"]
    assert topology.organisations[0].peer == RAFT.organisations[0].peer
    assert (folder.path / "City" / "tlsca" / "tlsca.crt").exists()
    assert not list((folder.path / "City").rglob("*.key"))
    assert (folder.path / "trust.json").exists()
    assert (folder.path / "profiles" / "harbour-admin.json").exists()


def test_what_is_not_the_channels_first_block_is_not_taken(block: bytes, members: list[Bundle], tmp_path: Path) -> None:
    folder, _ = made(tmp_path / "net")
    other = channel_of(BFT, members).block
    for data, expected, told in (
        (block, "0" * 64, "not the expected one"),
        (b"", "", "no first block"),
        (block[:-1], "", "no first block"),
    ):
        with pytest.raises(BundleError, match=told):
            take_channel(folder, data, expected)
    assert not (folder.path / BLOCK).exists()
    take_channel(folder, block)
    begin(folder, block)
    with pytest.raises(FolderError, match="begun with another first block"):
        take_channel(folder, other)
    assert (folder.path / BLOCK).read_bytes() == block


def test_who_began_the_channel_does_not_come_later(block: bytes, members: list[Bundle], tmp_path: Path) -> None:
    folder = Folder.at(tmp_path / "net")
    make_site(folder, RAFT, RAFT.organisations[0])
    with pytest.raises(BundleError, match="is in the channel's first block"):
        take_channel(folder, block)
    others = [replace(one, orderers=one.orderers[:1]) for one in members[1:]]
    channel = make_channel(folder, RAFT, others)
    assert not came_later(folder, channel.block)


@pytest.mark.parametrize(
    ("name", "msp_id", "peer", "told"),
    [
        ("a b", "HarbourMSP", PEER, "no name of an organisation"),
        ("Harbour", "Harbour MSP", PEER, "no MSP id"),
        ("Harbour", "HarbourMSP", "", "nothing says where"),
        ("Harbour", "HarbourMSP", "harbour", "no address"),
        ("Harbour", "HarbourMSP", ORDERER, "the same address"),
    ],
)
def test_a_newcomer_says_who_and_where_it_is(name: str, msp_id: str, peer: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        newcomer(name, msp_id, peer, [ORDERER])
