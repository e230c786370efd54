"""A channel's configuration, read from its configuration block. Source: Fabric's `common/channelconfig`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from fabric_protos.common import common_pb2, configtx_pb2, configuration_pb2, policies_pb2
from fabric_protos.msp import identities_pb2, msp_config_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_configuration_pb2
from fabric_protos.peer import configuration_pb2 as peer_configuration_pb2
from fabric_protos.peer import policy_pb2

from node_client.protocol.block import Block, parse_block
from node_client.protocol.codec import parse
from node_client.protocol.config_elements import Element, elements
from node_client.protocol.duration import SECOND, parse_duration
from node_client.protocol.errors import ProtocolError
from node_client.protocol.msp import Member, Msp, MspManager
from node_client.protocol.policy import (
    ImplicitMetaPolicy,
    Policy,
    SignaturePolicy,
    implicit_meta_threshold,
    merge,
    unsatisfied,
)

REMEMBERED = 256  # endorsement policies that are kept as they were read
DEFAULT_ACLS = {
    "_lifecycle/CheckCommitReadiness": "/Channel/Application/Writers",
    "_lifecycle/CommitChaincodeDefinition": "/Channel/Application/Writers",
    "_lifecycle/QueryChaincodeDefinition": "/Channel/Application/Writers",
    "_lifecycle/QueryChaincodeDefinitions": "/Channel/Application/Writers",
    "qscc/GetChainInfo": "/Channel/Application/Readers",
    "qscc/GetBlockByNumber": "/Channel/Application/Readers",
    "qscc/GetBlockByHash": "/Channel/Application/Readers",
    "qscc/GetTransactionByID": "/Channel/Application/Readers",
    "qscc/GetBlockByTxID": "/Channel/Application/Readers",
    "cscc/GetConfigBlock": "/Channel/Application/Readers",
    "cscc/GetChannelConfig": "/Channel/Application/Readers",
    "peer/Propose": "/Channel/Application/Writers",
    "peer/ChaincodeToChaincode": "/Channel/Application/Writers",
    "event/Block": "/Channel/Application/Readers",
    "event/FilteredBlock": "/Channel/Application/Readers",
    "gateway/CommitStatus": "/Channel/Application/Readers",
    "gateway/ChaincodeEvents": "/Channel/Application/Readers",
}


@dataclass(frozen=True)
class BatchSize:
    """When the orderers cut a block: messages, bytes at most, bytes preferred."""

    max_message_count: int
    absolute_max_bytes: int
    preferred_max_bytes: int


class Configuration:
    """A configuration of a channel, in force or not.

    Args:
        channel: the channel's name.
        config: `common.Config`.

    Raises:
        ProtocolError: it is none.
    """

    def __init__(self, channel: str, config: bytes) -> None:
        self._config = parse(configtx_pb2.Config, config, "configuration")
        self.channel = channel
        self.sequence = self._config.sequence
        self._policies: dict[str, Policy] = {}
        self._application_policies: dict[bytes, tuple[Policy, bytes]] = {}

    @property
    def encoded(self) -> bytes:
        """The configuration as `common.Config`."""
        return self._config.SerializeToString()

    @property
    def channel_group(self) -> configtx_pb2.ConfigGroup:
        """All of it; not to be changed."""
        return self._config.channel_group

    @cached_property
    def elements(self) -> Mapping[str, Element]:
        """Everything in the configuration that has a version of its own, by key."""
        return elements(self._config.channel_group)

    @cached_property
    def organisations(self) -> Mapping[str, str]:
        """The application's organisations: name → MSP id."""
        return {name: _msp(group).name for name, group in sorted(self._application.groups.items())}

    @cached_property
    def msp_manager(self) -> MspManager:
        """Every organisation's MSP, of application and ordering, by their names."""
        groups = [*self._application.groups.values(), *self._orderer.groups.values()]
        found = {msp.name: msp for msp in map(_msp, groups)}
        return MspManager(found[name] for name in sorted(found))  # protobuf's maps have no order

    @cached_property
    def orderer_msps(self) -> tuple[Msp, ...]:
        """The MSPs of the organisations that order."""
        return tuple(_msp(group) for _, group in sorted(self._orderer.groups.items()))

    @cached_property
    def consensus(self) -> bytes:
        """How orderers agree, `orderer.ConsensusType`."""
        return _value(self._orderer, "ConsensusType")

    @cached_property
    def in_maintenance(self) -> bool:
        """Whether the orderers take nothing but changes of how they agree."""
        state = parse(orderer_configuration_pb2.ConsensusType, self.consensus, "ConsensusType").state
        return state == orderer_configuration_pb2.ConsensusType.STATE_MAINTENANCE

    @cached_property
    def batch_size(self) -> BatchSize:
        """When the orderers cut a block by size."""
        message = parse(orderer_configuration_pb2.BatchSize, _value(self._orderer, "BatchSize"), "BatchSize")
        return BatchSize(message.max_message_count, message.absolute_max_bytes, message.preferred_max_bytes)

    @cached_property
    def batch_timeout(self) -> float:
        """When the orderers cut a block by time, in seconds."""
        message = parse(orderer_configuration_pb2.BatchTimeout, _value(self._orderer, "BatchTimeout"), "BatchTimeout")
        return parse_duration(message.timeout) / SECOND

    @cached_property
    def orderer_addresses(self) -> Mapping[str, tuple[str, ...]]:
        """Every ordering organisation's endpoints: name → `host:port`."""
        found = {}
        for name, group in self._orderer.groups.items():
            value = parse(configuration_pb2.OrdererAddresses, _value(group, "Endpoints"), "Endpoints")
            found[name] = tuple(value.addresses)
        return found

    @cached_property
    def anchor_peers(self) -> Mapping[str, tuple[str, ...]]:
        """Every application organisation's anchor peers: name → `host:port`."""
        found = {}
        for name, group in self._application.groups.items():
            value = parse(peer_configuration_pb2.AnchorPeers, _value(group, "AnchorPeers"), "AnchorPeers")
            found[name] = tuple(f"{one.host}:{one.port}" for one in value.anchor_peers)
        return found

    @cached_property
    def consenters(self) -> Mapping[int, bytes]:
        """The orderers that sign blocks by their numbers, as with BFT: number → serialised identity."""
        message = parse(configuration_pb2.Orderers, _value(self._orderer, "Orderers"), "Orderers")
        return {
            one.id: identities_pb2.SerializedIdentity(mspid=one.msp_id, id_bytes=one.identity).SerializeToString()
            for one in message.consenter_mapping
        }

    @cached_property
    def capabilities(self) -> Mapping[str, frozenset[str]]:
        """The capabilities of channel, orderer and application."""
        groups = {
            "Channel": self._config.channel_group,
            "Orderer": self._orderer,
            "Application": self._application,
        }
        return {
            name: frozenset(parse(configuration_pb2.Capabilities, _value(group, "Capabilities"), name).capabilities)
            for name, group in groups.items()
        }

    @cached_property
    def acls(self) -> Mapping[str, str]:
        """The policy of each resource."""
        message = parse(peer_configuration_pb2.ACLs, _value(self._application, "ACLs"), "ACLs")
        stated = {
            name: ref.policy_ref if ref.policy_ref.startswith("/") else f"/Channel/Application/{ref.policy_ref}"
            for name, ref in message.acls.items()
        }
        return {**DEFAULT_ACLS, **stated}

    def policy(self, path: str) -> Policy:
        """The policy at a path such as `/Channel/Application/Writers`.

        Raises:
            ProtocolError: there is none.
        """
        if path not in self._policies:
            group, name = self._place(path)
            self._policies[path] = self._compile(group, name, path)
        return self._policies[path]

    def unsatisfied(self, path: str, members: Sequence[Member]) -> str:
        """How Fabric says that these do not satisfy the policy at a path; empty when they do."""
        try:
            return unsatisfied(self.policy(path), members)
        except ProtocolError:
            return f"no such policy: '{path.rpartition('/')[2]}'"

    def signature_policy(self, path: str) -> bytes:
        """The policy at a path as a signature policy's envelope; an implicit meta policy is put as one.

        Raises:
            ProtocolError: there is none.
        """
        return self._convert(*self._place(path), path).SerializeToString(deterministic=True)

    def application_policy(self, data: bytes) -> tuple[Policy, bytes]:
        """A chaincode's endorsement policy (`protos.ApplicationPolicy`), and the same as a signature policy's envelope.

        Raises:
            ProtocolError: it is not well formed or refers to a policy that is not there.
        """
        if data not in self._application_policies:
            if len(self._application_policies) >= REMEMBERED:
                self._application_policies.clear()
            self._application_policies[data] = self._read_application_policy(data)
        return self._application_policies[data]

    def _read_application_policy(self, data: bytes) -> tuple[Policy, bytes]:
        message = parse(policy_pb2.ApplicationPolicy, data, "application policy")
        if message.WhichOneof("Type") == "signature_policy":
            envelope = message.signature_policy.SerializeToString(deterministic=True)
            return SignaturePolicy(envelope, self.msp_manager), envelope
        path = message.channel_config_policy_reference
        path = path if path.startswith("/") else f"/Channel/Application/{path}"
        return self.policy(path), self.signature_policy(path)

    def _place(self, path: str) -> tuple[configtx_pb2.ConfigGroup, str]:
        """The group that has the policy at a path, and the policy's name in it."""
        *groups, name = path.strip("/").split("/")
        if groups[:1] != ["Channel"]:
            raise ProtocolError(f"no policy {path}")
        group = self._config.channel_group
        for part in groups[1:]:
            group = _group(group, part)
        return group, name

    def _compile(self, group: configtx_pb2.ConfigGroup, name: str, path: str) -> Policy:
        policy = _policy(group, name, path)
        if policy.type == policies_pb2.Policy.SIGNATURE:
            return SignaturePolicy(policy.value, self.msp_manager)
        meta = _implicit_meta(policy, path)
        # A group without the policy counts as one whose policy nobody satisfies.
        below = [
            self._compile(child, meta.sub_policy, f"{path}/{key}") if meta.sub_policy in child.policies else None
            for key, child in sorted(group.groups.items())
        ]
        threshold = implicit_meta_threshold(meta.rule, len(below))
        return ImplicitMetaPolicy(tuple(one for one in below if one), threshold, meta.sub_policy)

    def _convert(self, group: configtx_pb2.ConfigGroup, name: str, path: str) -> policies_pb2.SignaturePolicyEnvelope:
        """Source: Fabric's `common/policies/convert.go`."""
        policy = _policy(group, name, path)
        if policy.type == policies_pb2.Policy.SIGNATURE:
            return parse(policies_pb2.SignaturePolicyEnvelope, policy.value, path)
        meta = _implicit_meta(policy, path)
        envelope = policies_pb2.SignaturePolicyEnvelope()
        envelope.rule.n_out_of.n = implicit_meta_threshold(meta.rule, len(group.groups))
        for key, child in sorted(group.groups.items()):
            if meta.sub_policy in child.policies:
                merge(envelope, self._convert(child, meta.sub_policy, f"{path}/{key}"))
        return envelope

    @property
    def _application(self) -> configtx_pb2.ConfigGroup:
        return _group(self._config.channel_group, "Application")

    @property
    def _orderer(self) -> configtx_pb2.ConfigGroup:
        return _group(self._config.channel_group, "Orderer")


