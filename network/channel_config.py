"""The channel's first block, from configtx.yaml.

Message for message what Fabric's `configtxgen -outputBlock` makes from the same file, nonce, timestamp and what
follows from them aside. Source: Fabric's `internal/configtxgen` and `common/genesis`. What configtxgen would only warn
of, or what no orderer of Fabric v3 takes, is refused; so are keys in another case than the documented one.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fabric_protos.common import common_pb2, configtx_pb2, configuration_pb2, policies_pb2
from fabric_protos.msp import msp_config_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_pb2
from fabric_protos.peer import configuration_pb2 as peer_pb2
from google.protobuf.message import Message

from network.consensus import bft_block_validation, bft_consenters, bft_metadata, raft_metadata
from network.errors import ConfigurationError
from network.msp_folder import msp_definition
from network.sections import number, only, size
from node_client.protocol.block import LAST_CONFIG, SIGNATURES, last_config_value, new_block
from node_client.protocol.duration import SECOND, format_duration, parse_duration
from node_client.protocol.errors import ProtocolError
from node_client.protocol.policy_dsl import parse_policy
from node_client.protocol.proposal import new_nonce, transaction_id

ADMINS = "Admins"
ORDERER_ADMINS = "/Channel/Orderer/Admins"
V3 = "V3_0"
NEEDED_POLICIES = ("Readers", "Writers", ADMINS)
BLOCK_VALIDATION = "BlockValidation"

# What an orderer section does not state, or states as nothing.
_BATCH_TIMEOUT = 2 * SECOND
_BATCH_SIZE = {"MaxMessageCount": 500, "AbsoluteMaxBytes": 10 * 1024 * 1024, "PreferredMaxBytes": 2 * 1024 * 1024}

_PROFILE = ("Consortium", "Application", "Orderer", "Capabilities", "Policies")
_APPLICATION = ("Organizations", "Capabilities", "Policies", "ACLs")
_ORGANISATION = (
    "Name",
    "ID",
    "MSPDir",
    "MSPType",
    "Policies",
    "AnchorPeers",
    "OrdererEndpoints",
    "AdminPrincipal",
    "SkipAsForeign",
)
_ORDERER = (
    "OrdererType",
    "Addresses",
    "BatchTimeout",
    "BatchSize",
    "ConsenterMapping",
    "EtcdRaft",
    "SmartBFT",
    "Organizations",
    "MaxChannels",
    "Capabilities",
    "Policies",
)


def first_block(
    profile: Mapping[str, Any],
    channel: str,
    folder: Path,
    *,
    nonce: bytes | None = None,
    timestamp: datetime | None = None,
) -> bytes:
    """Make the channel's first block.

    Args:
        profile: a profile of configtx.yaml, resolved.
        channel: the channel's name.
        folder: where the profile's paths begin.
        nonce, timestamp: the header's; new ones by default.

    Raises:
        ConfigurationError: the profile or the files it names cannot be used.
    """
    try:
        group = _channel(profile, folder)
    except KeyError as error:
        raise ConfigurationError(f"the profile lacks {error}") from error
    except (TypeError, AttributeError) as error:
        raise ConfigurationError(f"the profile has a value of another kind than is needed: {error}") from error
    except (OSError, ProtocolError, ValueError) as error:
        raise ConfigurationError(str(error)) from error
    nonce = nonce or new_nonce()
    header = common_pb2.ChannelHeader(
        type=common_pb2.CONFIG, version=1, channel_id=channel, tx_id=transaction_id(nonce, b"")
    )
    header.timestamp.FromDatetime((timestamp or datetime.now(UTC)).replace(microsecond=0))
    envelope = configtx_pb2.ConfigEnvelope(config=configtx_pb2.Config(channel_group=group))
    payload = common_pb2.Payload(
        header=common_pb2.Header(
            channel_header=header.SerializeToString(),
            signature_header=common_pb2.SignatureHeader(nonce=nonce).SerializeToString(),
        ),
        data=envelope.SerializeToString(deterministic=True),
    )
    block = new_block(0, b"", [common_pb2.Envelope(payload=payload.SerializeToString()).SerializeToString()])
    last = common_pb2.LastConfig(index=0).SerializeToString()
    block = block.with_metadata(LAST_CONFIG, common_pb2.Metadata(value=last).SerializeToString())
    signed = common_pb2.Metadata(value=last_config_value(0)).SerializeToString()
    return block.with_metadata(SIGNATURES, signed).encode()


def _channel(profile: Mapping[str, Any], folder: Path) -> configtx_pb2.ConfigGroup:
    only(profile, "the profile", _PROFILE)
    group = _group(profile, "the profile")
    _add(group, "HashingAlgorithm", configuration_pb2.HashingAlgorithm(name="SHA256"))
    _add(group, "BlockDataHashingStructure", configuration_pb2.BlockDataHashingStructure(width=2**32 - 1))
    if addresses := profile["Orderer"].get("Addresses"):
        _add(group, "OrdererAddresses", configuration_pb2.OrdererAddresses(addresses=addresses), ORDERER_ADMINS)
    if consortium := profile.get("Consortium"):
        _add(group, "Consortium", configuration_pb2.Consortium(name=consortium))
    capabilities = _add_capabilities(group, profile)
    group.groups["Orderer"].CopyFrom(_orderer(profile["Orderer"], folder, capabilities))
    group.groups["Application"].CopyFrom(_application(profile["Application"], folder))
    return group


def _orderer(section: Mapping[str, Any], folder: Path, capabilities: Collection[str]) -> configtx_pb2.ConfigGroup:
    only(section, "Orderer", _ORDERER)
    if section.get("Addresses") and V3 in capabilities:
        raise ConfigurationError(f"Orderer.Addresses cannot be used with the capability {V3}: use OrdererEndpoints")
    group = _group(section, "Orderer", (*NEEDED_POLICIES, BLOCK_VALIDATION))
    stated = {name: value for name, value in (section.get("BatchSize") or {}).items() if value}
    only(stated, "Orderer.BatchSize", _BATCH_SIZE)
    batch = {**_BATCH_SIZE, **stated}
    _add(
        group,
        "BatchSize",
        orderer_pb2.BatchSize(
            max_message_count=size(batch["MaxMessageCount"]),
            absolute_max_bytes=size(batch["AbsoluteMaxBytes"]),
            preferred_max_bytes=size(batch["PreferredMaxBytes"]),
        ),
    )
    timeout = parse_duration(str(section.get("BatchTimeout") or "0")) or _BATCH_TIMEOUT
    _add(group, "BatchTimeout", orderer_pb2.BatchTimeout(timeout=format_duration(timeout)))
    _add(
        group, "ChannelRestrictions", orderer_pb2.ChannelRestrictions(max_count=number(section.get("MaxChannels") or 0))
    )
    _add_capabilities(group, section)
    kind = section.get("OrdererType")
    if kind == "etcdraft":
        metadata = raft_metadata(section["EtcdRaft"], folder)
    elif kind == "BFT":
        if V3 not in capabilities:
            raise ConfigurationError(f"the orderer type BFT needs the channel's capability {V3}")
        consenters = bft_consenters(section.get("ConsenterMapping") or [], folder)
        _add(group, "Orderers", configuration_pb2.Orderers(consenter_mapping=consenters))
        group.policies[BLOCK_VALIDATION].policy.CopyFrom(_signature_policy(bft_block_validation(consenters)))
        metadata = bft_metadata(section.get("SmartBFT"))
    else:
        raise ConfigurationError(f"the orderer type {kind} is not known: use etcdraft or BFT")
    _add(group, "ConsensusType", orderer_pb2.ConsensusType(type=kind, metadata=metadata))
    for one in section.get("Organizations") or []:
        if not one.get("OrdererEndpoints") and V3 in capabilities:
            raise ConfigurationError(f"the organisation {one['Name']} needs OrdererEndpoints with the capability {V3}")
        group.groups[one["Name"]].CopyFrom(ordering_organisation(one, folder))
    return group


def ordering_organisation(section: Mapping[str, Any], folder: Path) -> configtx_pb2.ConfigGroup:
    """The group of an organisation among those that order. Raises as `first_block` does, and OSError, ValueError."""
    group = _organisation(section, folder)
    if endpoints := section.get("OrdererEndpoints"):
        _add(group, "Endpoints", configuration_pb2.OrdererAddresses(addresses=endpoints))
    return group


def _application(section: Mapping[str, Any], folder: Path) -> configtx_pb2.ConfigGroup:
    only(section, "Application", _APPLICATION)
    group = _group(section, "Application")
    if acls := section.get("ACLs"):
        references = {name: peer_pb2.APIResource(policy_ref=policy) for name, policy in acls.items()}
        _add(group, "ACLs", peer_pb2.ACLs(acls=references))
    _add_capabilities(group, section)
    for one in section.get("Organizations") or []:
        group.groups[one["Name"]].CopyFrom(application_organisation(one, folder))
    return group


def application_organisation(section: Mapping[str, Any], folder: Path) -> configtx_pb2.ConfigGroup:
    """The group of an organisation that has peers. Raises as `first_block` does, and OSError, ValueError."""
    group = _organisation(section, folder)
    if peers := section.get("AnchorPeers"):
        anchors = [peer_pb2.AnchorPeer(host=peer["Host"], port=number(peer["Port"])) for peer in peers]
        _add(group, "AnchorPeers", peer_pb2.AnchorPeers(anchor_peers=anchors))
    return group


def _organisation(section: Mapping[str, Any], folder: Path) -> configtx_pb2.ConfigGroup:
    where = f"the organisation {section['Name']}"
    only(section, where, _ORGANISATION)
    if section.get("MSPType", "bccsp") != "bccsp":
        raise ConfigurationError(f"{where} has an MSP of another type than bccsp")
    if section.get("SkipAsForeign"):
        raise ConfigurationError(f"{where} is skipped as foreign, which a first block cannot be made with")
    group = _group(section, where)
    definition = msp_definition(folder / section["MSPDir"], section["ID"])
    _add(group, "MSP", msp_config_pb2.MSPConfig(config=definition))
    return group


def _group(
    section: Mapping[str, Any], where: str, needed: Collection[str] = NEEDED_POLICIES
) -> configtx_pb2.ConfigGroup:
    policies: Mapping[str, Mapping[str, str]] = section.get("Policies") or {}
    for name in needed:
        if name not in policies:
            raise ConfigurationError(f"{where} has no policy {name}")
    group = configtx_pb2.ConfigGroup(mod_policy=ADMINS)
    for name, policy in policies.items():
        only(policy, f"the policy {name} of {where}", ("Type", "Rule"))
        group.policies[name].CopyFrom(configtx_pb2.ConfigPolicy(mod_policy=ADMINS, policy=_policy(policy)))
    return group


def _policy(section: Mapping[str, str]) -> policies_pb2.Policy:
    kind, rule = section["Type"], section["Rule"]
    if kind == "Signature":
        return _signature_policy(parse_policy(rule))
    if kind != "ImplicitMeta":
        raise ConfigurationError(f"the policy type {kind} is not known: use Signature or ImplicitMeta")
    threshold, space, sub_policy = rule.partition(" ")
    rules = policies_pb2.ImplicitMetaPolicy.Rule
    if not space or " " in sub_policy or threshold not in rules.keys():  # noqa: SIM118 - no mapping
        raise ConfigurationError(f"the rule {rule!r} is not known: use ANY, ALL or MAJORITY, and a policy's name")
    meta = policies_pb2.ImplicitMetaPolicy(sub_policy=sub_policy, rule=rules.Value(threshold))
    return policies_pb2.Policy(type=policies_pb2.Policy.IMPLICIT_META, value=meta.SerializeToString())


def _signature_policy(envelope: bytes) -> policies_pb2.Policy:
    return policies_pb2.Policy(type=policies_pb2.Policy.SIGNATURE, value=envelope)


def _add_capabilities(group: configtx_pb2.ConfigGroup, section: Mapping[str, Any]) -> Collection[str]:
    """Add the capabilities that a section states. Returns those that are required."""
    stated: Mapping[str, bool] = section.get("Capabilities") or {}
    enabled = [name for name, on in stated.items() if on]
    if stated:
        capabilities = {name: configuration_pb2.Capability() for name in enabled}
        _add(group, "Capabilities", configuration_pb2.Capabilities(capabilities=capabilities))
    return enabled


def _add(group: configtx_pb2.ConfigGroup, name: str, value: Message, mod_policy: str = ADMINS) -> None:
    data = value.SerializeToString(deterministic=True)
    group.values[name].CopyFrom(configtx_pb2.ConfigValue(value=data, mod_policy=mod_policy))
