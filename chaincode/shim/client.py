"""Chaincode launched by its peer: it dials the peer that launched it."""

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

import grpc
from fabric_protos.peer import chaincode_shim_pb2_grpc

from chaincode.shim.chaincode import Chaincode
from chaincode.shim.errors import StreamLost
from chaincode.shim.handler import StreamHandler
from chaincode.shim.stream import CHANNEL_OPTIONS, KEEPALIVE_OPTIONS, Message

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ClientTls:
    """The peer's root certificate, and the key pair that the peer gave this chaincode."""

    root: bytes
    key: bytes | None = None
    certificate: bytes | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        """The gRPC credentials."""
        return grpc.ssl_channel_credentials(self.root, self.key, self.certificate)


async def connect(chaincode: Chaincode, chaincode_id: str, address: str, *, tls: ClientTls | None = None) -> None:
    """Register with the peer at this address and run its transactions until the stream ends.

    Args:
        chaincode: what runs.
        chaincode_id: its package id, as the peer gave it.
        address: the peer's chaincode endpoint, `host:port`.
        tls: without it the stream is plain text.

    Raises:
        StreamLost: the peer cannot be reached or ended the stream with an error.
    """
    options = (*CHANNEL_OPTIONS, *KEEPALIVE_OPTIONS)
    if tls:
        channel = grpc.aio.secure_channel(address, tls.credentials(), options=options)
    else:
        channel = grpc.aio.insecure_channel(address, options=options)
    async with channel:
        call = chaincode_shim_pb2_grpc.ChaincodeSupportStub(channel).Register()

        async def read() -> AsyncIterator[Message]:
            while isinstance(message := await call.read(), Message):
                yield message

        try:
            await StreamHandler(chaincode, chaincode_id).run(read(), call.write)
        except (grpc.aio.AioRpcError, StreamLost) as error:
            reason = await call.details() if call.done() else str(error)
            raise StreamLost(f"the stream to the peer at {address} was lost: {reason}") from error
        logger.info("the peer at %s ended the stream", address)
