"""From Raft to BFT: which step comes next, and what each changes."""

import copy
import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from network.admitting import with_consenter, with_newcomer
from network.arriving import newcomer, topology_of
from network.bundle import Bundle
from network.bundle_files import unpack_msp
from network.channel import channel_of
from network.errors import NetworkError
from network.fabric.own_keys import check_keys
from network.folder import Engine, Folder
from network.migration import MigrationStep, add_orderer, adopt, next_step, require_fabric
from network.sites import export, make_site, replace_public
from network.topology import CHANNEL, Organisation, Topology
from node_client.protocol.config import ChannelConfig, Configuration
from node_client.protocol.config_consensus import bft_owners, raft_addresses, with_bft
from node_client.protocol.config_update import ConfigUpdate
from node_client.protocol.errors import ProtocolError
from tests.unit.network.made_sites import BFT, RAFT, four_orderers, made_site, raft_block


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> list[Bundle]:
    return four_orderers(tmp_path_factory.mktemp("sites"))


def raft(bundles: list[Bundle]) -> ChannelConfig:
    return ChannelConfig.from_bytes(raft_block(bundles))


def test_the_steps_lead_from_raft_to_bft(bundles: list[Bundle]) -> None:
    config: Configuration = raft(bundles)
    taken, changes = [], []
    for _ in range(4):
        step, wanted = next_step(config, BFT, bundles)
        ConfigUpdate.compute(CHANNEL, config.encoded, wanted)
        taken.append(step)
        changes.append(wanted)
        config = Configuration(CHANNEL, wanted)
    assert taken == list(MigrationStep)
    assert raft_addresses(changes[0])[-1] == config.orderer_addresses["City"][1]
    first = ChannelConfig.from_bytes(channel_of(BFT, bundles).block)
    assert config.consenters == first.consenters
    validation = "/Channel/Orderer/BlockValidation"
    assert config.signature_policy(validation) == first.signature_policy(validation)
    with pytest.raises(NetworkError, match="agree by BFT already"):
        next_step(config, BFT, bundles)


def test_bft_takes_no_other_consenters_than_raft_has(bundles: list[Bundle]) -> None:
    wanted = ChannelConfig.from_bytes(channel_of(BFT, bundles).block)
    assert len(bft_owners(wanted.encoded)) == 4
    with pytest.raises(ProtocolError, match="not those of Raft"):
        with_bft(raft(bundles).encoded, wanted.encoded)


def test_a_site_gets_keys_for_another_orderer_and_takes_over_what_the_channel_says(
    bundles: list[Bundle], tmp_path: Path
) -> None:
    folder = Folder.at(tmp_path / "city")
    place = RAFT.organisation("City")
    make_site(folder, RAFT, place)
    second = BFT.organisation("City").more_orderers[0]
    add_orderer(folder, "City", second)
    own = export(folder, folder.topology().organisation("City"))
    assert [one.address for one in own.orderers] == [place.orderer, second]
    assert (folder.organisation("City") / "orderer1" / "tls" / "server.key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(NetworkError, match="same address"):
        add_orderer(folder, "City", second)
    assert folder.topology().name == "Raft"
    for _ in range(2):  # as often as it is asked
        adopt(folder, ChannelConfig.from_bytes(channel_of(BFT, bundles).block), BFT)
        assert (folder.topology().name, folder.topology().organisations) == ("BFT", BFT.organisations)


def test_the_embedded_network_has_no_orderers_that_could_move(tmp_path: Path) -> None:
    folder = Folder.at(tmp_path / "net")
    folder.make(lambda path: None, Engine.EMBEDDED)
    with pytest.raises(NetworkError, match="orders in one process"):
        require_fabric(folder)


def test_a_channel_that_an_organisation_came_into_moves_with_a_configtx_that_names_it(tmp_path: Path) -> None:
    """Four organisations with an orderer each are enough for BFT."""
    bundles = [made_site(Folder.at(tmp_path / one.name), RAFT, one) for one in RAFT.organisations]
    own = newcomer("Harbour", "HarbourMSP", "peer.harbour.example:7051", ["orderer.harbour.example:7050"])
    harbour = made_site(Folder.at(tmp_path / "Harbour"), topology_of([own]), own)
    config = ChannelConfig.from_bytes(channel_of(RAFT, bundles).block)
    for admitted in (with_newcomer, with_consenter):
        config = in_force(config, admitted(config, harbour))
    bundles.append(harbour)
    four = named_too(own)
    taken = []
    for _ in range(3):
        step, wanted = next_step(config, four, bundles)
        taken.append(step)
        config = in_force(config, wanted)
    assert taken == list(MigrationStep)[1:]
    folder = Folder.at(tmp_path / "City")
    with pytest.raises(NetworkError, match="not as many") as caught:
        adopt(folder, config, BFT)
    assert "--configtx" in caught.value.next_step
    adopt(folder, config, four)
    assert [one.name for one in folder.topology().organisations] == ["City", "Nishitetsu", "TriValley", "Harbour"]
    assert folder.topology().organisation("Harbour").orderer == own.orderer
    for one in ("Nishitetsu", "TriValley"):  # a site takes them in with the bundles, before it starts
        replace_public(folder.path, one, partial(unpack_msp, config.msp_manager.msps[f"{one}MSP"]))
    check_keys(folder, folder.topology())


def test_a_migration_that_leaves_a_newcomer_out_says_what_it_takes(bundles: list[Bundle], tmp_path: Path) -> None:
    own = newcomer("Harbour", "HarbourMSP", "peer.harbour.example:7051", ["orderer.harbour.example:7050"])
    harbour = made_site(Folder.at(tmp_path / "Harbour"), topology_of([own]), own)
    config = raft(bundles)
    for admitted in (with_newcomer, with_consenter):
        config = in_force(config, admitted(config, harbour))
    with pytest.raises(NetworkError, match="no bundle has the orderer") as caught:
        next_step(config, BFT, bundles)
    assert "--configtx" in caught.value.next_step


def in_force(config: ChannelConfig, wanted: bytes) -> ChannelConfig:
    """The configuration that would be in force, as if its block were the same."""
    found = ChannelConfig(config.block)
    Configuration.__init__(found, CHANNEL, wanted)
    return found


def named_too(newcomer: Organisation) -> Topology:
    """The profile BFT with a newcomer, and one consenter of every organisation."""
    profile: dict[str, Any] = copy.deepcopy(dict(BFT.profile))
    for part in ("Application", "Orderer"):
        sections = profile[part]["Organizations"]
        text = json.dumps(next(one for one in sections if one["Name"] == "TriValley"))
        sections.append(json.loads(text.replace("TriValley", newcomer.name)))
    mapping = profile["Orderer"]["ConsenterMapping"]
    assert [one["MSPID"] for one in mapping].count("CityMSP") == 2
    mapping[1] = {**mapping[-1], "ID": mapping[1]["ID"], "MSPID": newcomer.msp_id}
    organisations = [replace(one, more_orderers=()) for one in BFT.organisations]
    return Topology((*organisations, newcomer), BFT.name, profile)
