"""Who is in the network and where, as configtx.yaml says it, and files that do not say it."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from network.errors import ConfigurationError
from network.topology import Organisation, Topology, default_configtx, read_topology

Profile = dict[str, Any]


def edited(edit: Callable[[Profile], object]) -> Topology:
    content = yaml.safe_load(default_configtx())
    edit(content["Profiles"]["Raft"])
    return read_topology(yaml.safe_dump(content))


def test_the_consortiums_organisations_are_read() -> None:
    topology = read_topology(default_configtx())
    assert topology.organisations == (
        Organisation("City", "CityMSP", "localhost:7051", "localhost:7050"),
        Organisation("Nishitetsu", "NishitetsuMSP", "localhost:8051", "localhost:8050"),
        Organisation("TriValley", "TriValleyMSP", "localhost:9051", "localhost:9050"),
    )
    assert topology.profile["Orderer"]["OrdererType"] == "etcdraft"


def test_an_organisations_nodes_have_names_and_addresses() -> None:
    city = Organisation("City", "CityMSP", "peer.city.example:7051", "localhost:7050")
    assert (city.label, city.peer_name) == ("city", "peer0.city")
    assert [(one.name, one.folder, one.address) for one in city.orderers] == [
        ("orderer0.city", "orderer", "localhost:7050")
    ]
    assert city.mutual_tls_peer == "peer.city.example:7053"


def test_an_organisation_is_found_in_any_case() -> None:
    topology = read_topology(default_configtx())
    for name in ("TriValley", "trivalley", "TRIVALLEY"):
        assert topology.organisation(name).msp_id == "TriValleyMSP"
    with pytest.raises(ConfigurationError, match="there is no organisation Rural") as caught:
        topology.organisation("Rural")
    assert "City, Nishitetsu, TriValley" in caught.value.next_step


def test_an_organisation_that_only_orders_has_no_peer() -> None:
    topology = edited(lambda profile: profile["Application"]["Organizations"].pop())
    assert [one.name for one in topology.organisations] == ["City", "Nishitetsu"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "[]",
        "Profiles: {}",
        "Profiles: []",
        "Profiles: {Raft: 7}",
        "Profiles: {Raft: {Orderer: {Organizations: text}, Application: {Organizations: []}}}",
        "Profiles: {Raft: {Orderer: {Organizations: []}, Application: {Organizations: []}}}",
        "{",
        "a: *nothing",
        "\0",
        "!!python/object/apply:os.system [true]",
    ],
)
def test_a_text_that_is_no_configtx_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        read_topology(text)


def test_a_profile_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigurationError, match="for the profile Solo"):
        read_topology(default_configtx(), "Solo")


def organisation(**changed: object) -> Callable[[Profile], None]:
    def edit(profile: Profile) -> None:
        profile["Application"]["Organizations"][0].update(changed)
        if "Name" in changed:
            profile["Orderer"]["Organizations"][0]["Name"] = changed["Name"]

    return edit


@pytest.mark.parametrize(
    "edit",
    [
        *(organisation(Name=name) for name in ("", "7", 7, "a b", "../x", "a/b", "ä", "-a", "a.b", None, [], "a\n")),
        *(organisation(Name=name) for name in ("Nishitetsu", "NISHITETSU")),
        *(organisation(Name=name) for name in ("profiles", "Embedded", "fabric")),
        organisation(ID="TriValleyMSP"),
        organisation(AnchorPeers=[]),
        organisation(AnchorPeers=None),
        *(organisation(AnchorPeers=[{"Host": "localhost", "Port": port}]) for port in (0, 65536, -1, "x", None, "")),
        *(organisation(AnchorPeers=[{"Host": host, "Port": 7051}]) for host in ("", "a b", "::1")),
        lambda profile: profile["Orderer"]["Organizations"][0].update(OrdererEndpoints=["localhost"]),
        lambda profile: profile["Orderer"]["Organizations"][0].update(OrdererEndpoints=[7050]),
        lambda profile: profile["Orderer"]["Organizations"].pop(0),
        lambda profile: profile.pop("Application"),
    ],
)
def test_what_a_network_cannot_be_made_of_is_refused(edit: Callable[[Profile], None]) -> None:
    with pytest.raises(ConfigurationError):
        edited(edit)
