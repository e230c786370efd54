"""Which organisations must endorse: the layouts that satisfy every policy a transaction touches.

Source: Fabric's `discovery/endorsement`, `discovery/support/chaincode` and `core/chaincode/lifecycle/
metadata_provider.go`. A layout says how many signatures of each organisation are needed; every organisation has one
peer.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from fabric_protos.common import policies_pb2
from fabric_protos.msp import msp_principal_pb2
from fabric_protos.peer import policy_pb2, proposal_response_pb2

from chaincode.ledger.state import StateReader
from node_client.protocol import collections
from node_client.protocol.codec import parse
from node_client.protocol.collections import Collection
from node_client.protocol.config import ChannelConfig
from node_client.protocol.definitions import LIFECYCLE, read_definition
from node_client.protocol.errors import ProtocolError
from node_client.protocol.policy import MAX_LAYOUTS, Layout, layouts, smallest
from node_client.protocol.validation import LIFECYCLE_POLICY

ChaincodeCall = proposal_response_pb2.ChaincodeCall


class NoPlan(Exception):
    """No set of organisations can be asked; the text is Fabric's."""


@dataclass(frozen=True)
class Plan:
    """Whom to ask.

    Attributes:
        layouts: the smallest sets of organisations that will do.
        endorsers: the MSP ids of the organisations whose peers may be asked at all.
    """

    layouts: tuple[Layout, ...]
    endorsers: frozenset[str]


@dataclass(frozen=True)
class _Described:
    """What planning needs to know of a chaincode: its policies as signature policies, and its collections."""

    policy: bytes
    collection_policies: dict[str, bytes]
    collections: dict[str, Collection]


