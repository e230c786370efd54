"""Policies: whose signatures something needs.

Signature policies follow Fabric's `common/cauthdsl`: a signature counts once, one identity's signatures count as one.
Implicit meta policies follow `common/policies/implicitmeta.go`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Protocol

from fabric_protos.common import policies_pb2
from fabric_protos.msp import identities_pb2, msp_principal_pb2

from node_client.protocol.codec import parse
from node_client.protocol.errors import ProtocolError
from node_client.protocol.msp import Member, MspManager

Layout = Mapping[str, int]
MAX_LAYOUTS = 500  # of those that a policy of very many principals has


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
        self._requirements = [manager.requirement(principal) for principal in message.identities]
        self._rule = self._compile(message.rule)

    def satisfied_by(self, members: Sequence[Member]) -> bool:
        """Whether these identities, each with a signature that holds, satisfy the policy."""
        return self._rule(members, set())

    def _compile(self, rule: policies_pb2.SignaturePolicy) -> Callable[[Sequence[Member], set[int]], bool]:
        kind = rule.WhichOneof("Type")
        if kind == "signed_by":
            if not 0 <= rule.signed_by < len(self._requirements):
                raise ProtocolError("a signature policy refers to a principal that it does not have")
            is_meant = self._requirements[rule.signed_by]

            def signed_by(members: Sequence[Member], used: set[int]) -> bool:
                for place, member in enumerate(members):
                    if place not in used and is_meant(member):
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
    """So many of the subgroups' policies of one name: ANY, ALL or MAJORITY of them.

    Attributes:
        sub_policy: that name.
    """

    policies: tuple[Policy, ...]
    threshold: int
    sub_policy: str

    def satisfied_by(self, members: Sequence[Member]) -> bool:
        """Whether enough of the subgroups' policies are satisfied."""
        found = 0
        for policy in self.policies:
            if policy.satisfied_by(members):
                found += 1
                if found >= self.threshold:
                    return True
        return found >= self.threshold


def unsatisfied(policy: Policy, members: Sequence[Member]) -> str:
    """How Fabric says that these identities do not satisfy a policy (`policies/implicitmeta.go`, `cauthdsl/policy.go`).

    Empty when they do.
    """
    if policy.satisfied_by(members):
        return ""
    if not isinstance(policy, ImplicitMetaPolicy):
        return "signature set did not satisfy policy"
    satisfied = sum(one.satisfied_by(members) for one in policy.policies)
    return (
        f"implicit policy evaluation failed - {satisfied} sub-policies were satisfied, but this policy requires "
        f"{policy.threshold} of the '{policy.sub_policy}' sub-policies to be satisfied"
    )


def implicit_meta_threshold(rule: int, count: int) -> int:
    """How many of so many subgroups' policies an implicit meta policy asks for. Raises ProtocolError."""
    kind = policies_pb2.ImplicitMetaPolicy
    thresholds: dict[int, int] = {
        kind.ANY: min(1, count),
        kind.ALL: count,
        kind.MAJORITY: count // 2 + 1 if count else 0,
    }
    if rule not in thresholds:
        raise ProtocolError("an implicit meta policy asks for something that is not known")
    return thresholds[rule]


def merge(envelope: policies_pb2.SignaturePolicyEnvelope, other: policies_pb2.SignaturePolicyEnvelope) -> None:
    """Make another policy one of the rules that this one chooses from; principals of both are there once."""
    places = {(one.principal_classification, one.principal): place for place, one in enumerate(envelope.identities)}
    numbers = []
    for one in other.identities:
        key = (one.principal_classification, one.principal)
        if key not in places:
            places[key] = len(places)
            envelope.identities.append(one)
        numbers.append(places[key])

    def renumbered(rule: policies_pb2.SignaturePolicy) -> policies_pb2.SignaturePolicy:
        if rule.WhichOneof("Type") == "n_out_of":
            rules = [renumbered(one) for one in rule.n_out_of.rules]
            return policies_pb2.SignaturePolicy(
                n_out_of=policies_pb2.SignaturePolicy.NOutOf(n=rule.n_out_of.n, rules=rules)
            )
        if not 0 <= rule.signed_by < len(numbers):
            raise ProtocolError("a signature policy refers to a principal that it does not have")
        return policies_pb2.SignaturePolicy(signed_by=numbers[rule.signed_by])

    envelope.rule.n_out_of.rules.append(renumbered(other.rule))


