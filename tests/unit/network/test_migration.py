"""From Raft to BFT: which step comes next, and what each changes."""

from pathlib import Path

import pytest

from network.bundle import Bundle
from network.channel import channel_of
from network.errors import NetworkError
from network.folder import Engine, Folder
from network.migration import MigrationStep, add_orderer, adopt, next_step, require_fabric
from network.sites import export, make_site
from network.topology import CHANNEL
from node_client.protocol.config import ChannelConfig, Configuration
from node_client.protocol.config_consensus import bft_owners, raft_addresses, with_bft
from node_client.protocol.config_update import ConfigUpdate
from node_client.protocol.errors import ProtocolError
from tests.unit.network.made_sites import BFT, RAFT, four_orderers, raft_block


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
