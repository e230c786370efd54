"""Updates of the channel's configuration, as orderers treat them.

An orderer makes of an update the configuration that it leads to, and orders that. Source: Fabric's
`orderer/common/msgprocessor/standardchannel.go`, `orderer/common/multichannel/chainsupport.go`.
"""

import secrets
from datetime import UTC, datetime

from fabric_protos.common import common_pb2, configtx_pb2
from google.protobuf.message import DecodeError

from network.embedded.consenters import check_consenters, check_maintenance
from network.embedded.signing import NodeIdentity
from network.embedded.unpacking import UNREADABLE
from node_client.protocol.block import signature_header
from node_client.protocol.codec import parse
from node_client.protocol.config import Configuration
from node_client.protocol.config_authority import authorised
from node_client.protocol.config_rules import check_capabilities, check_config, check_successor
from node_client.protocol.config_update import ConfigUpdate
from node_client.protocol.errors import ProtocolError
from node_client.protocol.transaction import envelope


class UpdateRefused(ProtocolError):
    """An update that orderers do not take. The text is Fabric's."""


def proposed_config(envelope_bytes: bytes, config: Configuration) -> Configuration:
    """The configuration that an update leads to.

    Args:
        envelope_bytes: of type CONFIG_UPDATE.
        config: the configuration in force.

    Raises:
        UpdateRefused: not everybody who must agree has signed, or what would come of it is no configuration.
    """
    applying = f"error applying config update to existing channel '{config.channel}'"
    update = _read(envelope_bytes, applying)
    try:
        data = authorised(config, update)
    except ProtocolError as error:
        raise UpdateRefused(f"{applying}: error authorizing update: {error}") from error
    new = Configuration(config.channel, data)
    try:
        check_config(new)
        _check_supported(new)
        check_successor(config, new)
        _check_consenters(config, new)
    except ProtocolError as error:
        raise UpdateRefused(f"{applying}: {error}") from error
    try:
        check_maintenance(config, new, update)
    except ProtocolError as error:
        inspection = f"config transaction inspection failed: {error}"
        text = f"config update for existing channel did not pass maintenance checks: {inspection}"
        raise UpdateRefused(text) from error
    return new


def _read(envelope_bytes: bytes, applying: str) -> ConfigUpdate:
    try:
        payload = common_pb2.Payload.FromString(common_pb2.Envelope.FromString(envelope_bytes).payload)
        configtx_pb2.ConfigUpdateEnvelope.FromString(payload.data)
    except DecodeError as error:
        unreadable = f"error unmarshalling message for type CONFIG_UPDATE: {UNREADABLE}"
        raise UpdateRefused(f"{applying}: error converting envelope to config update: {unreadable}") from error
    return ConfigUpdate.from_envelope(envelope_bytes)


def _check_supported(config: Configuration) -> None:
    if "Orderer" not in config.channel_group.groups:
        raise ProtocolError("config update is not compatible: config does not contain orderer config")
    for group in ("Orderer", "Channel"):
        try:
            check_capabilities(config, group)
        except ProtocolError as error:
            text = f"config requires unsupported {group.lower()} capabilities: {error}: {error}"
            raise ProtocolError(f"config update is not compatible: {text}") from error
    try:
        # Fabric's orderers take this, and its peers end.
        check_capabilities(config, "Application")
    except ProtocolError as error:
        raise ProtocolError(f"config update is not compatible: {error}") from error


def _check_consenters(config: Configuration, new: Configuration) -> None:
    try:
        check_consenters(config, new)
    except ProtocolError as error:
        raise ProtocolError(f"consensus metadata update for channel config update is invalid: {error}") from error


def config_envelope(new: Configuration, update: bytes, orderer: NodeIdentity) -> bytes:
    """What is ordered for an update: the new configuration with the update that led to it, signed by an orderer."""
    header = common_pb2.ChannelHeader(type=common_pb2.CONFIG, channel_id=new.channel)
    header.timestamp.FromDatetime(datetime.now(UTC).replace(microsecond=0))
    message = configtx_pb2.ConfigEnvelope(
        config=parse(configtx_pb2.Config, new.encoded, "configuration"),
        last_update=common_pb2.Envelope.FromString(update),
    )
    payload = common_pb2.Payload(
        header=common_pb2.Header(
            channel_header=header.SerializeToString(),
            signature_header=signature_header(orderer.serialized, secrets.token_bytes(24)),
        ),
        data=message.SerializeToString(deterministic=True),
    ).SerializeToString()
    return envelope(payload, orderer.sign(payload))
