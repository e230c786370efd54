"""Members judged as Fabric's own `msp` package judged them: every identity under every definition of an MSP."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from fabric_protos.msp import msp_principal_pb2

from node_client.protocol.errors import ProtocolError
from node_client.protocol.msp import Member, Msp, MspError, MspManager

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "vectors" / "membership" / "verdicts.json").read_text(encoding="utf-8")
)
IDENTITIES = {name: b64decode(data) for name, data in VECTORS["identities"].items()}
PRINCIPALS = {
    name: msp_principal_pb2.MSPPrincipal.FromString(b64decode(data)) for name, data in VECTORS["principals"].items()
}
REFUSED = {name for name, one in VECTORS["organisations"].items() if "refused" in one}
# Fabric lets an admin whom the definition names be admin whatever else is wrong with the certificate.
STRICTER = {("admin revoked", "admin"), ("client and peer is an admin", "admin")}


def definition(name: str) -> bytes:
    return b64decode(VECTORS["organisations"][name]["definition"])


def valid(msp: Msp, member: Member) -> bool:
    try:
        msp.validate(member)
    except MspError:
        return False
    return True


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_definition_that_fabric_refuses_is_refused(name: str) -> None:
    with pytest.raises(ProtocolError):
        Msp(definition(name))


@pytest.mark.parametrize("name", sorted(set(VECTORS["organisations"]) - REFUSED))
def test_every_identity_is_what_fabric_says_it_is(name: str) -> None:
    msp = Msp(definition(name))
    manager = MspManager([msp])
    keys: dict[str, set[bytes]] = {}
    for who, verdict in VECTORS["organisations"][name]["identities"].items():
        try:
            member = manager.member(IDENTITIES[who])
        except ProtocolError:
            assert verdict is None, who
            continue
        if verdict is None:
            assert not valid(msp, member), who
            continue
        keys.setdefault(verdict["id"], set()).add(member.key[1])
        assert valid(msp, member) == verdict["valid"], who
        satisfied = {what for what, principal in PRINCIPALS.items() if manager.satisfies(member, principal)}
        expected = {what for what in verdict["satisfies"] if (name, what) not in STRICTER or verdict["valid"]}
        assert satisfied == expected, who
    assert all(len(same) == 1 for same in keys.values())
    assert len(set().union(*keys.values())) == len(keys)


def test_the_verdicts_are_of_every_kind() -> None:
    verdicts = [
        verdict
        for name in set(VECTORS["organisations"]) - REFUSED
        for verdict in VECTORS["organisations"][name]["identities"].values()
    ]
    assert len(verdicts) > 1000
    assert len(REFUSED) > 10
    assert sum(verdict is None for verdict in verdicts) > 100
    assert sum(verdict is not None and not verdict["valid"] for verdict in verdicts) > 100
    assert sum(verdict is not None and verdict["valid"] for verdict in verdicts) > 100
