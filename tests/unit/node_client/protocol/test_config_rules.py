"""What a configuration must be like; nothing else than a refusal comes of damage.

Fabric's own words are among the recorded error answers.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from fabric_protos.common import configtx_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from node_client.protocol.config import ChannelConfig, Configuration
from node_client.protocol.config_authority import NotAuthorised, authorised, missing_policies
from node_client.protocol.config_json import config_to_json
from node_client.protocol.config_rules import check_capabilities, check_config, check_successor
from node_client.protocol.config_update import ConfigUpdate
from node_client.protocol.errors import ProtocolError

VECTORS = Path(__file__).parents[3] / "vectors" / "configtxgen"
Edit = Callable[[configtx_pb2.ConfigGroup], None]


def recorded(name: str = "consortium") -> ChannelConfig:
    return ChannelConfig.from_bytes((VECTORS / f"{name}.block").read_bytes())


def edited(edit: Edit) -> Configuration:
    message = configtx_pb2.Config.FromString(recorded().encoded)
    edit(message.channel_group)
    return Configuration("certificates", message.SerializeToString())


@pytest.mark.parametrize(
    ("name", "text"), [("assorted", "preferred max bytes .* greater than"), ("sparse", "without orderer support first")]
)
def test_what_configtxgen_writes_and_no_orderer_takes(name: str, text: str) -> None:
    with pytest.raises(ProtocolError, match=text):
        check_config(recorded(name))


@pytest.mark.parametrize("name", ["bft", "consortium"])
def test_what_configtxgen_writes_is_a_configuration_and_may_follow_itself(name: str) -> None:
    config = recorded(name)
    check_config(config)
    check_successor(config, config)
    for group in ("Channel", "Orderer", "Application"):
        check_capabilities(config, group)


def _without(name: str) -> Edit:
    def edit(group: configtx_pb2.ConfigGroup) -> None:
        del group.groups[name]

    return edit


@pytest.mark.parametrize("name", ["Orderer", "Application"])
def test_a_section_stays(name: str) -> None:
    new = edited(_without(name))
    check_config(new)
    for group in ("Channel", "Orderer", "Application"):
        check_capabilities(new, group)
    with pytest.raises(ProtocolError, match=f"current config has {name.lower()} section, but new config does not"):
        check_successor(recorded(), new)


def test_an_organisation_has_one_msp_in_both_groups() -> None:
    def edit(group: configtx_pb2.ConfigGroup) -> None:
        orderers = group.groups["Orderer"].groups
        orderers["City"].values["MSP"].value += b"\x0a\x00"  # the same, in another form, counts as another

    with pytest.raises(ProtocolError):
        check_config(edited(edit))


def test_groups_have_the_names_that_fabric_knows() -> None:
    def edit(group: configtx_pb2.ConfigGroup) -> None:
        group.groups["Registrar"].mod_policy = "Admins"

    with pytest.raises(ProtocolError, match="Disallowed channel group"):
        check_config(edited(edit))


ENCODED = recorded().encoded


@settings(max_examples=300)
@given(st.integers(0, len(ENCODED) - 1), st.binary(min_size=0, max_size=4), st.integers(0, 8))
def test_damage_is_refused_or_harmless(place: int, put: bytes, instead: int) -> None:
    damaged = ENCODED[:place] + put + ENCODED[place + instead :]
    with suppress(ProtocolError):
        config = Configuration("certificates", damaged)
        check_config(config)
        check_successor(recorded(), config)
        config_to_json(config.encoded)


@settings(max_examples=300)
@given(st.data())
def test_a_damaged_update_changes_nothing(data: st.DataObject) -> None:
    after = configtx_pb2.Config.FromString(ENCODED)
    after.channel_group.groups["Orderer"].values["BatchTimeout"].value = b"\n\x025s"
    update = ConfigUpdate.compute("certificates", ENCODED, after.SerializeToString())
    place = data.draw(st.integers(0, len(update.data) - 1))
    put = data.draw(st.binary(max_size=4))
    damaged = ConfigUpdate("certificates", update.data[:place] + put + update.data[place + len(put) :])
    signed = damaged.signed(put, put)
    with suppress(NotAuthorised):
        missing_policies(recorded(), damaged)
    with pytest.raises(ProtocolError):
        authorised(recorded(), signed)
