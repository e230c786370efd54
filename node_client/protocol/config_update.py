"""Updates of a channel's configuration: what they say, and who has signed them.

An update is computed from the configuration in force and the one that is wanted. It names what it relies on, by version
(the read set), and what it changes (the write set). Whoever must agree signs it, each where the own key is: the update
goes from one to the next as an envelope, the file that `peer channel signconfigtx` takes, too.

Source: Fabric's `internal/configtxlator/update/update.go`, `protoutil/configtxutils.go`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from fabric_protos.common import common_pb2, configtx_pb2

from node_client.protocol.block import signature_header
from node_client.protocol.codec import parse
from node_client.protocol.errors import ProtocolError
from node_client.protocol.policy import SignedData
from node_client.protocol.transaction import envelope, open_envelope

T = TypeVar("T", configtx_pb2.ConfigValue, configtx_pb2.ConfigPolicy)


class NoDifference(ProtocolError):
    """An update that would change nothing."""


@dataclass(frozen=True)
class ConfigSignature:
    """Someone's signature of an update; it signs this header and the update."""

    header: bytes
    signature: bytes


@dataclass(frozen=True)
class ConfigUpdate:
    """An update of a channel's configuration, and the signatures that it has so far.

    Attributes:
        channel: the channel's name.
        data: `common.ConfigUpdate`.
    """

    channel: str
    data: bytes
    signatures: tuple[ConfigSignature, ...] = ()

    @classmethod
    def compute(cls, channel: str, original: bytes, updated: bytes) -> "ConfigUpdate":
        """The update that makes one configuration of another.

        Args:
            original, updated: `common.Config`; versions in the updated one do not count.

        Raises:
            NoDifference: they are the same.
            ProtocolError: they are no configurations.
        """
        before = parse(configtx_pb2.Config, original, "configuration")
        after = parse(configtx_pb2.Config, updated, "configuration")
        for one, name in ((before, "original"), (after, "updated")):
            if not one.HasField("channel_group"):
                raise ProtocolError(f"no channel group included for {name} config")
        read, write, changed = _compare(before.channel_group, after.channel_group)
        if not changed:
            raise NoDifference("no differences detected between original and updated config")
        update = configtx_pb2.ConfigUpdate(channel_id=channel, read_set=read, write_set=write)
        return cls(channel, update.SerializeToString(deterministic=True))

    @classmethod
    def from_envelope(cls, data: bytes) -> "ConfigUpdate":
        """Read an update from an envelope, whoever signed that. Raises ProtocolError."""
        payload = parse(common_pb2.Payload, open_envelope(data)[0], "payload")
        header = parse(common_pb2.ChannelHeader, payload.header.channel_header, "channel header")
        if header.type != common_pb2.CONFIG_UPDATE:
            raise ProtocolError("the envelope holds no update of a configuration")
        message = parse(configtx_pb2.ConfigUpdateEnvelope, payload.data, "configuration update")
        signatures = tuple(ConfigSignature(one.signature_header, one.signature) for one in message.signatures)
        return cls(header.channel_id, message.config_update, signatures)

    def header(self, creator: bytes, nonce: bytes) -> bytes:
        """A signer's header, a part of what is signed."""
        return signature_header(creator, nonce)

    def message(self, header: bytes) -> bytes:
        """What a signer signs."""
        return header + self.data

    def signed(self, header: bytes, signature: bytes) -> "ConfigUpdate":
        """The update with one more signature."""
        return replace(self, signatures=(*self.signatures, ConfigSignature(header, signature)))

    @property
    def signed_data(self) -> list[SignedData]:
        """The signatures, over what and by whom. Raises ProtocolError."""
        return [SignedData(self.message(one.header), _creator(one.header), one.signature) for one in self.signatures]

    def payload(self, creator: bytes, nonce: bytes) -> bytes:
        """What is signed once more when the update is submitted."""
        channel_header = common_pb2.ChannelHeader(type=common_pb2.CONFIG_UPDATE, channel_id=self.channel)
        channel_header.timestamp.FromDatetime(datetime.now(UTC))
        content = configtx_pb2.ConfigUpdateEnvelope(
            config_update=self.data,
            signatures=[
                configtx_pb2.ConfigSignature(signature_header=one.header, signature=one.signature)
                for one in self.signatures
            ],
        )
        return common_pb2.Payload(
            header=common_pb2.Header(
                channel_header=channel_header.SerializeToString(), signature_header=signature_header(creator, nonce)
            ),
            data=content.SerializeToString(),
        ).SerializeToString()

    def file(self) -> bytes:
        """The update as it goes from one signer to the next: an envelope that nobody has signed yet."""
        return envelope(self.payload(b"", b""), b"")


def _creator(header: bytes) -> bytes:
    return parse(common_pb2.SignatureHeader, header, "signature header").creator


def _compare(
    original: configtx_pb2.ConfigGroup, updated: configtx_pb2.ConfigGroup
) -> tuple[configtx_pb2.ConfigGroup, configtx_pb2.ConfigGroup, bool]:
    """The read set and the write set of a group, and whether anything differs."""
    read = configtx_pb2.ConfigGroup(version=original.version)
    write = configtx_pb2.ConfigGroup(version=original.version)
    same = configtx_pb2.ConfigGroup()
    members = [
        _compare_leaves(original.values, updated.values, write.values, same.values),
        _compare_leaves(original.policies, updated.policies, write.policies, same.policies),
        _compare_groups(original, updated, read, write, same),
    ]
    if not any(members) and original.mod_policy == updated.mod_policy:
        changed = bool(write.values or write.policies or write.groups)
        return read, write, changed
    # The group itself changes: what stays in it must be named, or it would go.
    write.version += 1
    write.mod_policy = updated.mod_policy
    read.MergeFrom(same)
    write.MergeFrom(same)
    return read, write, True


def _compare_leaves(
    original: Mapping[str, T], updated: Mapping[str, T], write: Mapping[str, T], same: Mapping[str, T]
) -> bool:
    """Put what differs into `write`, what does not into `same`. Returns whether some come or go."""
    for name in sorted(updated):
        if name not in original:
            write[name].CopyFrom(updated[name])
            write[name].version = 0
        elif _content(original[name]) == _content(updated[name]):
            same[name].version = original[name].version
        else:
            write[name].CopyFrom(updated[name])
            write[name].version = original[name].version + 1
    return set(original) != set(updated)


def _content(one: configtx_pb2.ConfigValue | configtx_pb2.ConfigPolicy) -> tuple[str, object]:
    return one.mod_policy, one.value if isinstance(one, configtx_pb2.ConfigValue) else one.policy


def _compare_groups(
    original: configtx_pb2.ConfigGroup,
    updated: configtx_pb2.ConfigGroup,
    read: configtx_pb2.ConfigGroup,
    write: configtx_pb2.ConfigGroup,
    same: configtx_pb2.ConfigGroup,
) -> bool:
    for name in sorted(updated.groups):
        after = updated.groups[name]
        if name not in original.groups:
            added = write.groups[name]
            added.CopyFrom(_compare(configtx_pb2.ConfigGroup(), after)[1])
            added.version, added.mod_policy = 0, after.mod_policy
            continue
        read_one, write_one, changed = _compare(original.groups[name], after)
        if changed:
            read.groups[name].CopyFrom(read_one)
            write.groups[name].CopyFrom(write_one)
        else:
            same.groups[name].CopyFrom(read_one)
    return set(original.groups) != set(updated.groups)
