"""Messages of the orderers' channel participation API (`orderer/common/channelparticipation/restapi.go`)."""

import json
from dataclasses import dataclass

from node_client.protocol.errors import ProtocolError

CHANNELS = "/participation/v1/channels"


@dataclass(frozen=True)
class ChannelInfo:
    """What an orderer says of a channel that it is in.

    Attributes:
        relation: `consenter`, `follower` or `config-tracker`.
        status: `active`, `onboarding`, `inactive` or `failed`.
        height: how many blocks it has.
    """

    name: str
    relation: str
    status: str
    height: int


def channel_info(data: bytes) -> ChannelInfo:
    """The answer about one channel. Raises ProtocolError."""
    try:
        values = json.loads(data)
        return ChannelInfo(
            str(values["name"]), str(values["consensusRelation"]), str(values["status"]), int(values["height"])
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ProtocolError(f"an orderer's answer about a channel is not one: {error}") from error


def channel_names(data: bytes) -> tuple[str, ...]:
    """The names in the answer about all channels. Raises ProtocolError."""
    try:
        return tuple(str(one["name"]) for one in json.loads(data)["channels"] or ())
    except (ValueError, KeyError, TypeError) as error:
        raise ProtocolError(f"an orderer's answer about its channels is not one: {error}") from error


def refusal(data: bytes) -> str:
    """An orderer's words for what it refused; the body itself when it is not of the API's form."""
    try:
        return str(json.loads(data)["error"])
    except (ValueError, KeyError, TypeError):
        return data.decode("utf-8", "replace").strip()


def join_form(block: bytes, boundary: str) -> tuple[bytes, str]:
    """The form that joins a channel by its block (RFC 7578).

    Args:
        boundary: random, so that it is not in the block.

    Returns:
        The body and its content type.
    """
    head = (
        f"--{boundary}\r\n"
        'Content-Disposition: form-data; name="config-block"; filename="config.block"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return head.encode() + block + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"
