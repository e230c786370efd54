"""What orderers answer to an envelope (`orderer/common/broadcast`)."""

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2

from node_client.errors import AdminError

TIMEOUT = 30.0  # seconds that an orderer may take


def check_answer(address: str, answer: "ab_pb2.BroadcastResponse | None") -> None:
    """Check that an orderer took an envelope. Raises AdminError."""
    if answer is None:
        raise AdminError(address, 0, "the orderer ended the stream without an answer")
    if answer.status != common_pb2.SUCCESS:
        raise AdminError(address, int(answer.status), answer.info)


def unanswered(address: str, error: grpc.RpcError) -> AdminError:
    """The error of a call that an orderer did not answer."""
    details = error.details() if isinstance(error, grpc.Call | grpc.aio.AioRpcError) else ""
    return AdminError(address, 0, str(details or error))
