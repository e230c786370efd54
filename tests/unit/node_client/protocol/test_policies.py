"""Policies: what the recorded verdicts leave open."""

from contextlib import suppress

import pytest
from fabric_protos.common import policies_pb2
from fabric_protos.msp import msp_principal_pb2
from hypothesis import given
from hypothesis import strategies as st

from node_client.protocol.errors import ProtocolError
from node_client.protocol.msp import Member, Msp, MspManager
from node_client.protocol.policy import (
    MAX_LAYOUTS,
    ImplicitMetaPolicy,
    SignaturePolicy,
    SignedData,
    implicit_meta_threshold,
    layouts,
    merge,
    organisations_in,
    signers,
    smallest,
)
from node_client.protocol.policy_dsl import MAX_DEPTH, parse_policy, policy_text
from tests.authorities import Ca, Holder, msp_config

Meta = policies_pb2.ImplicitMetaPolicy
Principal = msp_principal_pb2.MSPPrincipal
CAS = {name: Ca.root(f"ca.{name}") for name in ("CityMSP", "TownMSP")}
MANAGER = MspManager(Msp(msp_config(name, [ca])) for name, ca in CAS.items())
PEERS = {name: ca.issue("peer0", "peer") for name, ca in CAS.items()}


def member(msp_id: str, holder: Holder | None = None) -> Member:
    return MANAGER.member((holder or PEERS[msp_id]).serialized(msp_id))


def satisfied(text: str, *members: Member) -> bool:
    return SignaturePolicy(parse_policy(text), MANAGER).satisfied_by(members)


def test_one_identity_counts_once_however_often_it_signs() -> None:
    peer = PEERS["CityMSP"]
    signed = [SignedData(one, peer.serialized("CityMSP"), peer.sign(one)) for one in (b"one", b"two")]
    found = signers(MANAGER, signed)
    assert [one.msp_id for one in found] == ["CityMSP"]
    assert not satisfied("AND('CityMSP.peer', 'CityMSP.member')", *found)


def test_a_signature_that_does_not_hold_does_not_stand_in_the_way_of_one_that_does() -> None:
    peer = PEERS["CityMSP"]
    identity, signature = peer.serialized("CityMSP"), peer.sign(b"message")
    wrong, right = SignedData(b"another", identity, signature), SignedData(b"message", identity, signature)
    assert signers(MANAGER, [wrong]) == []
    assert len(signers(MANAGER, [wrong, right])) == 1
    assert signers(MANAGER, [SignedData(b"message", b"\xff", signature)]) == []


def test_a_signature_goes_to_the_first_principal_that_it_serves() -> None:
    city = member("CityMSP")
    admin = member("CityMSP", CAS["CityMSP"].issue("admin-01", "admin"))
    # Fabric does not look for another distribution: the peer is used up by the first principal, any member.
    assert not satisfied("AND('CityMSP.member', 'CityMSP.peer')", city, admin)
    assert satisfied("AND('CityMSP.member', 'CityMSP.peer')", admin, city)
    assert satisfied("AND('CityMSP.peer', 'CityMSP.member')", city, admin)


def test_a_branch_that_fails_gives_back_whom_it_used() -> None:
    assert satisfied(
        "AND(OR(AND('CityMSP.peer', 'TownMSP.admin'), 'TownMSP.peer'), 'CityMSP.peer')",
        member("CityMSP"),
        member("TownMSP"),
    )


@pytest.mark.parametrize(
    ("rule", "count", "threshold"),
    [
        (Meta.ANY, 0, 0),
        (Meta.ANY, 3, 1),
        (Meta.ALL, 0, 0),
        (Meta.ALL, 3, 3),
        (Meta.MAJORITY, 0, 0),
        (Meta.MAJORITY, 1, 1),
        (Meta.MAJORITY, 2, 2),
        (Meta.MAJORITY, 3, 2),
        (Meta.MAJORITY, 4, 3),
    ],
)
def test_an_implicit_meta_policy_asks_for_so_many(rule: int, count: int, threshold: int) -> None:
    assert implicit_meta_threshold(rule, count) == threshold


def test_an_implicit_meta_policy_of_an_unknown_rule_is_refused() -> None:
    with pytest.raises(ProtocolError):
        implicit_meta_threshold(7, 3)


def test_an_implicit_meta_policy_counts_the_policies_that_are_satisfied() -> None:
    below = tuple(SignaturePolicy(parse_policy(f"OR('{name}.peer')"), MANAGER) for name in CAS)
    city, town = member("CityMSP"), member("TownMSP")
    assert ImplicitMetaPolicy(below, 1, "Readers").satisfied_by([city])
    assert not ImplicitMetaPolicy(below, 2, "Readers").satisfied_by([city])
    assert ImplicitMetaPolicy(below, 2, "Readers").satisfied_by([town, city])
    assert ImplicitMetaPolicy((), 0, "Readers").satisfied_by([])


def test_nesting_has_an_end() -> None:
    assert layouts(parse_policy("AND(" * MAX_DEPTH + "'CityMSP.peer'" + ")" * MAX_DEPTH)) == [{"CityMSP": 1}]
    for depth in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(ProtocolError, match="nested too deeply"):
            parse_policy("AND(" * depth + "'CityMSP.peer'" + ")" * depth)


@pytest.mark.parametrize(
    "text",
    [
        "AND('CityMSP.peer', OR('NishitetsuMSP.peer', 'TriValleyMSP.member'))",
        "OutOf(2, 'A.admin', 'B.client', 'C.orderer')",
        "OR(AND('A.peer', 'B.peer'), 'A.peer')",
        "OutOf(3, 'A.peer', 'B.peer')",
    ],
)
def test_a_policy_has_its_text_again(text: str) -> None:
    assert policy_text(parse_policy(text)) == text


