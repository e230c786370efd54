"""Configurations as JSON: nothing is lost on the way there and back, and what cannot be is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from fabric_protos.common import configtx_pb2

from node_client.protocol.config import ChannelConfig
from node_client.protocol.config_json import config_from_json, config_to_json
from node_client.protocol.errors import ProtocolError

VECTORS = Path(__file__).parents[3] / "vectors" / "configtxgen"
NAMES = ("assorted", "bft", "consortium", "sparse")


def config(name: str = "assorted") -> bytes:
    return ChannelConfig.from_bytes((VECTORS / f"{name}.block").read_bytes()).encoded


def shown(name: str = "assorted") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(config_to_json(config(name)))
    return found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("from_nothing", [False, True])
def test_what_configtxgen_wrote_comes_back(name: str, from_nothing: bool) -> None:
    original = configtx_pb2.Config.FromString(config(name))
    base = b"" if from_nothing else config(name)
    again = configtx_pb2.Config.FromString(config_from_json(config_to_json(config(name)), base))
    assert again.channel_group == original.channel_group


def test_values_and_policies_are_open() -> None:
    group = shown()["channel_group"]["groups"]
    assert group["Orderer"]["values"]["BatchTimeout"]["value"] == {"timeout": "1s"}
    definition = group["Application"]["groups"]["City"]["values"]["MSP"]["value"]["config"]
    assert definition["name"] == "CityMSP"
    metadata = group["Orderer"]["values"]["ConsensusType"]["value"]["metadata"]
    assert metadata["options"]["election_tick"] > 0
    admins = group["Application"]["groups"]["City"]["policies"]["Admins"]["policy"]["value"]
    assert admins["identities"][0]["principal"] == {"msp_identifier": "CityMSP", "role": "ADMIN"}


def test_an_edit_changes_that_alone() -> None:
    content = shown()
    content["channel_group"]["groups"]["Orderer"]["values"]["BatchTimeout"]["value"]["timeout"] = "3s"
    edited = ChannelConfig.from_bytes((VECTORS / "assorted.block").read_bytes())
    wanted = configtx_pb2.Config.FromString(config_from_json(json.dumps(content), config()))
    before = configtx_pb2.Config.FromString(config())
    orderer = wanted.channel_group.groups["Orderer"]
    assert orderer.values["BatchTimeout"].value == b"\n\x023s"
    orderer.values["BatchTimeout"].CopyFrom(before.channel_group.groups["Orderer"].values["BatchTimeout"])
    assert wanted.channel_group == before.channel_group
    assert edited.batch_timeout == 1.0


def _edited(*path: str, value: object) -> str:
    content = shown()
    place: Any = content["channel_group"]
    for one in path[:-1]:
        place = place[one]
    place[path[-1]] = value
    return json.dumps(content)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "3",
        _edited("groups", value=[]),
        _edited("colour", value="blue"),
        _edited("values", "Colour", value={"value": {}}),
        _edited("values", "Capabilities", "value", value={"capability": {}}),
        _edited("values", "Capabilities", "value", value=[]),
        _edited("groups", "Orderer", "values", "BatchSize", "value", "max_message_count", value="many"),
        _edited("groups", "Application", "groups", "City", "values", "MSP", "value", "config", "root_certs", value=[3]),
        _edited("policies", "Admins", "policy", value={"type": 9, "value": {}}),
        _edited("policies", "Admins", "policy", value={"type": 3, "value": {"rule": "SOME"}}),
    ],
)
def test_what_is_no_configuration_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        config_from_json(text, config())
