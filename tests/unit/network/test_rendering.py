"""configtx.yaml as it is in force: the organisations' addresses stand in it, and all else stays as it was."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import yaml

from network.errors import ConfigurationError
from network.rendering import rendered
from network.topology import Organisation, Topology, default_configtx, read_topology

CITY = Organisation("City", "CityMSP", "peer.city.example:7151", "orderer.city.example:7150")


def everywhere(topology: Topology) -> dict[str, Any]:
    """The profile without what is rendered."""
    profile: dict[str, Any] = yaml.safe_load(yaml.safe_dump(dict(topology.profile)))
    for group in ("Application", "Orderer"):
        for one in profile[group]["Organizations"]:
            for name in ("AnchorPeers", "OrdererEndpoints", "MSPDir"):
                one.pop(name, None)
    profile["Orderer"].pop("ConsenterMapping", None)
    profile["Orderer"]["EtcdRaft"].pop("Consenters")
    return profile


@pytest.mark.parametrize("name", ["Raft", "BFT"])
def test_the_consortiums_own_file_is_rendered_as_it_is(name: str) -> None:
    before = read_topology(default_configtx(), name)
    after = read_topology(rendered(before, before.organisations), name)
    assert after.organisations == before.organisations
    assert after.profile == before.profile


def test_an_organisations_addresses_are_put_in_and_all_else_stays() -> None:
    before = read_topology(default_configtx())
    after = read_topology(rendered(before, [CITY]))
    assert after.organisations == (CITY, *before.organisations[1:])
    assert after.profile["Application"]["Organizations"][0]["AnchorPeers"] == [
        {"Host": "peer.city.example", "Port": 7151}
    ]
    assert [(one["Host"], one["Port"]) for one in after.profile["Orderer"]["EtcdRaft"]["Consenters"]] == [
        ("orderer.city.example", 7150),
        ("localhost", 8050),
        ("localhost", 9050),
    ]
    assert everywhere(after) == everywhere(before)


def test_what_is_rendered_twice_is_rendered_the_same() -> None:
    before = read_topology(default_configtx())
    once = rendered(before, [CITY])
    assert rendered(read_topology(once), []) == once
    assert rendered(read_topology(once), before.organisations) == rendered(before, [])


def test_bft_keeps_the_numbers_that_the_consortium_gave() -> None:
    content = yaml.safe_load(default_configtx())
    mapping = content["Profiles"]["BFT"]["Orderer"]["ConsenterMapping"]
    for entry, number in zip(mapping, (7, 3, 9, 4), strict=True):
        entry["ID"] = number
    before = read_topology(yaml.safe_dump(content), "BFT")
    city = replace(before.organisations[0], orderer="a.example:1", more_orderers=("b.example:2",))
    found = read_topology(rendered(before, [city]), "BFT").profile["Orderer"]["ConsenterMapping"]
    assert [(one["ID"], one["MSPID"], f"{one['Host']}:{one['Port']}", one["Identity"]) for one in found] == [
        (7, "CityMSP", "a.example:1", "City/orderer/msp/signcerts/cert.pem"),
        (3, "CityMSP", "b.example:2", "City/orderer1/msp/signcerts/cert.pem"),
        (9, "NishitetsuMSP", "localhost:8050", "Nishitetsu/orderer/msp/signcerts/cert.pem"),
        (4, "TriValleyMSP", "localhost:9050", "TriValley/orderer/msp/signcerts/cert.pem"),
    ]


def edited(name: str, edit: Callable[[dict[str, Any]], object]) -> Topology:
    content = yaml.safe_load(default_configtx())
    edit(content["Profiles"][name])
    return read_topology(yaml.safe_dump(content), name)


@pytest.mark.parametrize(
    ("name", "edit"),
    [
        ("Raft", lambda profile: profile["Orderer"]["EtcdRaft"]["Consenters"].pop()),
        ("Raft", lambda profile: profile["Orderer"].pop("EtcdRaft")),
        ("Raft", lambda profile: profile["Orderer"].pop("OrdererType")),
        ("Raft", lambda profile: profile["Application"]["Organizations"].pop()),
        ("BFT", lambda profile: profile["Orderer"]["ConsenterMapping"].pop()),
        ("BFT", lambda profile: profile["Orderer"]["ConsenterMapping"][2].update(MSPID="CityMSP")),
        ("BFT", lambda profile: profile["Orderer"]["ConsenterMapping"][2].pop("MSPID")),
    ],
)
def test_consenters_that_do_not_fit_the_organisations_are_refused(
    name: str, edit: Callable[[dict[str, Any]], object]
) -> None:
    topology = edited(name, edit)
    with pytest.raises(ConfigurationError):
        rendered(topology, [])


@pytest.mark.parametrize("more", [(), ("localhost:1", "localhost:2")])
def test_an_organisation_with_more_or_fewer_orderers_than_the_profile_is_refused(more: tuple[str, ...]) -> None:
    topology = read_topology(default_configtx(), "BFT")
    with pytest.raises(ConfigurationError, match="configtx.yaml has 2 orderers of City in the profile BFT"):
        rendered(topology, [replace(CITY, more_orderers=more)])
