"""Reading protobuf messages strictly, and writing the little ASN.1 that Fabric uses."""

from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from node_client.protocol.errors import ProtocolError

M = TypeVar("M", bound=Message)


def parse(kind: type[M], data: bytes, what: str) -> M:
    """The message in these bytes.

    Raises:
        ProtocolError: they are none; `what` names them in the text.
    """
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise ProtocolError(f"{what}: not a {kind.DESCRIPTOR.name}") from error


def parse_exact(kind: type[M], data: bytes, what: str) -> M:
    """The message in these bytes, which must be exactly its encoding, without unknown fields.

    Raises:
        ProtocolError: they are not.
    """
    message = parse(kind, data, what)
    message.DiscardUnknownFields()  # type: ignore[no-untyped-call, unused-ignore]
    if message.SerializeToString(deterministic=True) != data:
        raise ProtocolError(f"{what}: not the encoding of its own content")
    return message


def der(tag: int, content: bytes) -> bytes:
    """An ASN.1 value in DER: its tag, its length and its content."""
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content
