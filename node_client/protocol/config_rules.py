"""What a channel's configuration must be like, and what it may become.

Source: Fabric's `common/channelconfig` (`NewBundle`, `ValidateNew`) and `common/policies`; the texts are its, except
about what is wrong within an MSP.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from fabric_protos.common import configtx_pb2, configuration_pb2, policies_pb2
from fabric_protos.msp import msp_config_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_pb2
from fabric_protos.peer import configuration_pb2 as peer_pb2
from google.protobuf.message import DecodeError, Message

from node_client.protocol.config import Configuration
from node_client.protocol.duration import format_duration, parse_duration
from node_client.protocol.errors import ProtocolError
from node_client.protocol.msp import Msp

UNREADABLE = "proto: cannot parse invalid wire-format data"
V3 = "V3_0"
# What this version of Fabric knows; a newer capability implies those before it.
CAPABILITIES = {
    "Channel": ("V1_1", "V1_3", "V1_4_2", "V1_4_3", "V2_0", V3),
    "Orderer": ("V1_1", "V1_4_2", "V2_0"),
    "Application": (
        *("V1_1", "V1_2", "V1_3", "V1_4_2", "V2_0", "V2_5"),
        *("V1_1_PVTDATA_EXPERIMENTAL", "V1_1_RESOURCETREE_EXPERIMENTAL"),
    ),
}
_ENDPOINTS_SINCE = frozenset({"V1_4_2", "V1_4_3", "V2_0", V3})
_ACLS_SINCE = frozenset({"V1_2", "V1_3", "V1_4_2", "V2_0", "V2_5"})
_WIDTH = 2**32 - 1

Kinds = Mapping[str, type[Message]]
Group = configtx_pb2.ConfigGroup
_ORGANISATION: Kinds = {"MSP": msp_config_pb2.MSPConfig}
_VALUES: Mapping[str, Kinds] = {
    "Channel": {
        "HashingAlgorithm": configuration_pb2.HashingAlgorithm,
        "BlockDataHashingStructure": configuration_pb2.BlockDataHashingStructure,
        "OrdererAddresses": configuration_pb2.OrdererAddresses,
        "Orderers": configuration_pb2.Orderers,
        "Consortium": configuration_pb2.Consortium,
        "Capabilities": configuration_pb2.Capabilities,
    },
    "Orderer": {
        "ConsensusType": orderer_pb2.ConsensusType,
        "BatchSize": orderer_pb2.BatchSize,
        "BatchTimeout": orderer_pb2.BatchTimeout,
        "KafkaBrokers": orderer_pb2.KafkaBrokers,
        "ChannelRestrictions": orderer_pb2.ChannelRestrictions,
        "Orderers": configuration_pb2.Orderers,
        "Capabilities": configuration_pb2.Capabilities,
    },
    "Application": {"ACLs": peer_pb2.ACLs, "Capabilities": configuration_pb2.Capabilities},
    "an organisation of Orderer": {**_ORGANISATION, "Endpoints": configuration_pb2.OrdererAddresses},
    "an organisation of Application": {**_ORGANISATION, "AnchorPeers": peer_pb2.AnchorPeers},
}


def value_kind(path: tuple[str, ...]) -> type[Message] | None:
    """The message that a value is, by the value's path, such as Channel, Orderer, BatchSize; None for no value."""
    *groups, name = path
    where = groups[-1] if len(groups) < 3 else f"an organisation of {groups[-2]}"
    return _VALUES.get(where, {}).get(name)


@contextmanager
def _about(text: str) -> Iterator[None]:
    """Say what an error is about."""
    try:
        yield
    except ProtocolError as error:
        raise ProtocolError(f"{text}: {error}") from error


def check_config(config: Configuration) -> None:
    """Check that a configuration is one. Raises ProtocolError."""
    group = config.channel_group
    _check_order_of_capabilities(group)
    with _about("initializing channelconfig failed"):
        _check_channel(group)
    with _about("initializing policymanager failed"):
        _check_policies(group, "Channel")
    with _about("initializing configtx manager failed: error converting config to map"):
        _ = config.elements


def check_capabilities(config: Configuration, group: str) -> None:
    """Check that the capabilities of Channel, Orderer or Application are known. Raises ProtocolError."""
    found = config.channel_group if group == "Channel" else config.channel_group.groups.get(group)
    for name in sorted(_capabilities(found) if found is not None else ()):
        if name not in CAPABILITIES[group]:
            raise ProtocolError(f"{group} capability {name} is required but not supported")


