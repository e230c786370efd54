"""Changes of a channel's configuration that operators make: a configuration in, the changed one out."""

from collections.abc import Iterator, Sequence

from fabric_protos.common import configtx_pb2
from fabric_protos.msp import msp_config_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_pb2

from node_client.protocol.codec import parse
from node_client.protocol.duration import format_duration
from node_client.protocol.errors import ProtocolError


def with_batch_timeout(config: bytes, timeout: int) -> bytes:
    """The configuration with another BatchTimeout, in nanoseconds."""
    message = parse(configtx_pb2.Config, config, "configuration")
    value = message.channel_group.groups["Orderer"].values["BatchTimeout"]
    value.value = orderer_pb2.BatchTimeout(timeout=format_duration(timeout)).SerializeToString()
    return message.SerializeToString(deterministic=True)


def with_organisation(config: bytes, part: str, name: str, group: bytes) -> bytes:
    """The configuration with an organisation's group among those of a part.

    Args:
        part: `Application` or `Orderer`.
        group: `common.ConfigGroup`.
    """
    message = parse(configtx_pb2.Config, config, "configuration")
    organisations = message.channel_group.groups[part].groups
    organisations[name].CopyFrom(parse(configtx_pb2.ConfigGroup, group, "organisation"))
    return message.SerializeToString(deterministic=True)


def with_revocation_lists(config: bytes, msp_id: str, lists: Sequence[bytes]) -> bytes:
    """The configuration in which an organisation has these revocation lists, in PEM, and no others.

    An organisation that has peers and orderers stands in two groups. Both must have the same MSP.

    Raises:
        ProtocolError: the organisation is not in the channel.
    """
    message = parse(configtx_pb2.Config, config, "configuration")
    found = list(_definitions(message, msp_id))
    if not found:
        raise ProtocolError(f"there is no organisation with the MSP {msp_id}")
    for value, wrapped, definition in found:
        del definition.revocation_list[:]
        definition.revocation_list.extend(lists)
        wrapped.config = definition.SerializeToString(deterministic=True)
        value.value = wrapped.SerializeToString(deterministic=True)
    return message.SerializeToString(deterministic=True)


def revocation_lists(config: bytes, msp_id: str) -> tuple[bytes, ...]:
    """An organisation's revocation lists, in PEM. Raises ProtocolError when it is not in the channel."""
    for _, _, definition in _definitions(parse(configtx_pb2.Config, config, "configuration"), msp_id):
        return tuple(definition.revocation_list)
    raise ProtocolError(f"there is no organisation with the MSP {msp_id}")


def _definitions(
    config: configtx_pb2.Config, msp_id: str
) -> Iterator[tuple[configtx_pb2.ConfigValue, msp_config_pb2.MSPConfig, msp_config_pb2.FabricMSPConfig]]:
    for group in config.channel_group.groups.values():
        for organisation in group.groups.values():
            if "MSP" not in organisation.values:
                continue
            value = organisation.values["MSP"]
            wrapped = parse(msp_config_pb2.MSPConfig, value.value, "MSP")
            definition = parse(msp_config_pb2.FabricMSPConfig, wrapped.config, "MSP definition")
            if definition.name == msp_id:
                yield value, wrapped, definition
