"""First blocks taken apart to their last message, so that they compare whatever the order of maps within."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fabric_protos.common import common_pb2, configtx_pb2, configuration_pb2
from fabric_protos.peer import configuration_pb2 as peer_pb2

# The values that hold maps, which have no order on the wire. All others must agree byte for byte.
_MAPS = {"Capabilities": configuration_pb2.Capabilities, "ACLs": peer_pb2.ACLs}


@dataclass(frozen=True)
class Parts:
    """What a first block says.

    Attributes:
        nonce, timestamp: what no two blocks have in common.
        transaction_id: what follows from the nonce.
        data_hash: what follows from everything.
        rest: everything else.
    """

    nonce: bytes
    timestamp: datetime
    transaction_id: str
    data_hash: bytes
    rest: dict[str, Any]


def take_apart(data: bytes) -> Parts:
    """Take a first block apart; what holds anything unknown, or is written in any other way, shows in `rest`."""
    block = common_pb2.Block.FromString(data)
    envelope = common_pb2.Envelope.FromString(block.data.data[0])
    payload = common_pb2.Payload.FromString(envelope.payload)
    channel_header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
    signature_header = common_pb2.SignatureHeader.FromString(payload.header.signature_header)
    nonce, transaction_id = signature_header.nonce, channel_header.tx_id
    timestamp = channel_header.timestamp.ToDatetime(UTC)
    assert channel_header.timestamp.nanos == 0
    channel_header.ClearField("timestamp")
    channel_header.ClearField("tx_id")
    signature_header.ClearField("nonce")
    config = configtx_pb2.ConfigEnvelope.FromString(payload.data)
    group = config.config.channel_group
    config.config.ClearField("channel_group")
    return Parts(
        nonce,
        timestamp,
        transaction_id,
        block.header.data_hash,
        {
            "number": block.header.number,
            "previous hash": block.header.previous_hash,
            "metadata": list(block.metadata.metadata),
            "envelopes": len(block.data.data),
            "sizes": (len(data), len(block.data.data[0]), len(envelope.payload), len(payload.data)),
            "signature": envelope.signature,
            "channel header": channel_header.SerializeToString(),
            "signature header": signature_header.SerializeToString(),
            "configuration": config.SerializeToString(),
            "group": _group(group),
        },
    )


def _group(group: configtx_pb2.ConfigGroup) -> dict[str, Any]:
    return {
        "version": group.version,
        "mod_policy": group.mod_policy,
        "values": {name: _value(name, value) for name, value in group.values.items()},
        "policies": {name: policy.SerializeToString() for name, policy in group.policies.items()},
        "groups": {name: _group(below) for name, below in group.groups.items()},
    }


def _value(name: str, value: configtx_pb2.ConfigValue) -> tuple[int, str, Any]:
    data: Any = value.value
    if name in _MAPS:
        message = _MAPS[name].FromString(data)
        assert len(message.SerializeToString()) == len(data)
        data = str(sorted(str(message).split("\n\n"))), message.SerializeToString(deterministic=True)
    return value.version, value.mod_policy, data