def check_successor(config: Configuration, new: Configuration) -> None:
    """Check that one configuration may follow another (`ValidateNew`). Raises ProtocolError."""
    old_group, new_group = config.channel_group, new.channel_group
    for name in ("Orderer", "Application"):
        if name in old_group.groups and name not in new_group.groups:
            raise ProtocolError(f"current config has {name.lower()} section, but new config does not")
    if "Consortiums" in new_group.groups and "Consortiums" not in old_group.groups:
        raise ProtocolError("current config has no consortiums section, but new config does")
    if not config.capabilities["Channel"] & _ENDPOINTS_SINCE:
        before, after = (_consensus(one).type for one in (old_group, new_group))
        if before != after:
            raise ProtocolError(f"attempted to change consensus type from {before} to {after}")
    for name in ("Orderer", "Application"):
        for organisation, one in sorted(old_group.groups[name].groups.items()):
            if organisation in new_group.groups[name].groups:
                before, after = (_msp_id(part) for part in (one, new_group.groups[name].groups[organisation]))
                if before != after:
                    who = f"{name.lower()} org {organisation}"
                    raise ProtocolError(f"{who} attempted to change MSP ID from {before} to {after}")


def _consensus(group: Group) -> orderer_pb2.ConsensusType:
    return orderer_pb2.ConsensusType.FromString(group.groups["Orderer"].values["ConsensusType"].value)


def _msp_id(organisation: Group) -> str:
    return Msp(msp_config_pb2.MSPConfig.FromString(organisation.values["MSP"].value).config).name


def _check_order_of_capabilities(group: Group) -> None:
    if "Orderer" not in group.groups or "Capabilities" in group.groups["Orderer"].values:
        return
    if "Capabilities" in group.values:
        raise ProtocolError("cannot enable channel capabilities without orderer support first")
    if "Application" in group.groups and "Capabilities" in group.groups["Application"].values:
        raise ProtocolError("cannot enable application capabilities without orderer support first")


def _check_channel(group: Group) -> None:
    _read(group, "Channel")
    algorithm = configuration_pb2.HashingAlgorithm.FromString(_value(group, "HashingAlgorithm")).name
    if algorithm not in ("SHA256", "SHA3_256"):
        raise ProtocolError(f"Unknown hashing algorithm type: {algorithm}")
    structure = configuration_pb2.BlockDataHashingStructure.FromString(_value(group, "BlockDataHashingStructure"))
    if structure.width != _WIDTH:
        raise ProtocolError("BlockDataHashStructure width only supported at MaxUint32 in this version")
    capabilities = _capabilities(group)
    addresses = configuration_pb2.OrdererAddresses.FromString(_value(group, "OrdererAddresses")).addresses
    if not addresses and not capabilities & _ENDPOINTS_SINCE:
        raise ProtocolError("Must set some OrdererAddresses")
    if addresses and V3 in capabilities:
        raise ProtocolError(
            "global OrdererAddresses are not allowed with V3_0 capability, use org specific addresses only"
        )
    msps: dict[str, msp_config_pb2.MSPConfig] = {}
    for name in sorted(group.groups):
        if name not in ("Application", "Orderer", "Consortiums"):
            raise ProtocolError(f"Disallowed channel group: {name}")
        with _about(f"could not create channel {name} sub-group config"):
            if name == "Application":
                _check_application(group.groups[name], msps)
            elif name == "Orderer":
                _check_orderer(group.groups[name], capabilities, msps)


def _check_application(group: Group, msps: dict[str, msp_config_pb2.MSPConfig]) -> None:
    _read(group, "Application")
    if "ACLs" in group.values and not _capabilities(group) & _ACLS_SINCE:
        raise ProtocolError("ACLs may not be specified without the required capability")
    for name, organisation in sorted(group.groups.items()):
        if organisation.groups:
            raise ProtocolError("ApplicationOrg config does not allow sub-groups")
        _check_organisation(name, organisation, "Application", msps)


def _check_orderer(group: Group, capabilities: frozenset[str], msps: dict[str, msp_config_pb2.MSPConfig]) -> None:
    _read(group, "Orderer")
    batch = orderer_pb2.BatchSize.FromString(_value(group, "BatchSize"))
    for field in ("max_message_count", "absolute_max_bytes", "preferred_max_bytes"):
        if not getattr(batch, field):
            name = field.replace("_", " ")
            raise ProtocolError(f"Attempted to set the batch size {name} to an invalid value: 0")
    if batch.preferred_max_bytes > batch.absolute_max_bytes:
        raise ProtocolError(
            f"Attempted to set the batch size preferred max bytes ({batch.preferred_max_bytes}) greater than the "
            f"absolute max bytes ({batch.absolute_max_bytes})."
        )
    _check_timeout(orderer_pb2.BatchTimeout.FromString(_value(group, "BatchTimeout")).timeout)
    for name, organisation in sorted(group.groups.items()):
        if organisation.groups:
            raise ProtocolError("OrdererOrg config does not allow sub-groups")
        if "Endpoints" in organisation.values and not capabilities & _ENDPOINTS_SINCE:
            raise ProtocolError(
                f"Orderer Org {name} cannot contain endpoints value until V1_4_2+ capabilities have been enabled"
            )
        _check_organisation(name, organisation, "Orderer", msps)
    silent = [name for name, one in sorted(group.groups.items()) if not _endpoints(one)]
    if silent and V3 in capabilities:
        raise ProtocolError(f"some orderer organizations endpoints are empty: [{' '.join(silent)}]")


