"""An organisation's chaincode: its streams, whoever dials.

Chaincode that its peer launched dials the peer (`protos.ChaincodeSupport`, mutual TLS); chaincode that runs as a
service is dialled, and dialled again when its stream ends.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import grpc
from fabric_protos.peer import chaincode_shim_pb2_grpc, proposal_response_pb2

from network.embedded.chaincode_stream import ChaincodeStream, ExecutionError, Message

logger = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0  # seconds between attempts to dial a service

OPTIONS = (
    ("grpc.max_receive_message_length", 100 * 1024 * 1024),
    ("grpc.max_send_message_length", 100 * 1024 * 1024),
)
SERVER_OPTIONS = (
    *OPTIONS,
    # Two servers on one port would share its calls: a port that is in use must be an error.
    ("grpc.so_reuseport", 0),
    # Clients and chaincode may ping every minute, with or without a call (`keepalive.minInterval` of Fabric's sample
    # core.yaml), here a little unevenly; gRPC's own rule is five minutes, and it ends the connection otherwise.
    ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
    ("grpc.keepalive_permit_without_calls", 1),
)


@dataclass(frozen=True)
class Completed:
    """Compatibility until peers invoke by network.embedded.invoking."""

    response: proposal_response_pb2.Response
    event_name: str
    event_payload: bytes


Registered = Callable[[str, ChaincodeStream], bool]  # told who has registered; false refuses it


@dataclass(frozen=True)
class Connection:
    """Where a chaincode service is: `connection.json` of a package of type ccaas.

    Attributes:
        domain: the name in its certificate, where that is not the address's. Fabric looks at it only with a client
            certificate (`core/container/externalbuilder/instance.go`).
    """

    address: str
    tls: bool
    root: bytes | None
    client_key: bytes | None
    client_certificate: bytes | None
    domain: str = ""

    @classmethod
    def parse(cls, data: bytes) -> "Connection":
        """Read a `connection.json`.

        Raises:
            ValueError: it is not one.
        """
        try:
            values = json.loads(data)
            address = str(values["address"])
            if not address:
                raise ValueError("connection.json has no address")
            tls = bool(values.get("tls_required", False))
            mutual = tls and bool(values.get("client_auth_required", False))
            return cls(
                address=address,
                tls=tls,
                root=str(values["root_cert"]).encode() if tls else None,
                client_key=str(values["client_key"]).encode() if mutual else None,
                client_certificate=str(values["client_cert"]).encode() if mutual else None,
                domain=str(values.get("domain") or "") if mutual else "",
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"connection.json lacks {error}") from error

    def channel(self) -> grpc.aio.Channel:
        """A gRPC channel to it."""
        if not self.tls:
            return grpc.aio.insecure_channel(self.address, options=OPTIONS)
        credentials = grpc.ssl_channel_credentials(self.root, self.client_key, self.client_certificate)
        named = (("grpc.ssl_target_name_override", self.domain),) if self.domain else ()
        return grpc.aio.secure_channel(self.address, credentials, options=(*OPTIONS, *named))


class ChaincodeSupport(chaincode_shim_pb2_grpc.ChaincodeSupportServicer):
    """The chaincode of one organisation's peer."""

    def __init__(self) -> None:
        self._streams: dict[str, ChaincodeStream] = {}
        self._arrivals: dict[str, asyncio.Event] = {}
        self._services: dict[str, asyncio.Task[None]] = {}
        self._expected: dict[str, str] = {}

    def expect(self, package_id: str, client: str) -> None:
        """Admit a launched chaincode: the package, and the common name in its client certificate."""
        self._expected[package_id] = client

    def dial(self, package_id: str, connection: Connection) -> None:
        """Keep a stream to a chaincode service open."""
        if package_id in self._services:
            self._services[package_id].cancel()
        self._services[package_id] = asyncio.create_task(self._keep_dialling(package_id, connection))

    async def close(self) -> None:
        """End the streams to services."""
        for task in self._services.values():
            task.cancel()
        await asyncio.gather(*self._services.values(), return_exceptions=True)

    def is_running(self, package_id: str) -> bool:
        """Whether the package's chaincode is registered."""
        return package_id in self._streams

    async def wait_for(self, package_id: str) -> None:
        """Wait until the package's chaincode has registered."""
        while package_id not in self._streams:
            await self._arrivals.setdefault(package_id, asyncio.Event()).wait()

    def stream(self, package_id: str) -> ChaincodeStream:
        """The stream of a package's chaincode. Raises ExecutionError when it does not run."""
        stream = self._streams.get(package_id)
        if stream is None:
            raise ExecutionError(f"could not launch chaincode {package_id}: connection not established")
        return stream

    def name(self, chaincode: str, package_id: str) -> None:
        """Compatibility until peers invoke by network.embedded.invoking."""

    async def execute(self, context: Any, package_id: str, chaincode_input: bytes, proposal: Any) -> Completed:
        """Compatibility until peers invoke by network.embedded.invoking."""
        message = Message(
            type=Message.TRANSACTION,
            payload=chaincode_input,
            txid=context.tx_id,
            channel_id=context.channel,
            proposal=proposal,
        )

        async def call(_: bytes) -> bytes:
            raise ExecutionError("not yet")

        try:
            done = await self.stream(package_id).execute(context, message, call, 30.0)
        except ExecutionError as error:
            raise ExecutionError(f"error sending: {error}") from error
        if done.type == Message.ERROR:
            raise ExecutionError(f"transaction returned with failure: {done.payload.decode()}")
        response = proposal_response_pb2.Response.FromString(done.payload)
        return Completed(response, done.chaincode_event.event_name, done.chaincode_event.payload)

    async def Register(  # type: ignore[override]  # noqa: N802 - gRPC's name
        self, messages: AsyncIterator[Message], context: Any
    ) -> None:
        """A launched chaincode dials in."""
        names = context.auth_context().get("x509_common_name", [])
        client = names[0].decode() if names else ""

        async def read() -> AsyncIterator[Message]:
            while isinstance(message := await context.read(), Message):
                yield message

        def registered(name: str, stream: ChaincodeStream) -> bool:
            if self._expected.get(name) != client:
                return False
            self._arrive(name, stream)
            return True

        await self._serve(ChaincodeStream(context.write), read(), registered)

    async def _keep_dialling(self, package_id: str, connection: Connection) -> None:
        pause = FIRST_PAUSE

        def registered(name: str, stream: ChaincodeStream) -> bool:
            nonlocal pause
            if name != package_id:
                logger.warning("the chaincode at %s must have the id %s, not %r", connection.address, package_id, name)
                return False
            pause = FIRST_PAUSE
            self._arrive(package_id, stream)
            return True

        while True:
            try:
                await self._dial(package_id, connection, registered)
            except Exception:  # whatever a service does, it is dialled again
                logger.exception("the stream to chaincode %s broke", package_id)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _dial(self, package_id: str, connection: Connection, registered: Registered) -> None:
        """One stream to a service, until it ends."""
        async with connection.channel() as channel:
            call = chaincode_shim_pb2_grpc.ChaincodeStub(channel).Connect()

            async def read() -> AsyncIterator[Message]:
                try:
                    while isinstance(message := await call.read(), Message):
                        yield message
                except grpc.aio.AioRpcError as error:
                    logger.info("chaincode %s: %s", package_id, error.details())

            await self._serve(ChaincodeStream(call.write), read(), registered)

    async def _serve(self, stream: ChaincodeStream, messages: AsyncIterator[Message], registered: Registered) -> None:
        try:
            await stream.run(messages, registered)
        finally:
            for name, known in list(self._streams.items()):
                if known is stream:
                    del self._streams[name]
                    self._arrivals.pop(name, None)
                    logger.info("chaincode %s has gone", name)

    def _arrive(self, package_id: str, stream: ChaincodeStream) -> None:
        logger.info("chaincode %s is there", package_id)
        self._streams[package_id] = stream
        self._arrivals.setdefault(package_id, asyncio.Event()).set()