class ChannelConfig(Configuration):
    """The configuration that a block puts into force.

    Args:
        block: the configuration block.

    Raises:
        ProtocolError: it is none.
    """

    def __init__(self, block: Block) -> None:
        if len(block.envelopes) != 1:
            raise ProtocolError("a configuration block holds one configuration")
        envelope = parse(common_pb2.Envelope, block.envelopes[0], "envelope")
        payload = parse(common_pb2.Payload, envelope.payload, "payload")
        header = parse(common_pb2.ChannelHeader, payload.header.channel_header, "channel header")
        if header.type != common_pb2.CONFIG:
            raise ProtocolError("the block holds no configuration")
        config = parse(configtx_pb2.ConfigEnvelope, payload.data, "configuration").config
        super().__init__(header.channel_id, config.SerializeToString())
        self.block = block

    @classmethod
    def from_bytes(cls, data: bytes) -> "ChannelConfig":
        """Read the configuration from a block's bytes. Raises ProtocolError."""
        return cls(parse_block(data))


def _group(parent: configtx_pb2.ConfigGroup, name: str) -> configtx_pb2.ConfigGroup:
    # Looking an absent key up would add it to a protobuf map.
    if name not in parent.groups:
        raise ProtocolError(f"the configuration has no group {name}")
    return parent.groups[name]


def _policy(group: configtx_pb2.ConfigGroup, name: str, path: str) -> policies_pb2.Policy:
    if name not in group.policies:
        raise ProtocolError(f"no policy {path}")
    return group.policies[name].policy


def _implicit_meta(policy: policies_pb2.Policy, path: str) -> policies_pb2.ImplicitMetaPolicy:
    if policy.type != policies_pb2.Policy.IMPLICIT_META:
        raise ProtocolError(f"the policy {path} is of an unknown type")
    return parse(policies_pb2.ImplicitMetaPolicy, policy.value, path)


def _value(group: configtx_pb2.ConfigGroup, name: str) -> bytes:
    return group.values[name].value if name in group.values else b""


def _msp(group: configtx_pb2.ConfigGroup) -> Msp:
    message = parse(msp_config_pb2.MSPConfig, _value(group, "MSP"), "MSP definition")
    return Msp(message.config)
