"""Another organisation is taken into the channel: what that takes, and what its people may do from then on."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fabric_protos.msp import msp_config_pb2
from google.protobuf.json_format import MessageToDict

from network import control
from network.crypto import create_organisation
from network.folder import Folder
from network.msp_folder import msp_definition
from network.topology import CHANNEL, Organisation
from node_client import EvaluateError, Gateway
from node_client.admin._sync.configuration import ChannelConfiguration
from node_client.gateway.options import Endpoint
from node_client.identity.identity import Identity
from node_client.identity.signer import KeySigner
from tests.conftest import Commands, running_network
from tests.scenarios.seeking import profile_of, write_something

HARBOUR = Organisation("Harbour", "HarbourMSP", "localhost:1", "localhost:2")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    with running_network(tmp_path_factory.mktemp("joining") / "net") as folder:
        yield folder


def taken_in(text: str, home: Path) -> str:
    """The configuration with another organisation beside the city, as an operator would edit it."""
    content = json.loads(text)
    organisations = content["channel_group"]["groups"]["Application"]["groups"]
    group = json.loads(json.dumps(organisations["City"]).replace("CityMSP", HARBOUR.msp_id))
    definition = msp_config_pb2.FabricMSPConfig.FromString(msp_definition(home / "msp", HARBOUR.msp_id))
    group["values"]["MSP"]["value"]["config"] = MessageToDict(definition, preserving_proto_field_name=True)
    group["values"].pop("AnchorPeers")
    organisations[HARBOUR.name] = group
    return json.dumps(content)


def as_user(folder: Folder, home: Path, user: str, *, mutual_tls: bool) -> Gateway:
    """A user of the harbour at the city's peer."""
    msp, tls = home / "users" / user / "msp", home / "users" / user / "tls"
    identity = Identity(HARBOUR.msp_id, (msp / "signcerts" / "cert.pem").read_bytes())
    signer = KeySigner.from_pem((msp / "keystore" / "key.pem").read_bytes())
    endpoint: Endpoint = profile_of(folder, "City").endpoint("City", user="issuer" if mutual_tls else "")
    if mutual_tls:
        certificate, key = (tls / "client.crt").read_bytes(), (tls / "client.key").read_bytes()
        endpoint = replace(endpoint, client_certificate=certificate, client_key=key)
    return Gateway(endpoint, identity, signer)


def test_an_organisation_is_taken_in_by_the_city_and_a_centre(folder: Folder, tmp_path: Path) -> None:
    commands = Commands(folder, tmp_path)
    home = tmp_path / "Harbour"
    create_organisation(home, HARBOUR)
    with as_user(folder, home, "auditor", mutual_tls=False) as gateway, pytest.raises(EvaluateError):
        gateway.get_network(CHANNEL).height()

    config = ("network", "config")
    commands.ok(*config, "fetch", "config.json")
    edited = taken_in((tmp_path / "config.json").read_text(), home)
    (tmp_path / "config.json").write_text(edited)
    (proposed,) = commands.ok(*config, "propose", "config.json", "update.pb")
    assert proposed["missing"] == ["/Channel/Application/Admins"]
    for profile in ("city-admin", "trivalley-admin"):
        (signed,) = commands.ok(*config, "sign", "update.pb", "--profile", profile)
    assert signed["missing"] == []
    commands.ok(*config, "submit", "update.pb", "--profile", "city-admin")

    for mutual_tls in (False, True):
        with as_user(folder, home, "auditor", mutual_tls=mutual_tls) as gateway:
            network = gateway.get_network(CHANNEL)
            assert network.height() > 0
            found = ChannelConfiguration(gateway, CHANNEL).read()
            assert found.organisations[HARBOUR.name] == HARBOUR.msp_id
            network.get_contract("registry").evaluate("ListCertificates", "1", "")
    assert write_something(folder)  # the others go on
    control.down(folder)
    control.up(folder)
    with as_user(folder, home, "auditor", mutual_tls=False) as gateway:
        assert gateway.get_network(CHANNEL).height() > 0
    # It has to approve nothing, and is asked for nothing, but it counts among the organisations.
    (told,) = commands.ok("chaincode", "status", "registry", "--profile", "city-admin")
    assert told["committed"][0]["approvals"] == {
        "CityMSP": True,
        HARBOUR.msp_id: False,
        "NishitetsuMSP": True,
        "TriValleyMSP": True,
    }
