"""The gateway's calls on grpc.aio. Written twice: `_sync/transport.py` is its twin on grpc."""

from collections.abc import AsyncIterator

import grpc
from fabric_protos.gateway import gateway_pb2, gateway_pb2_grpc
from fabric_protos.peer import peer_pb2_grpc, proposal_pb2, proposal_response_pb2

from node_client.errors import (
    CommitStatusError,
    EndorseError,
    EvaluateError,
    EventsError,
    ProposalError,
    SubmitError,
)
from node_client.gateway.failures import failure
from node_client.gateway.options import Deadlines, Endpoint


class AsyncTransport:
    """One connection to a peer.

    Args:
        endpoint: the peer; the connection is made with the first call.
        deadlines: how long each call may take.
    """

    def __init__(self, endpoint: Endpoint, deadlines: Deadlines) -> None:
        if endpoint.tls_roots is None:
            self._channel = grpc.aio.insecure_channel(endpoint.address, options=endpoint.channel_options)
        else:
            credentials = grpc.ssl_channel_credentials(
                endpoint.tls_roots, endpoint.client_key, endpoint.client_certificate
            )
            self._channel = grpc.aio.secure_channel(endpoint.address, credentials, options=endpoint.channel_options)
        self._deadlines = deadlines
        self._gateway = gateway_pb2_grpc.GatewayStub(self._channel)
        self._endorser = peer_pb2_grpc.EndorserStub(self._channel)

    async def close(self) -> None:
        """End the connection."""
        await self._channel.close()

    async def evaluate(self, request: gateway_pb2.EvaluateRequest) -> gateway_pb2.EvaluateResponse:
        """Raises EvaluateError."""
        try:
            return await self._gateway.Evaluate(request, timeout=self._deadlines.evaluate)
        except grpc.RpcError as error:
            raise failure(EvaluateError, error, request.transaction_id) from error

    async def endorse(self, request: gateway_pb2.EndorseRequest) -> gateway_pb2.EndorseResponse:
        """Raises EndorseError."""
        try:
            return await self._gateway.Endorse(request, timeout=self._deadlines.endorse)
        except grpc.RpcError as error:
            raise failure(EndorseError, error, request.transaction_id) from error

    async def submit(self, request: gateway_pb2.SubmitRequest) -> None:
        """Raises SubmitError."""
        try:
            await self._gateway.Submit(request, timeout=self._deadlines.submit)
        except grpc.RpcError as error:
            raise failure(SubmitError, error, request.transaction_id) from error

    async def commit_status(
        self, request: gateway_pb2.SignedCommitStatusRequest, transaction_id: str
    ) -> gateway_pb2.CommitStatusResponse:
        """Raises CommitStatusError."""
        try:
            return await self._gateway.CommitStatus(request, timeout=self._deadlines.commit_status)
        except grpc.RpcError as error:
            raise failure(CommitStatusError, error, transaction_id) from error

    async def events(
        self, request: gateway_pb2.SignedChaincodeEventsRequest
    ) -> AsyncIterator[gateway_pb2.ChaincodeEventsResponse]:
        """The stream of events. Raises EventsError."""
        call = self._gateway.ChaincodeEvents(request, timeout=self._deadlines.events)
        try:
            async for response in call:
                yield response
        except grpc.RpcError as error:
            raise failure(EventsError, error) from error
        finally:
            call.cancel()

    async def process_proposal(
        self, proposal: proposal_pb2.SignedProposal, transaction_id: str
    ) -> proposal_response_pb2.ProposalResponse:
        """Ask this one peer to endorse. Raises ProposalError."""
        try:
            return await self._endorser.ProcessProposal(proposal, timeout=self._deadlines.endorse)
        except grpc.RpcError as error:
            raise failure(ProposalError, error, transaction_id) from error
