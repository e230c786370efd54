"""Policies: whose signatures something needs.

Signature policies follow Fabric's `common/cauthdsl`: a signature counts once, one identity's signatures count as one.
Implicit meta policies follow `common/policies/implicitmeta.go`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from fabric_protos.common import policies_pb2
from fabric_protos.msp import msp_principal_pb2

from node_client.protocol.codec import parse
from node_client.protocol.errors import ProtocolError
from node_client.protocol.msp import Member, MspError, MspManager


@dataclass(frozen=True)
class SignedData:
    """A signature, over what, and by whom (serialised)."""

    message: bytes
    identity: bytes
    signature: bytes


class Policy(Protocol):
    """Something that a set of identities satisfies or not."""

    def satisfied_by(self, members: Sequence[Member]) -> bool: ...


def signers(manager: MspManager, signed: Iterable[SignedData]) -> list[Member]:
    """The identities whose signatures hold, each once; others do not count (`SignatureSetToValidIdentities`)."""
    found: dict[tuple[str, bytes], Member] = {}
    for one in signed:
        try:
            member = manager.member(one.identity)
        except ProtocolError:
            continue
        if member.key not in found and member.verify(one.signature, one.message):
            found[member.key] = member
    return list(found.values())


class SignaturePolicy:
    """A policy over principals: `AND`, `OR` and `OutOf`.

    Args:
        envelope: `common.SignaturePolicyEnvelope`.
        manager: the channel's organisations.

    Raises:
        ProtocolError: the envelope is not well formed.
    """

    def __init__(self, envelope: bytes, manager: MspManager) -> None:
        message = parse(policies_pb2.SignaturePolicyEnvelope, envelope, "signature policy")
        self.envelope = envelope
        self._manager = manager
        self._principals = list(message.identities)
        self._rule = self._compile(message.rule)

    def satisfied_by(self, members: Sequence[Member]) -> bool:
        """Whether these identities, each with a signature that holds, satisfy the policy."""
        return self._rule(members, set())

    def _compile(self, rule: policies_pb2.SignaturePolicy) -> Callable[[Sequence[Member], set[int]], bool]:
        kind = rule.WhichOneof("Type")
        if kind == "signed_by":
            if not 0 <= rule.signed_by < len(self._principals):
                raise ProtocolError("a signature policy refers to a principal that it does not have")
            principal = self._principals[rule.signed_by]

            def signed_by(members: Sequence[Member], used: set[int]) -> bool:
                for place, member in enumerate(members):
                    if place not in used and self._manager.satisfies(member, principal):
                        used.add(place)
                        return True
                return False

            return signed_by
        if kind == "n_out_of":
            rules = [self._compile(one) for one in rule.n_out_of.rules]
            needed = rule.n_out_of.n

            def out_of(members: Sequence[Member], used: set[int]) -> bool:
                verified = 0
                for one in rules:
                    attempt = set(used)
                    if one(members, attempt):
                        verified += 1
                        used.clear()
                        used.update(attempt)
                return verified >= needed

            return out_of
        raise ProtocolError("a signature policy without a rule")


@dataclass(frozen=True)
class ImplicitMetaPolicy:
    """So many of the subgroups' policies of one name: ANY, ALL or MAJORITY of them."""

    policies: tuple[Policy, ...]
    threshold: int

    def satisfied_by(self, members: Sequence[Member]) -> bool:
        """Whether enough of the subgroups' policies are satisfied."""
        found = 0
        for policy in self.policies:
            if policy.satisfied_by(members):
                found += 1
                if found >= self.threshold:
                    return True
        return found >= self.threshold


def implicit_meta(
    rule: policies_pb2.ImplicitMetaPolicy.Rule.ValueType, policies: Sequence[Policy]
) -> ImplicitMetaPolicy:
    """An implicit meta policy over the subgroups' policies."""
    kind = policies_pb2.ImplicitMetaPolicy
    count = len(policies)
    threshold = {kind.ANY: min(1, count), kind.ALL: count, kind.MAJORITY: count // 2 + 1 if count else 0}[rule]
    return ImplicitMetaPolicy(tuple(policies), threshold)


def organisations_in(envelope: bytes) -> frozenset[str]:
    """The MSPs that a signature policy names."""
    message = parse(policies_pb2.SignaturePolicyEnvelope, envelope, "signature policy")
    return frozenset(_msp_of(principal) for principal in message.identities)


def layouts(envelope: bytes) -> list[Mapping[str, int]]:
    """The smallest sets of organisations that satisfy a signature policy: how many signatures of each MSP.

    In the policy's own order, without a layout that contains another (Fabric's `common/policies/inquire`).
    """
    message = parse(policies_pb2.SignaturePolicyEnvelope, envelope, "signature policy")
    names = [_msp_of(principal) for principal in message.identities]

    def combinations(rule: policies_pb2.SignaturePolicy) -> list[tuple[int, ...]]:
        if rule.WhichOneof("Type") == "signed_by":
            return [(rule.signed_by,)]
        choices = [combinations(one) for one in rule.n_out_of.rules]
        return _choose(choices, rule.n_out_of.n)

    found: list[Mapping[str, int]] = []
    for places in combinations(message.rule):
        counts: dict[str, int] = {}
        for place in places:
            counts[names[place]] = counts.get(names[place], 0) + 1
        if counts not in found:
            found.append(counts)
    return [one for one in found if not any(_contains(one, other) for other in found if other != one)]


def _choose(choices: list[list[tuple[int, ...]]], needed: int) -> list[tuple[int, ...]]:
    if needed == 0:
        return [()]
    if len(choices) < needed:
        return []
    first, rest = choices[0], choices[1:]
    with_first = [one + others for one in first for others in _choose(rest, needed - 1)]
    return with_first + _choose(rest, needed)


def _contains(one: Mapping[str, int], other: Mapping[str, int]) -> bool:
    return all(one.get(name, 0) >= count for name, count in other.items())


def _msp_of(principal: msp_principal_pb2.MSPPrincipal) -> str:
    kind = msp_principal_pb2.MSPPrincipal
    if principal.principal_classification == kind.ROLE:
        return parse(msp_principal_pb2.MSPRole, principal.principal, "role").msp_identifier
    if principal.principal_classification == kind.ORGANIZATION_UNIT:
        return parse(msp_principal_pb2.OrganizationUnit, principal.principal, "organisational unit").msp_identifier
    raise MspError("a principal that names no organisation")
