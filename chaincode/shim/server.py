"""Chaincode as a service: the peer dials."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Self

import grpc
from fabric_protos.peer import chaincode_shim_pb2_grpc

from chaincode.shim.chaincode import Chaincode
from chaincode.shim.errors import AddressError, StreamLost
from chaincode.shim.handler import StreamHandler
from chaincode.shim.stream import SERVER_OPTIONS, Message

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ServerTls:
    """The service's certificate. With `client_roots`, only clients with a certificate under them may connect."""

    key: bytes
    certificate: bytes
    client_roots: bytes | None = None

    def credentials(self) -> grpc.ServerCredentials:
        """The gRPC credentials."""
        return grpc.ssl_server_credentials(
            [(self.key, self.certificate)],
            root_certificates=self.client_roots,
            require_client_auth=self.client_roots is not None,
        )


class _Servicer(chaincode_shim_pb2_grpc.ChaincodeServicer):
    def __init__(self, chaincode: Chaincode, chaincode_id: str) -> None:
        self._chaincode = chaincode
        self._chaincode_id = chaincode_id

    async def Connect(  # type: ignore[override]  # noqa: N802 - gRPC's name
        self, messages: object, context: "grpc.aio.ServicerContext[Message, Message]"
    ) -> None:
        async def read() -> AsyncIterator[Message]:
            while isinstance(message := await context.read(), Message):
                yield message

        logger.info("a peer connected")
        try:
            await StreamHandler(self._chaincode, self._chaincode_id).run(read(), context.write)
        except StreamLost as error:
            logger.info("a peer's stream broke: %s", error)
        else:
            logger.info("a peer disconnected")


class ChaincodeServer:
    """Serves a chaincode to the peers that dial it. Use it in `async with`, which raises AddressError when it cannot.

    Args:
        chaincode: what runs.
        chaincode_id: its package id, as `peer lifecycle chaincode install` gives it.
        address: `host:port`; port 0 takes a free one.
        tls: without it the service speaks plain text.
    """

    def __init__(self, chaincode: Chaincode, chaincode_id: str, address: str, *, tls: ServerTls | None = None) -> None:
        self._server = grpc.aio.server(options=SERVER_OPTIONS)
        chaincode_shim_pb2_grpc.add_ChaincodeServicer_to_server(_Servicer(chaincode, chaincode_id), self._server)
        self._host = address.rpartition(":")[0]
        self._wanted = address
        self._tls = tls
        self.address = address

    async def __aenter__(self) -> Self:
        try:
            if self._tls:
                port = self._server.add_secure_port(self._wanted, self._tls.credentials())
            else:
                port = self._server.add_insecure_port(self._wanted)
        except RuntimeError as error:
            await self._server.stop(grace=None)
            reason = "the address is in use or not of this machine"
            if self._tls:
                reason += ", or the key and the certificate do not fit"
            raise AddressError(f"cannot serve at {self._wanted}: {reason}") from error
        await self._server.start()
        self.address = f"{self._host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop(grace=None)

    async def wait(self) -> None:
        """Serve until the task is cancelled."""
        await asyncio.Event().wait()