def _check_timeout(text: str) -> None:
    try:
        timeout = parse_duration(text)
    except ProtocolError as error:
        invalid = f'time: invalid duration "{text}"'
        raise ProtocolError(f"Attempted to set the batch timeout to a invalid value: {invalid}") from error
    if timeout <= 0:
        raise ProtocolError(f"Attempted to set the batch timeout to a non-positive value: {format_duration(timeout)}")


def _check_organisation(name: str, group: Group, parent: str, msps: dict[str, msp_config_pb2.MSPConfig]) -> None:
    _read(group, f"an organisation of {parent}")
    definition = msp_config_pb2.MSPConfig.FromString(_value(group, "MSP"))
    if definition.type:
        raise ProtocolError(f"Setup error: unsupported msp type {definition.type}")
    with _about("setting up the MSP manager failed"):
        msp_id = Msp(definition.config).name
    if msps.setdefault(msp_id, definition) != definition:
        raise ProtocolError(f"Attempted to define two different versions of MSP: {msp_id}")
    if not msp_id:
        raise ProtocolError(f"MSP for org {name} has empty MSP ID")


def _check_policies(group: Group, path: str) -> None:
    for name, one in sorted(group.groups.items()):
        _check_policies(one, f"{path}/{name}")
    for name, config_policy in sorted(group.policies.items()):
        where = f"policy {name} at path {path}"
        if not config_policy.HasField("policy"):
            raise ProtocolError(f"{where} was nil")
        policy = config_policy.policy
        if policy.type == policies_pb2.Policy.IMPLICIT_META:
            with _about(f"implicit {where} did not compile"):
                _check_implicit(policy.value)
        elif policy.type == policies_pb2.Policy.SIGNATURE:
            with _about(f"{where} did not compile"):
                _check_signature_policy(policy.value)
        else:
            raise ProtocolError(f"{where} has unknown policy type: {policy.type}")


def _check_implicit(data: bytes) -> None:
    try:
        policies_pb2.ImplicitMetaPolicy.FromString(data)
    except DecodeError as error:
        raise ProtocolError(f"Error unmarshalling to ImplicitMetaPolicy: {UNREADABLE}") from error


def _check_signature_policy(data: bytes) -> None:
    try:
        envelope = policies_pb2.SignaturePolicyEnvelope.FromString(data)
    except DecodeError as error:
        raise ProtocolError(f"Error unmarshalling to SignaturePolicy: {UNREADABLE}") from error
    if envelope.version:
        raise ProtocolError(
            f"This evaluator only understands messages of version 0, but version was {envelope.version}"
        )
    if not envelope.HasField("rule"):
        raise ProtocolError("Empty policy element")
    _check_rule(envelope.rule, len(envelope.identities))


def _check_rule(rule: policies_pb2.SignaturePolicy, count: int) -> None:
    kind = rule.WhichOneof("Type")
    if kind == "n_out_of":
        for one in rule.n_out_of.rules:
            _check_rule(one, count)
    elif kind != "signed_by":
        raise ProtocolError("Unknown type: <nil>:<nil>")
    elif not 0 <= rule.signed_by < count:
        raise ProtocolError(
            f"identity index out of range, requested {rule.signed_by}, but identities length is {count}"
        )


def _read(group: Group, where: str) -> None:
    """Check that a group has the values that it may have, and that they are what they must be."""
    for name, value in sorted(group.values.items()):
        if name not in _VALUES[where]:
            raise ProtocolError(f"failed to deserialize values: Unexpected key {name}")
        try:
            _VALUES[where][name].FromString(value.value)
        except DecodeError as error:
            raise ProtocolError(f"failed to deserialize values: {UNREADABLE}") from error


def _value(group: Group, name: str) -> bytes:
    return group.values[name].value if name in group.values else b""


def _capabilities(group: Group) -> frozenset[str]:
    return frozenset(configuration_pb2.Capabilities.FromString(_value(group, "Capabilities")).capabilities)


def _endpoints(group: Group) -> list[str]:
    return list(configuration_pb2.OrdererAddresses.FromString(_value(group, "Endpoints")).addresses)
