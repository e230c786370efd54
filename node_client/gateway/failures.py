"""gRPC's failures as ours. Details travel as `google.rpc.Status` in `grpc-status-details-bin`."""

from typing import Any, TypeVar

from fabric_protos.gateway import gateway_pb2
from google.protobuf.message import DecodeError
from google.rpc import status_pb2

from node_client.errors import GatewayError, PeerDetail

DETAILS_KEY = "grpc-status-details-bin"

E = TypeVar("E", bound=GatewayError)


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