class Planner:
    """Plans endorsements on a channel.

    Args:
        state: the newest state, for chaincodes' definitions.
        peers: every organisation's peer as a serialised identity, by MSP id.
        holders: gives the organisations whose peers have a chaincode.
    """

    def __init__(
        self,
        config: ChannelConfig,
        state: StateReader,
        peers: Mapping[str, bytes],
        holders: Callable[[str], frozenset[str]],
    ) -> None:
        self._config = config
        self._state = state
        self._peers = peers
        self._holders = holders

    def plan(self, calls: Iterable[ChaincodeCall]) -> Plan:
        """Plan for what a proposal touches.

        Raises:
            NoPlan: a chaincode is not defined, or its peers cannot satisfy the policies.
        """
        calls = list(calls)
        described = [self._describe(call) for call in calls]
        admitted = self._admitted(calls, described)
        found = self._combined(calls, described)
        possible = [one for one in found if _is_possible(one, admitted)]
        if not possible:
            raise NoPlan("no peer combination can satisfy the endorsement policy")
        able = self._able(calls, admitted)
        possible = [one for one in possible if _is_possible(one, able)]
        if not possible:
            raise NoPlan("required chaincodes are not installed on sufficient peers")
        return Plan(tuple(possible), frozenset(able))

    def authorised(self, calls: Iterable[ChaincodeCall]) -> frozenset[str]:
        """The organisations whose peers have the chaincodes and may read the collections (`PeersAuthorizedByCriteria`).

        Raises:
            NoPlan: a chaincode or a collection is not defined.
        """
        calls = list(calls)
        return frozenset(self._able(calls, self._admitted(calls, [self._describe(call) for call in calls])))

    def _admitted(self, calls: list[ChaincodeCall], described: list[_Described]) -> set[str]:
        admitted = set(self._peers)
        for call, one in zip(calls, described, strict=True):
            if call.collection_names and not call.no_private_reads:
                admitted &= self._members(call, one)
        return admitted

    def _able(self, calls: list[ChaincodeCall], admitted: set[str]) -> set[str]:
        return {msp_id for msp_id in admitted if all(msp_id in self._holders(call.name) for call in calls)}

    def _describe(self, call: ChaincodeCall) -> _Described:
        """Source: `MetadataProvider.Metadata`. A policy that cannot be read counts as no definition."""
        missing = f"No metadata was found for chaincode {call.name} in channel {self._config.channel}"
        try:
            if call.name == LIFECYCLE:
                return _Described(self._config.signature_policy(LIFECYCLE_POLICY), {}, {})
            definition = read_definition(self._state, call.name)
            if definition is None:
                raise NoPlan(missing)
            found = collections.explicit(definition.collections)
            policies = {}
            for name in call.collection_names:
                msp_id = collections.implicit_organisation(name)
                if msp_id is not None:
                    found[name] = collections.implicit(msp_id)
                    policies[name] = found[name].member_orgs_policy.signature_policy.SerializeToString()
                elif name in found and found[name].HasField("endorsement_policy"):
                    policies[name] = self._signature_policy(found[name].endorsement_policy)
            return _Described(self._config.application_policy(definition.policy)[1], policies, found)
        except ProtocolError as error:
            raise NoPlan(missing) from error

    def _signature_policy(self, policy: policy_pb2.ApplicationPolicy) -> bytes:
        return self._config.application_policy(policy.SerializeToString())[1]

    def _members(self, call: ChaincodeCall, described: _Described) -> set[str]:
        """The organisations whose peers may read the collections (`toIdentityFilter`)."""
        found = set(self._peers)
        for name in call.collection_names:
            collection = described.collections.get(name)
            if collection is None:
                raise NoPlan(f"collection {name} doesn't exist in collection config for chaincode {call.name}")
            principals = collection.member_orgs_policy.signature_policy.identities
            found = {msp_id for msp_id in found if any(self._is(msp_id, principal) for principal in principals)}
        return found

    def _is(self, msp_id: str, principal: msp_principal_pb2.MSPPrincipal) -> bool:
        manager = self._config.msp_manager
        return manager.satisfies(manager.member(self._peers[msp_id]), principal)

    def _combined(self, calls: list[ChaincodeCall], described: list[_Described]) -> list[Layout]:
        """The layouts that satisfy all policies (`computePrincipalSets`)."""
        envelopes: list[bytes] = []
        for call, one in zip(calls, described, strict=True):
            policies = [one.collection_policies.get(name, one.policy) for name in call.collection_names]
            policies = list(dict.fromkeys(policies)) or [one.policy]
            if call.disregard_namespace_policy and len(policies) == 1:
                if not call.key_policies:
                    raise NoPlan(
                        f"requested to disregard chaincode {call.name}'s policy but key and collection policies are "
                        "missing, either disable DisregardNamespacePolicy or specify at least one key policy or at "
                        "least one collection policy"
                    )
                continue
            envelopes += policies[1:] if call.disregard_namespace_policy else policies
        keys = [policy for call in calls for policy in call.key_policies]
        combined: list[Layout] = [{}]
        for options in (*map(self._layouts, envelopes), *map(self._key_layouts, keys)):
            combined = smallest([_merged(one, other) for one in combined for other in options])[:MAX_LAYOUTS]
        return combined

    def _layouts(self, envelope: bytes) -> Sequence[Layout]:
        return _policy_layouts(envelope)

    def _key_layouts(self, policy: policies_pb2.SignaturePolicyEnvelope) -> list[Layout]:
        try:
            if policy.HasField("rule"):
                return layouts(policy.SerializeToString(), _is_peer)
        except ProtocolError as error:
            raise NoPlan("state based endorsement policy cannot be satisfied") from error
        raise NoPlan("state based endorsement policy cannot be satisfied")


@lru_cache(maxsize=256)
def _policy_layouts(envelope: bytes) -> Sequence[Layout]:
    message = policies_pb2.SignaturePolicyEnvelope.FromString(envelope)
    if not message.identities or not message.HasField("rule"):
        raise NoPlan("policy not found")
    try:
        return tuple(layouts(envelope, _is_peer))
    except ProtocolError as error:
        raise NoPlan("endorsement policy cannot be satisfied") from error


def _is_possible(layout: Layout, msp_ids: set[str]) -> bool:
    return all(count <= 1 and msp_id in msp_ids for msp_id, count in layout.items())


def _is_peer(principal: msp_principal_pb2.MSPPrincipal) -> bool:
    """Whether peers can be this principal: they have no other role than their own."""
    if principal.principal_classification != msp_principal_pb2.MSPPrincipal.ROLE:
        return True
    role = parse(msp_principal_pb2.MSPRole, principal.principal, "role").role
    return role in (msp_principal_pb2.MSPRole.MEMBER, msp_principal_pb2.MSPRole.PEER)


def _merged(one: Layout, other: Layout) -> Layout:
    return {name: max(one.get(name, 0), other.get(name, 0)) for name in dict.fromkeys((*one, *other))}
