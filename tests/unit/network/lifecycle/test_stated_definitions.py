"""A definition as somebody states it, and which sequence it has."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from network.errors import ConfigurationError
from network.lifecycle.definition import Stated, endorsement_policy
from node_client.protocol.lifecycle import Committed
from node_client.protocol.policy_dsl import parse_policy

BOTH = "AND('CityMSP.peer', OR('NishitetsuMSP.peer', 'TriValleyMSP.peer'))"


def test_the_same_keeps_its_sequence_and_another_gets_the_next(tmp_path: Path) -> None:
    (tmp_path / "collections.json").write_text('[{"name": "c", "policy": "OR(\'CityMSP.member\')"}]')
    stated = Stated(name="points", policy=BOTH, collections=tmp_path / "collections.json")
    assert stated.after(None).sequence == 1
    in_force = Committed(stated.definition(4), {})
    assert stated.after(in_force) == in_force.definition
    for changed in (
        {"version": "2"},
        {"policy": "OR('CityMSP.peer')"},
        {"policy": ""},
        {"collections": None},
        {"init_required": True},
    ):
        assert replace(stated, **changed).after(in_force).sequence == 5, changed  # type: ignore[arg-type]
    assert replace(stated, sequence=7).after(in_force).sequence == 7


def test_a_policy_of_the_channel_counts_where_there_is_no_other() -> None:
    default, admins = Stated(name="x"), Stated(name="x", channel_policy="/Channel/Application/Admins")
    assert endorsement_policy(default.definition()) == "/Channel/Application/Endorsement"
    assert endorsement_policy(admins.definition()) == "/Channel/Application/Admins"
    assert not default.definition().same_content(admins.definition())
    assert endorsement_policy(Stated(name="x", policy=BOTH).definition()) == BOTH


def test_a_policy_that_has_no_words_is_told_as_such() -> None:
    definition = replace(Stated(name="x").definition(), policy=parse_policy("OR('CityMSP.peer')")[:-4])
    assert endorsement_policy(definition).startswith("(")


@pytest.mark.parametrize(
    ("stated", "why"),
    [
        ({"name": "a b"}, "no name of a chaincode"),
        ({"name": ""}, "no name of a chaincode"),
        ({"name": "x", "version": "one two"}, "no version"),
        ({"name": "x", "policy": "OR('CityMSP.peer'"}, "endorsement policy cannot be read"),
        ({"name": "x", "policy": BOTH, "channel_policy": "/Channel/Application/Admins"}, "one endorsement policy"),
        ({"name": "x", "collections": Path("/no/such/file")}, "file cannot be read"),
    ],
)
def test_what_is_no_definition(stated: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        Stated(**stated).definition()
