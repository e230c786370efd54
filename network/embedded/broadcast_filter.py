"""Which envelopes orderers take.

Source: Fabric's `orderer/common/broadcast`, `multichannel/registrar.go` (BroadcastChannelSupport) and `msgprocessor`,
in their order. What is in a transaction is for peers to judge.
"""

from datetime import UTC, datetime

from fabric_protos.common import common_pb2
from google.protobuf.message import DecodeError

from network.embedded.unpacking import UNREADABLE, Malformed, unmarshal
from node_client.protocol.config import Configuration
from node_client.protocol.errors import ProtocolError
from node_client.protocol.policy import SignedData, signers

WRITERS, MAINTAINERS = "/Channel/Writers", "/Channel/Orderer/Writers"
_UNPROCESSABLE = {
    common_pb2.CONFIG: "message is of type that cannot be processed directly",
    common_pb2.ORDERER_TRANSACTION: "message is of type that is no longer supported",
}


class BroadcastError(Exception):
    """The orderer does not take an envelope; `status` is a `common.Status`."""

    def __init__(self, status: "common_pb2.Status.ValueType", message: str) -> None:
        super().__init__(message)
        self.status = status


INITIAL, FINAL = "initial", "final"  # checks of an update, and of the configuration that comes of it


def check_envelope(envelope: bytes, config: Configuration, now: datetime | None = None) -> bool:
    """Check that an envelope may be ordered.

    Returns:
        Whether it is an update of the configuration, which has its own checks besides.

    Raises:
        BroadcastError: it is for another channel, empty, too large, not signed by a writer, or its signer's certificate
            has expired; or orderers are being maintained.
    """
    message = common_pb2.Envelope.FromString(envelope)
    try:
        payload = unmarshal(common_pb2.Payload, message.payload)
        updates = _check_channel(payload, config) == common_pb2.CONFIG_UPDATE
    except Malformed as error:
        raise _bad(f"could not determine channel ID: {error}") from error
    if updates:
        check_update(envelope, config, INITIAL, now)
        return True
    if config.in_maintenance:
        text = "normal transactions are rejected: maintenance mode"
        raise BroadcastError(common_pb2.SERVICE_UNAVAILABLE, text)
    _filter(message, payload, config, now)
    return False


def check_update(envelope: bytes, config: Configuration, which: str, now: datetime | None = None) -> None:
    """Check an update of the configuration, or the configuration that came of one, like any envelope.

    Raises:
        BroadcastError: it is too large, or not signed by a writer, or its signer's certificate has expired.
    """
    message = common_pb2.Envelope.FromString(envelope)
    try:
        _filter(message, common_pb2.Payload.FromString(message.payload), config, now)
    except BroadcastError as error:
        text = f"config update for existing channel did not pass {which} checks: {error}"
        raise BroadcastError(error.status, text) from error


def _filter(
    message: common_pb2.Envelope, payload: common_pb2.Payload, config: Configuration, now: datetime | None
) -> None:
    size, most = len(message.payload) + len(message.signature), config.batch_size.absolute_max_bytes
    if size > most:
        raise _bad(f"message payload is {size} bytes and exceeds maximum allowed {most} bytes")
    try:
        creator = common_pb2.SignatureHeader.FromString(payload.header.signature_header).creator
    except DecodeError as error:
        text = f"GetSignatureHeaderFromBytes failed, err {UNREADABLE}"
        raise _bad(f"could not convert message to signedData: {text}") from error
    if _is_expired(creator, config, now or datetime.now(UTC)):
        raise _bad("broadcast client identity expired")
    members = signers(config.msp_manager, [SignedData(message.payload, creator, message.signature)])
    if text := config.unsatisfied(MAINTAINERS if config.in_maintenance else WRITERS, members):
        raise BroadcastError(common_pb2.FORBIDDEN, f"{text}: permission denied")


def _check_channel(payload: common_pb2.Payload, config: Configuration) -> int:
    """Check for which channel an envelope is. Returns its type."""
    if not payload.HasField("header"):
        raise Malformed("header not set")
    if not payload.header.channel_header:
        raise Malformed("channel header not set")
    try:
        header = unmarshal(common_pb2.ChannelHeader, payload.header.channel_header)
    except Malformed as error:
        raise Malformed(f"error unmarshalling channel header: {error}") from error
    if header.channel_id != config.channel:
        raise _bad("channel does not exist")
    if header.type in _UNPROCESSABLE:
        raise _bad(_UNPROCESSABLE[common_pb2.HeaderType.ValueType(header.type)])
    return header.type


def _is_expired(identity: bytes, config: Configuration, now: datetime) -> bool:
    try:
        return config.msp_manager.member(identity).expires_at < now
    except ProtocolError:
        return False


def _bad(text: str) -> BroadcastError:
    return BroadcastError(common_pb2.BAD_REQUEST, text)