def organisations_in(envelope: bytes) -> frozenset[str]:
    """The MSPs that a signature policy names. Raises ProtocolError when one of its principals names none."""
    message = parse(policies_pb2.SignaturePolicyEnvelope, envelope, "signature policy")
    return frozenset(_msp_of(principal) for principal in message.identities)


def layouts(
    envelope: bytes, endorses: Callable[[msp_principal_pb2.MSPPrincipal], bool] = lambda _: True
) -> list[Layout]:
    """The smallest sets of organisations that satisfy a signature policy: how many signatures of each MSP.

    In the policy's own order, without a layout that contains another (Fabric's `common/policies/inquire`). None where
    no set satisfies the policy, and for a policy that is satisfied without any signature.

    Args:
        endorses: whether organisations have endorsers that are this principal.

    Raises:
        ProtocolError: it is not well formed, or a principal names no organisation.
    """
    message = parse(policies_pb2.SignaturePolicyEnvelope, envelope, "signature policy")
    principals = list(message.identities)

    def options(rule: policies_pb2.SignaturePolicy) -> list[Layout]:
        if rule.WhichOneof("Type") == "signed_by":
            if not 0 <= rule.signed_by < len(principals):
                raise ProtocolError("a signature policy refers to a principal that it does not have")
            principal = principals[rule.signed_by]
            return [{_msp_of(principal): 1}] if endorses(principal) else []
        return _choose([options(one) for one in rule.n_out_of.rules], rule.n_out_of.n)

    return options(message.rule)


def _choose(choices: Sequence[Sequence[Layout]], needed: int) -> list[Layout]:
    """The smallest layouts that come of so many of the choices, the first ones first."""
    if needed < 1:
        return []
    # What taking so many of the choices comes to, of those looked at so far.
    taken: list[dict[frozenset[tuple[str, int]], Layout]] = [{} for _ in range(min(needed, len(choices)) + 1)]
    taken[0] = {frozenset(): {}}
    for choice in choices:
        for fewer, more in reversed(list(pairwise(taken))):
            for one, other in product(list(fewer.values()), choice):
                if len(more) == MAX_LAYOUTS:
                    break
                both = _sum(one, other)
                more.setdefault(frozenset(both.items()), both)
    return smallest(list(taken[needed].values())) if needed < len(taken) else []


def smallest(options: Sequence[Layout]) -> list[Layout]:
    """The layouts that contain no other one, each once, in their order."""
    found: dict[frozenset[tuple[str, int]], Layout] = {}
    for option in options:
        found.setdefault(frozenset(option.items()), option)
    different = list(found.values())
    return [one for one in different if not any(other is not one and _contains(one, other) for other in different)]


def _sum(one: Layout, other: Layout) -> Layout:
    return {name: one.get(name, 0) + other.get(name, 0) for name in dict.fromkeys((*one, *other))}


def _contains(one: Layout, other: Layout) -> bool:
    return all(one.get(name, 0) >= count for name, count in other.items())


def _msp_of(principal: msp_principal_pb2.MSPPrincipal) -> str:
    kind = msp_principal_pb2.MSPPrincipal
    if principal.principal_classification == kind.ROLE:
        return parse(msp_principal_pb2.MSPRole, principal.principal, "role").msp_identifier
    if principal.principal_classification == kind.ORGANIZATION_UNIT:
        return parse(msp_principal_pb2.OrganizationUnit, principal.principal, "organisational unit").msp_identifier
    if principal.principal_classification == kind.IDENTITY:
        return parse(identities_pb2.SerializedIdentity, principal.principal, "identity").mspid
    raise ProtocolError("a principal that names no organisation")
