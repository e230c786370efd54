"""gRPC's failures as ours. Details travel as `google.rpc.Status` in `grpc-status-details-bin`."""

import re
from typing import Any, TypeVar

from fabric_protos.gateway import gateway_pb2
from google.protobuf.message import DecodeError
from google.rpc import status_pb2

from node_client.errors import GatewayError, PeerDetail

DETAILS_KEY = "grpc-status-details-bin"

E = TypeVar("E", bound=GatewayError)

# gRPC says UNAVAILABLE of a connection that cannot be made or breaks, and so do gateways of what is behind them. Theirs
# comes with details of the peers and orderers, or in words that are none of these, which are gRPC's own.
_LOST = re.compile(
    r"failed to connect|connections to all|Connection (refused|reset|closed)|[Ss]ocket closed|Stream removed|GOAWAY"
    r"|Endpoint closing|Cancelling all calls|recvmsg|sendmsg|Broken pipe|[Ss]hutting down|[Ss]hutdown"
    r"|keepalive|[Pp]ing timeout|DNS|name resolution|[Tt]ransport closed|RST_STREAM"
)
# The handshake came to its end, and the peer is not the one that is meant. That is final, too.
_NOT_TRUSTED = re.compile(r"SSL_ERROR_SSL|[Vv]erification [Cc]heck failed")


def failure(kind: type[E], error: Any, transaction_id: str = "") -> E:
    """Our error of this kind for a `grpc.RpcError` of either transport."""
    trailing = error.trailing_metadata() or ()
    data = b"".join(value for key, value in trailing if key == DETAILS_KEY)
    return kind(
        error.code().name,
        error.details() or "",
        transaction_id=transaction_id,
        details=peer_details(data),
    )


def connection_lost(error: GatewayError) -> bool:
    """Whether a call failed because its connection could not be made or broke, and not by an answer.

    A node that is stopped may cancel the calls that it has.
    """
    if error.code == "CANCELLED":
        return not error.details
    return (
        error.code == "UNAVAILABLE"
        and not error.details
        and _LOST.search(error.message) is not None
        and _NOT_TRUSTED.search(error.message) is None
    )


def peer_details(data: bytes) -> tuple[PeerDetail, ...]:
    """The per-peer details in a serialised `google.rpc.Status`."""
    try:
        status = status_pb2.Status.FromString(data)
    except DecodeError:
        return ()
    found = []
    for detail in status.details:
        message = gateway_pb2.ErrorDetail()
        if detail.Unpack(message):
            found.append(PeerDetail(message.address, message.msp_id, message.message))
    return tuple(found)
