"""The channel's first block is what Fabric's configtxgen makes from the same file and MSP folders.

Against configtxgen itself where it is, and against blocks that were recorded from it (tests/vectors/configtxgen).
"""

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

from network.channel_config import first_block
from network.crypto import create_organisation
from network.errors import ConfigurationError
from network.topology import CHANNEL, default_configtx, read_topology
from node_client.protocol.block import parse_block
from node_client.protocol.config import ChannelConfig
from node_client.protocol.proposal import transaction_id
from tests import fabric
from tests.unit.network.config_blocks import take_apart
from tests.unit.network.config_variants import REFUSED, STRICTER, TAKEN, variant

VECTORS = Path(__file__).parents[2] / "vectors" / "configtxgen"
RECORDED = sorted(path.stem for path in VECTORS.glob("*.block"))


@pytest.fixture(scope="module")
def consortium(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the consortium's organisations."""
    folder = tmp_path_factory.mktemp("consortium")
    for organisation in read_topology(default_configtx()).organisations:
        create_organisation(folder / organisation.name, organisation)
    return folder


def recorded_profile(name: str) -> Mapping[str, Any]:
    text = (VECTORS / f"{name}.yaml").read_text(encoding="utf-8")
    profile: Mapping[str, Any] = yaml.safe_load(text)["Profiles"]["Raft"]
    return profile


def write(folder: Path, profile: Mapping[str, Any]) -> Mapping[str, Any]:
    """Write the profile as a configtx.yaml. Returns it as it is read again."""
    text = yaml.safe_dump({"Profiles": {"Raft": profile}}, sort_keys=False)
    (folder / "configtx.yaml").write_text(text, encoding="utf-8")
    read: Mapping[str, Any] = yaml.safe_load(text)["Profiles"]["Raft"]
    return read


def check_same(theirs: bytes, profile: Mapping[str, Any], folder: Path) -> None:
    """Check that the block is equal to the one made here, with its nonce and timestamp even in the transaction id."""
    expected = take_apart(theirs)
    ours = take_apart(first_block(profile, CHANNEL, folder, nonce=expected.nonce, timestamp=expected.timestamp))
    assert ours.rest == expected.rest
    assert (ours.nonce, ours.timestamp) == (expected.nonce, expected.timestamp)
    assert ours.transaction_id == expected.transaction_id


@pytest.mark.parametrize("name", TAKEN)
def test_the_block_is_what_configtxgen_makes(name: str, consortium: Path, tmp_path: Path) -> None:
    profile = write(consortium, variant(TAKEN[name]))
    theirs = fabric.configtxgen(consortium, "Raft", CHANNEL, tmp_path / "channel.block")
    assert theirs is not None
    check_same(theirs, profile, consortium)


@pytest.mark.parametrize("name", REFUSED)
def test_what_configtxgen_refuses_is_refused(name: str, consortium: Path, tmp_path: Path) -> None:
    profile = write(consortium, variant(REFUSED[name]))
    assert fabric.configtxgen(consortium, "Raft", CHANNEL, tmp_path / "channel.block") is None
    with pytest.raises(ConfigurationError):
        first_block(profile, CHANNEL, consortium)


@pytest.mark.parametrize("name", {**REFUSED, **STRICTER})
def test_a_file_that_cannot_be_used_is_refused_with_a_reason(name: str, consortium: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        first_block(variant({**REFUSED, **STRICTER}[name]), CHANNEL, consortium)
    assert len(str(caught.value)) > 10


@pytest.mark.parametrize("name", RECORDED)
def test_the_block_is_what_configtxgen_made(name: str) -> None:
    check_same((VECTORS / f"{name}.block").read_bytes(), recorded_profile(name), VECTORS)


@pytest.mark.parametrize("name", RECORDED)
def test_the_recorded_blocks_are_what_configtxgen_makes_today(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "again"
    shutil.copytree(VECTORS, folder)
    shutil.copy(folder / f"{name}.yaml", folder / "configtx.yaml")
    theirs = fabric.configtxgen(folder, "Raft", CHANNEL, tmp_path / "channel.block")
    assert theirs is not None
    assert take_apart(theirs).rest == take_apart((VECTORS / f"{name}.block").read_bytes()).rest


def test_blocks_were_recorded_of_every_kind() -> None:
    assert RECORDED == ["assorted", "bft", "consortium", "sparse"]


def test_nothing_private_was_recorded() -> None:
    for path in VECTORS.rglob("*"):
        if path.is_file():
            assert b"PRIVATE KEY" not in path.read_bytes()


def test_two_blocks_have_nothing_but_nonce_time_and_what_follows_in_common(consortium: Path) -> None:
    profile = variant(TAKEN["the consortium's own"])
    one, other = (take_apart(first_block(profile, CHANNEL, consortium)) for _ in range(2))
    assert one.rest == other.rest
    assert one.nonce != other.nonce
    assert one.data_hash != other.data_hash
    assert one.transaction_id == transaction_id(one.nonce, b"") == sha256(one.nonce).hexdigest()
    assert abs(datetime.now(UTC) - one.timestamp).total_seconds() < 600


def test_the_block_begins_a_chain_and_is_a_configuration(consortium: Path) -> None:
    profile = variant(TAKEN["the consortium's own"])
    block = parse_block(first_block(profile, CHANNEL, consortium))
    assert (block.number, block.previous_hash) == (0, b"")
    config = ChannelConfig(block)
    assert config.channel == CHANNEL
    assert config.organisations == {
        "City": "CityMSP",
        "Nishitetsu": "NishitetsuMSP",
        "TriValley": "TriValleyMSP",
    }
    assert (config.batch_size.max_message_count, config.batch_timeout) == (500, 0.05)
