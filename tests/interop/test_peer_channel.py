"""Fabric's own `peer channel` command changes the configuration: fetched, signed here and there, and updated."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from network import configuration
from network.folder import Folder
from network.topology import CHANNEL
from node_client.protocol.block import parse_block
from node_client.protocol.config import ChannelConfig
from node_client.protocol.config_authority import missing_policies
from node_client.protocol.config_edits import with_batch_timeout
from node_client.protocol.config_update import ConfigUpdate
from tests import fabric
from tests.conftest import Commands, running_network
from tests.interop.test_peer_command import CORE, Peer
from tests.scenarios.deploying import patiently

MILLISECOND = 10**6
As = Callable[[str], Peer]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    """A network whose configuration these tests change."""
    fabric.require("peer")
    with running_network(tmp_path_factory.mktemp("peer channel") / "net") as folder:
        yield folder


@pytest.fixture
def admin_of(folder: Folder, tmp_path: Path) -> As:
    """The command as an organisation's admin."""
    commands = Commands(folder, tmp_path)

    def chosen(organisation: str) -> Peer:
        home = tmp_path / organisation
        home.mkdir(exist_ok=True)
        (home / "core.yaml").write_text(CORE)
        (variables,) = commands.ok("network", "env", organisation)
        variables.pop("version")
        return Peer(fabric.require("peer"), home, variables)

    return chosen


def orderer(folder: Folder) -> list[str | Path]:
    city = folder.topology().organisation("City")
    root = folder.organisation("City") / "tlsca" / "tlsca.crt"
    return ["--orderer", city.orderer, "--tls", "--cafile", root]


def test_an_update_of_ours_is_signed_and_submitted_by_theirs(folder: Folder, admin_of: As, tmp_path: Path) -> None:
    city, trivalley = admin_of("City"), admin_of("TriValley")
    config = ChannelConfig.from_bytes(city.fetch("config", *orderer(folder)))
    wanted = with_batch_timeout(config.encoded, int(config.batch_timeout * 10**9) + MILLISECOND)
    file = tmp_path / "update.pb"
    file.write_bytes(ConfigUpdate.compute(CHANNEL, config.encoded, wanted).file())

    trivalley("channel", "signconfigtx", "-f", file)
    signed = ConfigUpdate.from_envelope(file.read_bytes())
    assert len(signed.signatures) == 1
    assert missing_policies(config, signed) == ("/Channel/Orderer/Admins",)  # the city's is missing
    city("channel", "update", "-f", file, "-c", CHANNEL, *orderer(folder))  # which signs, too

    def in_force() -> None:
        new = ChannelConfig.from_bytes(city.fetch("config"))  # from the peer
        assert (new.sequence, new.batch_timeout) == (config.sequence + 1, pytest.approx(config.batch_timeout + 0.001))

    patiently(in_force, AssertionError)


def test_an_update_that_too_few_signed_is_refused(folder: Folder, admin_of: As, tmp_path: Path) -> None:
    city = admin_of("City")
    config = ChannelConfig.from_bytes(city.fetch("config"))
    wanted = with_batch_timeout(config.encoded, int(config.batch_timeout * 10**9) + MILLISECOND)
    file = tmp_path / "update.pb"
    file.write_bytes(ConfigUpdate.compute(CHANNEL, config.encoded, wanted).file())
    with pytest.raises(AssertionError, match="policy for .* not satisfied: signature set did not satisfy policy"):
        city("channel", "update", "-f", file, "-c", CHANNEL, *orderer(folder))


def test_configurations_are_fetched_after_a_change(folder: Folder, admin_of: As) -> None:
    city = admin_of("City")
    before = ChannelConfig.from_bytes(city.fetch("config"))
    timeout = int(before.batch_timeout * 10**9) + MILLISECOND
    organisation = folder.topology().organisation("City")
    new = configuration.change(folder, organisation, lambda config: with_batch_timeout(config, timeout))
    for options in ([], orderer(folder)):
        assert parse_block(city.fetch("config", *options)).number == new.block.number
        assert ChannelConfig.from_bytes(city.fetch(str(new.block.number), *options)).encoded == new.encoded
        assert ChannelConfig.from_bytes(city.fetch("oldest", *options)).sequence == 0
        assert parse_block(city.fetch("newest", *options)).number >= new.block.number


def test_a_signature_of_theirs_is_one_of_ours(folder: Folder, admin_of: As, tmp_path: Path) -> None:
    """Whichever command signs: the files are the same."""
    config = ChannelConfig.from_bytes(admin_of("City").fetch("config"))
    wanted = with_batch_timeout(config.encoded, int(config.batch_timeout * 10**9) + MILLISECOND)
    file = tmp_path / "update.pb"
    file.write_bytes(ConfigUpdate.compute(CHANNEL, config.encoded, wanted).file())
    for organisation in ("City", "Nishitetsu"):
        admin_of(organisation)("channel", "signconfigtx", "-f", file)
    assert missing_policies(config, ConfigUpdate.from_envelope(file.read_bytes())) == ()
