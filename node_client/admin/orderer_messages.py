"""What orderers are asked and what they answer: `orderer/common/broadcast` and `common/deliver` of Fabric."""

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2

from node_client.errors import AdminError
from node_client.protocol.block import signature_header

TIMEOUT = 30.0  # seconds that an orderer may take


def seek_payload(channel: str, creator: bytes, nonce: bytes, number: int | None = None) -> bytes:
    """What is signed to ask for one block; the newest one without a number."""
    header = common_pb2.ChannelHeader(type=common_pb2.DELIVER_SEEK_INFO, channel_id=channel)
    header.timestamp.GetCurrentTime()
    position = ab_pb2.SeekPosition(newest=ab_pb2.SeekNewest())
    if number is not None:
        position = ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=number))
    seek = ab_pb2.SeekInfo(start=position, stop=position, behavior=ab_pb2.SeekInfo.FAIL_IF_NOT_READY)
    return common_pb2.Payload(
        header=common_pb2.Header(
            channel_header=header.SerializeToString(), signature_header=signature_header(creator, nonce)
        ),
        data=seek.SerializeToString(),
    ).SerializeToString()


def check_broadcast(address: str, answer: object) -> None:
    """Check that an orderer took an envelope. Raises AdminError."""
    if not isinstance(answer, ab_pb2.BroadcastResponse):
        raise _silent(address)
    if answer.status != common_pb2.SUCCESS:
        raise AdminError(address, int(answer.status), answer.info)


def delivered_block(address: str, answer: object) -> bytes:
    """The block in an orderer's answer. Raises AdminError."""
    if not isinstance(answer, ab_pb2.DeliverResponse):
        raise _silent(address)
    if answer.WhichOneof("Type") != "block":
        number = common_pb2.Status.DESCRIPTOR.values_by_number.get(answer.status)
        text = str(answer.status) if number is None else str(number.name)
        raise AdminError(address, int(answer.status), f"the orderer gives no block: {text}")
    return answer.block.SerializeToString()


def unanswered(address: str, error: grpc.RpcError) -> AdminError:
    """The error of a call that an orderer did not answer."""
    details = error.details() if isinstance(error, grpc.Call | grpc.aio.AioRpcError) else ""
    return AdminError(address, 0, str(details or error))


def _silent(address: str) -> AdminError:
    return AdminError(address, 0, "the orderer ended the stream without an answer")