def test_policies_without_a_text_are_told() -> None:
    for damaged in (parse_policy("OR('A.peer')")[:-5], b"\xff", bytes.fromhex("1202080a")):
        with pytest.raises(ProtocolError):
            policy_text(damaged)


def test_a_refusal_says_where() -> None:
    with pytest.raises(ProtocolError, match=r"policy, character 21: a principal is an MSP id"):
        parse_policy("OR('CityMSP.janitor')")


@given(st.text(max_size=40))
def test_a_text_is_a_policy_or_refused(text: str) -> None:
    for one in (text, f"OR({text})", f"AND('CityMSP.peer', {text})"):
        try:
            envelope = parse_policy(one)
        except ProtocolError:
            continue
        SignaturePolicy(envelope, MANAGER)


@given(st.binary(max_size=80))
def test_bytes_are_a_policy_or_refused(data: bytes) -> None:
    for use in (lambda: SignaturePolicy(data, MANAGER).satisfied_by([]), lambda: layouts(data)):
        try:
            use()
        except ProtocolError:
            continue
    with suppress(ProtocolError):
        organisations_in(data)


def test_a_rule_that_is_not_there_and_a_principal_that_is_not_there_are_refused() -> None:
    rule = policies_pb2.SignaturePolicy
    no_rule = policies_pb2.SignaturePolicyEnvelope()
    no_principal = policies_pb2.SignaturePolicyEnvelope(rule=rule(signed_by=0))
    negative = policies_pb2.SignaturePolicyEnvelope(rule=rule(signed_by=-1))
    for one in (no_rule, no_principal, negative):
        with pytest.raises(ProtocolError):
            SignaturePolicy(one.SerializeToString(), MANAGER)
    for one in (no_principal, negative):
        with pytest.raises(ProtocolError):
            layouts(one.SerializeToString())


def test_the_policys_organisations_are_named() -> None:
    assert organisations_in(parse_policy("OR('CityMSP.peer', AND('TownMSP.member', 'CityMSP.admin'))")) == {
        "CityMSP",
        "TownMSP",
    }
    identity = Principal(principal_classification=Principal.IDENTITY, principal=PEERS["TownMSP"].serialized("TownMSP"))
    unit = msp_principal_pb2.OrganizationUnit(msp_identifier="CityMSP", organizational_unit_identifier="sales")
    of_unit = Principal(principal_classification=Principal.ORGANIZATION_UNIT, principal=unit.SerializeToString())
    envelope = policies_pb2.SignaturePolicyEnvelope(identities=[identity, of_unit])
    assert organisations_in(envelope.SerializeToString()) == {"CityMSP", "TownMSP"}
    envelope.identities.add(principal_classification=Principal.ANONYMITY)
    with pytest.raises(ProtocolError):
        organisations_in(envelope.SerializeToString())


def test_layouts_are_in_the_policys_order() -> None:
    assert layouts(parse_policy("AND('A.peer', OR('C.peer', 'B.peer'))")) == [{"A": 1, "C": 1}, {"A": 1, "B": 1}]
    assert layouts(parse_policy("OutOf(2, 'C.peer', 'B.peer', 'A.peer')")) == [
        {"C": 1, "B": 1},
        {"C": 1, "A": 1},
        {"B": 1, "A": 1},
    ]


def test_layouts_leave_out_what_contains_another() -> None:
    assert layouts(parse_policy("OR(AND('A.peer', 'B.peer'), 'A.peer')")) == [{"A": 1}]
    assert smallest([{"A": 2}, {"A": 1, "B": 1}, {"A": 1}, {"A": 1}]) == [{"A": 1}]


def test_layouts_need_endorsers_of_every_principal() -> None:
    def endorses(principal: msp_principal_pb2.MSPPrincipal) -> bool:
        return msp_principal_pb2.MSPRole.FromString(principal.principal).role == msp_principal_pb2.MSPRole.PEER

    assert layouts(parse_policy("OR('A.admin', AND('B.peer', 'C.peer'))"), endorses) == [{"B": 1, "C": 1}]
    assert layouts(parse_policy("AND('A.admin', 'B.peer')"), endorses) == []


@pytest.mark.parametrize("text", ["OutOf(0, 'A.peer')", "OR('B.peer', OutOf(0, 'A.peer'))", "OutOf(2, 'A.peer')"])
def test_what_nobody_need_or_can_satisfy_alone_has_no_layout(text: str) -> None:
    assert layouts(parse_policy(text)) in ([], [{"B": 1}])


def test_a_policy_of_very_many_principals_does_no_harm() -> None:
    names = [f"'Org{number}.peer'" for number in range(40)]
    found = layouts(parse_policy(f"OutOf(20, {', '.join(names)})"))
    assert len(found) <= MAX_LAYOUTS
    assert all(sum(one.values()) == 20 for one in found)
    many = ", ".join(f"'Org{number}.peer'" for number in range(3000))
    assert layouts(parse_policy(f"OR({many})"))[0] == {"Org0": 1}


def test_policies_are_merged_with_each_principal_once() -> None:
    both = policies_pb2.SignaturePolicyEnvelope()
    both.rule.n_out_of.n = 2
    for text in ("OR('CityMSP.peer')", "AND('TownMSP.peer', 'CityMSP.peer')"):
        merge(both, policies_pb2.SignaturePolicyEnvelope.FromString(parse_policy(text)))
    assert len(both.identities) == 2
    assert [rule.n_out_of.rules[0].signed_by for rule in both.rule.n_out_of.rules] == [0, 1]
    assert layouts(both.SerializeToString()) == [{"CityMSP": 2, "TownMSP": 1}]
