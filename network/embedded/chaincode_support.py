"""An organisation's chaincode: its streams, whoever dials.

Chaincode that its peer launched dials the peer (`protos.ChaincodeSupport`, mutual TLS); chaincode that runs as a
service is dialled, and dialled again when its stream ends.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import grpc
from fabric_protos.peer import chaincode_shim_pb2_grpc

from network.embedded.chaincode_stream import ChaincodeStream, ExecutionError, Message
from network.embedded.on_demand import OnDemand

logger = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0  # seconds between attempts to dial a service
STARTUP_TIMEOUT = 300.0  # `chaincode.startuptimeout` of Fabric's sample core.yaml

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
    # gRPC ends calls that wait for the event loop with CANCELLED: some of more than 1,000, all above 3,000 (seen with
    # grpcio 1.82 and newer). Fabric's grpc-go has no such limit, and the limits that Fabric has tell the caller so.
    ("grpc.server.max_pending_requests", 2**31 - 1),
    ("grpc.server.max_pending_requests_hard_limit", 2**31 - 1),
    # As Fabric's nodes, which have no decompressor: few bytes must not become many.
    ("grpc.compression_enabled_algorithms_bitset", 1),
)


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


class _Service:
    """A chaincode that is dialled, and who waits for it.

    Attributes:
        wanted: set when somebody waits, so that the next attempt is made at once.
        waiting: those who came while nothing was dialled for them yet; each is told why it failed, or nothing.
    """

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.wanted = asyncio.Event()
        self.waiting: list[asyncio.Future[str]] = []
        self._told: list[asyncio.Future[str]] = []

    def begin(self) -> None:
        """An attempt begins: what comes of it is for those who wait now."""
        self.wanted.clear()
        self._told += self.waiting
        self.waiting = []

    def succeeded(self) -> None:
        """The chaincode is there, for whoever waits."""
        self.begin()
        self.failed("")

    def failed(self, why: str) -> None:
        """The attempt has failed, for those who waited when it began."""
        for one in self._told:
            if not one.done():
                one.set_result(why)
        self._told = []

    def stop(self) -> "asyncio.Task[None] | None":
        """Dial no more. Returns what ends."""
        self.begin()
        self.failed("the peer is shutting down")
        if self.task:
            self.task.cancel()
        return self.task

    async def attempt(self) -> str:
        """Wait for the outcome of an attempt that begins from now on. Returns why it failed; empty if it did not."""
        outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.waiting.append(outcome)
        self.wanted.set()
        return await outcome


class ChaincodeSupport(chaincode_shim_pb2_grpc.ChaincodeSupportServicer):
    """The chaincode of one organisation's peer."""

    def __init__(self) -> None:
        self._streams: dict[str, ChaincodeStream] = {}
        self._arrivals: dict[str, asyncio.Event] = {}
        self._services: dict[str, _Service] = {}
        self._expected: dict[str, str] = {}
        self._launched: dict[str, OnDemand] = {}

    def launch(self, package_id: str, chaincode: OnDemand | None) -> None:
        """Launch a chaincode when it is called; or with None, not any more, for another keeps it running."""
        self._launched.pop(package_id, None)
        if chaincode:
            self._launched[package_id] = chaincode

    async def end_unused(self, used: Collection[str | None]) -> None:
        """End what was launched by other packages than these."""
        await asyncio.gather(*(one.close() for package_id, one in self._launched.items() if package_id not in used))

    def expect(self, package_id: str, client: str) -> None:
        """Admit a launched chaincode: the package, and the common name in its client certificate."""
        self._expected[package_id] = client

    def dial(self, package_id: str, connection: Connection) -> None:
        """Keep a stream to a chaincode service open."""
        if before := self._services.get(package_id):
            before.stop()
        service = self._services[package_id] = _Service()
        service.task = asyncio.create_task(self._keep_dialling(package_id, connection, service))

    async def close(self) -> None:
        """End the streams to services, and what was launched when it was called."""
        await asyncio.gather(*(chaincode.close() for chaincode in self._launched.values()))
        tasks = [task for service in self._services.values() if (task := service.stop())]
        await asyncio.gather(*tasks, return_exceptions=True)

    def is_running(self, package_id: str) -> bool:
        """Whether the package's chaincode is registered."""
        return package_id in self._streams

    async def wait_for(self, package_id: str) -> None:
        """Wait until the package's chaincode has registered."""
        while package_id not in self._streams:
            await self._arrivals.setdefault(package_id, asyncio.Event()).wait()

    async def stream(self, package_id: str) -> ChaincodeStream:
        """The stream of a package's chaincode: a service that is not connected is dialled for it at once, and what the
        peer launches is launched.

        Raises:
            ExecutionError: it does not run.
        """
        why = "connection not established"
        if package_id not in self._streams and (service := self._services.get(package_id)):
            try:
                async with asyncio.timeout(STARTUP_TIMEOUT):
                    why = await service.attempt()
            except TimeoutError:
                why = f"timeout expired while starting chaincode {package_id} for transaction"
        if package_id not in self._streams and (launched := self._launched.get(package_id)):
            why = await launched.wait_for(lambda: self.wait_for(package_id), STARTUP_TIMEOUT)
        stream = self._streams.get(package_id)
        if stream is None:
            raise ExecutionError(f"could not launch chaincode {package_id}: {why or 'connection not established'}")
        return stream

    async def Register(  # type: ignore[override]  # noqa: N802 - gRPC's name
        self, messages: AsyncIterator[Message], context: Any
    ) -> None:
        """A launched chaincode dials in."""
        names = context.auth_context().get("x509_common_name", [])
        client = names[0].decode() if names else ""

        def registered(name: str, stream: ChaincodeStream) -> bool:
            if self._expected.get(name) != client:
                return False
            self._arrive(name, stream)
            return True

        await self._serve(ChaincodeStream(context.write), messages, registered)

    async def _keep_dialling(self, package_id: str, connection: Connection, service: _Service) -> None:
        pause = FIRST_PAUSE

        def registered(name: str, stream: ChaincodeStream) -> bool:
            nonlocal pause
            if name != package_id:
                logger.warning("the chaincode at %s must have the id %s, not %r", connection.address, package_id, name)
                return False
            pause = FIRST_PAUSE
            self._arrive(package_id, stream)
            service.succeeded()
            return True

        while True:
            why = f"chaincode registration failed: connection to {package_id} terminated"
            service.begin()
            try:
                why = await self._dial(package_id, connection, registered) or why
            except Exception:  # whatever a service does, it is dialled again
                logger.exception("the stream to chaincode %s broke", package_id)
            service.failed(why)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await service.wanted.wait()
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _dial(self, package_id: str, connection: Connection, registered: Registered) -> str:
        """One stream to a service, until it ends. Returns why the service could not be reached, if it could not."""
        why = ""
        async with connection.channel() as channel:
            call = chaincode_shim_pb2_grpc.ChaincodeStub(channel).Connect()

            async def read() -> AsyncIterator[Message]:
                nonlocal why
                try:
                    while isinstance(message := await call.read(), Message):
                        yield message
                except grpc.aio.AioRpcError as error:
                    logger.info("chaincode %s: %s", package_id, error.details())
                    why = _unreachable(package_id, connection.address, error.details() or "")

            await self._serve(ChaincodeStream(call.write), read(), registered)
        return why

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


def _unreachable(package_id: str, address: str, details: str) -> str:
    """How Fabric says that a service cannot be dialled (`core/chaincode/extcc`, `internal/pkg/comm/config.go`)."""
    why = "connect: connection refused" if "Connection refused" in details else details
    return (
        f"connection to {package_id} failed: error cannot create connection for {package_id}: error creating grpc "
        f'connection to {address}: failed to create new connection: connection error: desc = "transport: error while '
        f'dialing: dial tcp {address}: {why}"'
    )
