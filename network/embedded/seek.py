"""What a client asks for when it asks for blocks: from where, to where, and whether to wait for them.

Source: Fabric's `common/deliver/deliver.go` and `binding.go`, `common/ledger/blockledger/fileledger/impl.go`. Nothing
here is specific to peers or orderers.
"""

from dataclasses import dataclass

from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2

from node_client.protocol.codec import parse
from node_client.protocol.errors import ProtocolError
from node_client.protocol.policy import SignedData

TIME_WINDOW = 15 * 60 * 10**9  # nanoseconds; `AuthenticationTimeWindow` of peers and orderers
Status = common_pb2.Status


class Refused(Exception):
    """A request for blocks is answered with a status other than SUCCESS, and the stream ends."""

    def __init__(self, status: "common_pb2.Status.ValueType", reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Request:
    """A request, opened.

    Attributes:
        signed: who signed it, as who.
        content: the `orderer.SeekInfo`, not yet read.
    """

    channel: str
    signed: SignedData
    content: bytes


@dataclass(frozen=True)
class Blocks:
    """The blocks that are asked for.

    Attributes:
        first: the first one's number.
        last: the last one's number; a number that is never reached makes the stream endless.
        waits: whether to wait for blocks that are not there yet.
        headers_only: whether to leave the content of all but configuration blocks out.
    """

    first: int
    last: int
    waits: bool
    headers_only: bool


def open_request(envelope: common_pb2.Envelope, certificate_hash: bytes, now: int) -> Request:
    """Open a request and check its header.

    Args:
        certificate_hash: SHA-256 of the TLS certificate that the client showed; empty where none is asked for, and
            then the request need not name it.
        now: nanoseconds since 1970.

    Raises:
        Refused: it is not well formed, is not of now, or does not name the client's certificate.
    """
    try:
        payload = parse(common_pb2.Payload, envelope.payload, "payload")
        if not payload.HasField("header"):
            raise ProtocolError("the envelope has no header")
        header = parse(common_pb2.ChannelHeader, payload.header.channel_header, "channel header")
        creator = parse(common_pb2.SignatureHeader, payload.header.signature_header, "signature header").creator
    except ProtocolError as error:
        raise Refused(Status.BAD_REQUEST, str(error)) from error
    if not header.HasField("timestamp"):
        raise Refused(Status.BAD_REQUEST, "the channel header has no timestamp")
    if abs(now - header.timestamp.seconds * 10**9 - header.timestamp.nanos) > TIME_WINDOW:
        raise Refused(Status.BAD_REQUEST, "the timestamp is more than 15 minutes from the time here")
    if certificate_hash and header.tls_cert_hash != certificate_hash:
        raise Refused(Status.BAD_REQUEST, "the channel header does not name the client's TLS certificate")
    signed = SignedData(envelope.payload, creator, envelope.signature)
    return Request(header.channel_id, signed, payload.data)


def read_seek(content: bytes) -> ab_pb2.SeekInfo:
    """Read what is asked for. Raises Refused."""
    try:
        return parse(ab_pb2.SeekInfo, content, "seek info")
    except ProtocolError as error:
        raise Refused(Status.BAD_REQUEST, str(error)) from error


def resolve(seek: ab_pb2.SeekInfo, height: int) -> Blocks:
    """The blocks that are asked for, on a ledger of this height.

    A stop that is no position, or the next commit, is block 0: from any other block on, it is never reached.

    Raises:
        Refused: start or stop is missing, the start is past the next block, or the stop is before the start.
    """
    if not seek.HasField("start") or not seek.HasField("stop"):
        raise Refused(Status.BAD_REQUEST, "start or stop is missing")
    first = _first(seek.start, height)
    last = 0
    match seek.stop.WhichOneof("Type"):
        case "oldest":
            last = first
        case "newest":
            # From the newest to the newest is one block, whatever has come meanwhile.
            last = first if seek.start == seek.stop else height - 1
        case "specified":
            last = seek.stop.specified.number
            if last < first:
                raise Refused(Status.BAD_REQUEST, f"the stop {last} is before the start {first}")
    return Blocks(
        first,
        last,
        waits=seek.behavior != ab_pb2.SeekInfo.FAIL_IF_NOT_READY,
        headers_only=seek.content_type == ab_pb2.SeekInfo.HEADER_WITH_SIG,
    )


def _first(start: ab_pb2.SeekPosition, height: int) -> int:
    match start.WhichOneof("Type"):
        case "oldest":
            return 0
        case "newest":
            return height - 1
        case "next_commit":
            return height
        case "specified" if start.specified.number <= height:
            return start.specified.number
    raise Refused(Status.NOT_FOUND, f"no block to start with at height {height}")
