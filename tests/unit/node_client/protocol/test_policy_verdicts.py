"""Policies read, evaluated and taken apart as Fabric's own packages did it."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from node_client.protocol.errors import ProtocolError
from node_client.protocol.msp import Msp, MspManager
from node_client.protocol.policy import SignaturePolicy, SignedData, layouts, signers
from node_client.protocol.policy_dsl import parse_policy

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "vectors" / "policies" / "verdicts.json").read_text(encoding="utf-8")
)
MESSAGE = VECTORS["message"].encode()
SIGNERS = [(b64decode(identity), b64decode(signature)) for identity, signature in VECTORS["signers"]]


@pytest.mark.parametrize("text", VECTORS["parsed"])
def test_a_policys_text_is_read_as_fabric_reads_it(text: str) -> None:
    expected = VECTORS["parsed"][text]
    if expected is None:
        with pytest.raises(ProtocolError):
            parse_policy(text)
    else:
        assert parse_policy(text) == b64decode(expected)


def test_a_policy_is_satisfied_when_fabric_says_so() -> None:
    manager = MspManager(Msp(b64decode(config)) for config in VECTORS["organisations"])
    for text, places, wrong, expected in VECTORS["evaluated"]:
        signed = [
            SignedData(b"something else" if place in wrong else MESSAGE, *SIGNERS[place])  # identity and signature
            for place in places
        ]
        satisfied = SignaturePolicy(parse_policy(text), manager).satisfied_by(signers(manager, signed))
        assert satisfied == expected, (text, places, wrong)


def test_a_policys_layouts_are_the_smallest_of_those_that_fabric_finds() -> None:
    for text, found in VECTORS["layouts"].items():
        smallest = [
            one
            for one in found
            if not any(other != one and all(one.get(name, 0) >= n for name, n in other.items()) for other in found)
        ]
        ours = layouts(parse_policy(text))
        assert len(ours) == len(smallest), text
        assert all(one in ours for one in smallest), text


def test_the_verdicts_are_of_every_kind() -> None:
    assert sum(one is None for one in VECTORS["parsed"].values()) > 30
    assert sum(one is not None for one in VECTORS["parsed"].values()) > 60
    assert sum(satisfied for *_, satisfied in VECTORS["evaluated"]) >= 60
    assert sum(not satisfied for *_, satisfied in VECTORS["evaluated"]) >= 60
    assert sum(not found for found in VECTORS["layouts"].values()) > 5
