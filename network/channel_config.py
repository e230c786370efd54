"""The channel's first block, from configtx.yaml.

Message for message what Fabric's `configtxgen -outputBlock` makes from the same file, nonce, timestamp and what
follows from them aside. Source: Fabric's `internal/configtxgen/encoder` and `common/genesis`.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from fabric_protos.common import common_pb2, configtx_pb2, configuration_pb2, policies_pb2
from fabric_protos.msp import msp_config_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_pb2
from fabric_protos.orderer.etcdraft import configuration_pb2 as etcdraft_pb2
from fabric_protos.peer import configuration_pb2 as peer_pb2
from google.protobuf.message import Message

from network.errors import ConfigurationError
from node_client.protocol.block import LAST_CONFIG, SIGNATURES, last_config_value, new_block
from node_client.protocol.errors import ProtocolError
from node_client.protocol.policy_dsl import parse_policy
from node_client.protocol.proposal import new_nonce, transaction_id

ADMINS = "Admins"


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
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"the profile lacks or misstates {error}") from error
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
    group = _group(profile["Policies"])
    _add(group, "HashingAlgorithm", configuration_pb2.HashingAlgorithm(name="SHA256"))
    _add(group, "BlockDataHashingStructure", configuration_pb2.BlockDataHashingStructure(width=2**32 - 1))
    _add_capabilities(group, profile)
    group.groups["Orderer"].CopyFrom(_orderer(profile["Orderer"], folder))
    group.groups["Application"].CopyFrom(_application(profile["Application"], folder))
    return group


def _orderer(section: Mapping[str, Any], folder: Path) -> configtx_pb2.ConfigGroup:
    group = _group(section["Policies"])
    size = section["BatchSize"]
    _add(
        group,
        "BatchSize",
        orderer_pb2.BatchSize(
            max_message_count=size["MaxMessageCount"],
            absolute_max_bytes=_bytes(size["AbsoluteMaxBytes"]),
            preferred_max_bytes=_bytes(size["PreferredMaxBytes"]),
        ),
    )
    _add(group, "BatchTimeout", orderer_pb2.BatchTimeout(timeout=str(section["BatchTimeout"])))
    _add(group, "ChannelRestrictions", orderer_pb2.ChannelRestrictions(max_count=section.get("MaxChannels", 0)))
    _add_capabilities(group, section)
    if section["OrdererType"] != "etcdraft":
        raise ConfigurationError(f"the orderer type {section['OrdererType']} is not known: use etcdraft")
    metadata = _etcdraft(section["EtcdRaft"], folder).SerializeToString()
    _add(group, "ConsensusType", orderer_pb2.ConsensusType(type="etcdraft", metadata=metadata))
    for one in section["Organizations"]:
        organisation = _organisation(one, folder)
        endpoints = configuration_pb2.OrdererAddresses(addresses=one["OrdererEndpoints"])
        _add(organisation, "Endpoints", endpoints)
        group.groups[one["Name"]].CopyFrom(organisation)
    return group


def _etcdraft(section: Mapping[str, Any], folder: Path) -> etcdraft_pb2.ConfigMetadata:
    options = section["Options"]
    return etcdraft_pb2.ConfigMetadata(
        consenters=[
            etcdraft_pb2.Consenter(
                host=one["Host"],
                port=one["Port"],
                client_tls_cert=(folder / one["ClientTLSCert"]).read_bytes(),
                server_tls_cert=(folder / one["ServerTLSCert"]).read_bytes(),
            )
            for one in section["Consenters"]
        ],
        options=etcdraft_pb2.Options(
            tick_interval=options["TickInterval"],
            election_tick=options["ElectionTick"],
            heartbeat_tick=options["HeartbeatTick"],
            max_inflight_blocks=options["MaxInflightBlocks"],
            snapshot_interval_size=_bytes(options["SnapshotIntervalSize"]),
        ),
    )


def _application(section: Mapping[str, Any], folder: Path) -> configtx_pb2.ConfigGroup:
    group = _group(section["Policies"])
    if acls := section.get("ACLs"):
        references = {name: peer_pb2.APIResource(policy_ref=policy) for name, policy in acls.items()}
        _add(group, "ACLs", peer_pb2.ACLs(acls=references))
    _add_capabilities(group, section)
    for one in section["Organizations"]:
        organisation = _organisation(one, folder)
        anchors = [peer_pb2.AnchorPeer(host=peer["Host"], port=peer["Port"]) for peer in one["AnchorPeers"]]
        _add(organisation, "AnchorPeers", peer_pb2.AnchorPeers(anchor_peers=anchors))
        group.groups[one["Name"]].CopyFrom(organisation)
    return group


def _organisation(section: Mapping[str, Any], folder: Path) -> configtx_pb2.ConfigGroup:
    group = _group(section["Policies"])
    definition = msp_definition(folder / section["MSPDir"], section["ID"])
    _add(group, "MSP", msp_config_pb2.MSPConfig(config=definition))
    return group


def msp_definition(folder: Path, msp_id: str) -> bytes:
    """An MSP folder as `msp.FabricMSPConfig` (Fabric's `msp/configbuilder.go`).

    Raises:
        OSError: a file cannot be read.
        ValueError: the folder holds no root certificate.
    """
    roots = _pems(folder / "cacerts")
    if not roots:
        raise ValueError(f"{folder} has no CA certificate")
    message = msp_config_pb2.FabricMSPConfig(
        name=msp_id,
        root_certs=roots,
        intermediate_certs=_pems(folder / "intermediatecerts"),
        admins=_pems(folder / "admincerts"),
        revocation_list=_pems(folder / "crls"),
        crypto_config=msp_config_pb2.FabricCryptoConfig(
            signature_hash_family="SHA2", identity_identifier_hash_function="SHA256"
        ),
        tls_root_certs=_pems(folder / "tlscacerts"),
        tls_intermediate_certs=_pems(folder / "tlsintermediatecerts"),
    )
    config = folder / "config.yaml"
    if config.is_file():
        units = yaml.safe_load(config.read_text(encoding="utf-8")).get("NodeOUs", {})
        if units.get("Enable"):
            message.fabric_node_ous.enable = True
            for role in ("Client", "Peer", "Admin", "Orderer"):
                stated = units[f"{role}OUIdentifier"]
                identifier = getattr(message.fabric_node_ous, f"{role.lower()}_ou_identifier")
                identifier.organizational_unit_identifier = stated["OrganizationalUnitIdentifier"]
                if stated.get("Certificate"):
                    identifier.certificate = (folder / stated["Certificate"]).read_bytes()
    return message.SerializeToString(deterministic=True)


def _pems(folder: Path) -> Sequence[bytes]:
    if not folder.is_dir():
        return []
    return [path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()]


def _group(policies: Mapping[str, Mapping[str, str]]) -> configtx_pb2.ConfigGroup:
    group = configtx_pb2.ConfigGroup(mod_policy=ADMINS)
    for name, policy in policies.items():
        group.policies[name].CopyFrom(configtx_pb2.ConfigPolicy(mod_policy=ADMINS, policy=_policy(policy)))
    return group


def _policy(section: Mapping[str, str]) -> policies_pb2.Policy:
    kind, rule = section["Type"], section["Rule"]
    if kind == "Signature":
        return policies_pb2.Policy(type=policies_pb2.Policy.SIGNATURE, value=parse_policy(rule))
    if kind != "ImplicitMeta":
        raise ConfigurationError(f"the policy type {kind} is not known: use Signature or ImplicitMeta")
    threshold, sub_policy = rule.split()
    meta = policies_pb2.ImplicitMetaPolicy(
        sub_policy=sub_policy, rule=policies_pb2.ImplicitMetaPolicy.Rule.Value(threshold)
    )
    return policies_pb2.Policy(type=policies_pb2.Policy.IMPLICIT_META, value=meta.SerializeToString())


def _add_capabilities(group: configtx_pb2.ConfigGroup, section: Mapping[str, Any]) -> None:
    enabled = [name for name, on in section["Capabilities"].items() if on]
    capabilities = {name: configuration_pb2.Capability() for name in enabled}
    _add(group, "Capabilities", configuration_pb2.Capabilities(capabilities=capabilities))


def _add(group: configtx_pb2.ConfigGroup, name: str, value: Message) -> None:
    data = value.SerializeToString(deterministic=True)
    group.values[name].CopyFrom(configtx_pb2.ConfigValue(value=data, mod_policy=ADMINS))


def _bytes(size: int | str) -> int:
    """A size as Fabric reads it: a number, or one with KB, MB or GB in powers of 1024."""
    match = re.fullmatch(r"(\d+)\s*([kmg]?)b?", str(size).strip().lower())
    if not match:
        raise ConfigurationError(f"not a size: {size}")
    factor: int = 1024 ** ("kmg".index(match[2]) + 1 if match[2] else 0)
    return int(match[1]) * factor
