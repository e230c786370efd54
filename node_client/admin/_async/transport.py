"""A node's endpoints for administration, on asyncio. Written twice: `_sync/transport.py` is its twin."""

import asyncio

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.discovery import protocol_pb2, protocol_pb2_grpc
from fabric_protos.orderer import ab_pb2_grpc

from node_client.admin import rest
from node_client.admin.orderer_messages import TIMEOUT, check_broadcast, delivered_block, unanswered
from node_client.admin.rest import RestAnswer, RestEndpoint
from node_client.gateway.options import Endpoint


class AsyncRest:
    """Calls to one endpoint, each on a connection of its own."""

    def __init__(self, endpoint: RestEndpoint) -> None:
        self.endpoint = endpoint

    async def call(self, method: str, path: str, body: bytes = b"", content_type: str = "") -> RestAnswer:
        """Make a call. Raises AdminError: there was no answer."""
        return await asyncio.to_thread(rest.call, self.endpoint, method, path, body, content_type)


class AsyncOrderer:
    """An orderer, asked each time on a connection of its own."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    async def broadcast(self, envelope: bytes, *, timeout: float | None = TIMEOUT) -> None:
        """Hand an envelope over for ordering.

        Args:
            timeout: seconds that the orderer may take.

        Raises:
            AdminError: it refused, or could not be reached.
        """
        check_broadcast(self.endpoint.address, await self._ask("Broadcast", envelope, timeout))

    async def block(self, request: bytes, *, timeout: float | None = TIMEOUT) -> bytes:
        """The block that a signed request asks for. Raises AdminError."""
        return delivered_block(self.endpoint.address, await self._ask("Deliver", request, timeout))

    async def _ask(self, method: str, envelope: bytes, timeout: float | None) -> object:
        """The first answer to an envelope; none where the stream ends without one."""
        message = common_pb2.Envelope.FromString(envelope)
        async with _dial(self.endpoint) as channel:
            stub = ab_pb2_grpc.AtomicBroadcastStub(channel)
            call = (stub.Broadcast if method == "Broadcast" else stub.Deliver)(iter([message]), timeout=timeout)
            try:
                return await call.read()
            except grpc.RpcError as error:
                raise unanswered(self.endpoint.address, error) from error


class AsyncDiscoverer:
    """A peer's discovery service, asked each time on a connection of its own."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    async def discover(self, payload: bytes, signature: bytes, *, timeout: float | None = TIMEOUT) -> bytes:
        """The answer to a signed request, `discovery.Response`. Raises AdminError."""
        request = protocol_pb2.SignedRequest(payload=payload, signature=signature)
        async with _dial(self.endpoint) as channel:
            try:
                answer = await protocol_pb2_grpc.DiscoveryStub(channel).Discover(request, timeout=timeout)
            except grpc.RpcError as error:
                raise unanswered(self.endpoint.address, error) from error
        return bytes(answer.SerializeToString())


def _dial(endpoint: Endpoint) -> grpc.aio.Channel:
    if endpoint.tls_roots is None:
        return grpc.aio.insecure_channel(endpoint.address, options=endpoint.channel_options)
    credentials = grpc.ssl_channel_credentials(endpoint.tls_roots, endpoint.client_key, endpoint.client_certificate)
    return grpc.aio.secure_channel(endpoint.address, credentials, options=endpoint.channel_options)
