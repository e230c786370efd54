"""The peers' services on grpc. Written twice: `_async/transport.py` is its twin on grpc.aio.

Nobody else sees a gRPC status: here it becomes one of our errors.
"""

import time
from typing import Generic, TypeVar

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2, gateway_pb2_grpc
from fabric_protos.peer import events_pb2, events_pb2_grpc, peer_pb2_grpc, proposal_pb2, proposal_response_pb2

from node_client.errors import (
    CommitStatusError,
    EndorseError,
    EvaluateError,
    EventsError,
    GatewayClosed,
    GatewayError,
    ProposalError,
    SubmitError,
)
from node_client.gateway.failures import failure
from node_client.gateway.options import Deadlines, Endpoint

Q = TypeVar("Q")
R = TypeVar("R")

Channel = grpc.Channel


class Transport:
    """One connection to a peer.

    Args:
        endpoint: the peer, to which a connection is made with the first call; or a channel, which stays the caller's.
        deadlines: how long each call may take unless it is told otherwise.
    """

    def __init__(self, endpoint: Endpoint | Channel, deadlines: Deadlines) -> None:
        self._owned = isinstance(endpoint, Endpoint)
        self._channel = _dial(endpoint) if isinstance(endpoint, Endpoint) else endpoint
        self._deadlines = deadlines
        self._gateway = gateway_pb2_grpc.GatewayStub(self._channel)
        self._endorser = peer_pb2_grpc.EndorserStub(self._channel)
        self._deliver = events_pb2_grpc.DeliverStub(self._channel)
        self.closed = False

    def close(self) -> None:
        """End the connection, and every call and stream on it; a channel that was passed in stays open."""
        self.closed = True
        if self._owned:
            self._channel.close()

    def pause(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def evaluate(self, request: gateway_pb2.EvaluateRequest, timeout: float | None) -> gateway_pb2.EvaluateResponse:
        """Raises EvaluateError."""
        timeout = self._deadlines.evaluate if timeout is None else timeout
        return self._call(EvaluateError, self._gateway.Evaluate, request, timeout, request.transaction_id)

    def endorse(self, request: gateway_pb2.EndorseRequest, timeout: float | None) -> gateway_pb2.EndorseResponse:
        """Raises EndorseError."""
        timeout = self._deadlines.endorse if timeout is None else timeout
        return self._call(EndorseError, self._gateway.Endorse, request, timeout, request.transaction_id)

    def submit(self, request: gateway_pb2.SubmitRequest, timeout: float | None) -> None:
        """Raises SubmitError."""
        timeout = self._deadlines.submit if timeout is None else timeout
        self._call(SubmitError, self._gateway.Submit, request, timeout, request.transaction_id)

    def commit_status(
        self, request: gateway_pb2.SignedCommitStatusRequest, transaction_id: str, timeout: float | None
    ) -> gateway_pb2.CommitStatusResponse:
        """Raises CommitStatusError."""
        timeout = self._deadlines.commit_status if timeout is None else timeout
        return self._call(CommitStatusError, self._gateway.CommitStatus, request, timeout, transaction_id)

    def process_proposal(
        self, proposal: proposal_pb2.SignedProposal, transaction_id: str, timeout: float | None
    ) -> proposal_response_pb2.ProposalResponse:
        """Ask this one peer to endorse. Raises ProposalError."""
        timeout = self._deadlines.endorse if timeout is None else timeout
        return self._call(ProposalError, self._endorser.ProcessProposal, proposal, timeout, transaction_id)

    def chaincode_events(
        self, request: gateway_pb2.SignedChaincodeEventsRequest, timeout: float | None
    ) -> "Responses[gateway_pb2.ChaincodeEventsResponse]":
        """Begin a stream of chaincode events."""
        self._require_open()
        call = self._gateway.ChaincodeEvents(request, timeout=self._deadlines.events if timeout is None else timeout)
        return Responses(self, call)

    def deliver(
        self, method: str, request: common_pb2.Envelope, timeout: float | None
    ) -> "Responses[events_pb2.DeliverResponse]":
        """Begin a stream of blocks, by the method of `protos.Deliver` that is named."""
        self._require_open()
        methods = {
            "Deliver": self._deliver.Deliver,
            "DeliverFiltered": self._deliver.DeliverFiltered,
            "DeliverWithPrivateData": self._deliver.DeliverWithPrivateData,
        }
        call = methods[method](iter([request]), timeout=self._deadlines.events if timeout is None else timeout)
        return Responses(self, call)

    def _call(
        self,
        kind: type[GatewayError],
        method: "grpc.UnaryUnaryMultiCallable[Q, R]",
        request: Q,
        timeout: float | None,
        transaction_id: str,
    ) -> R:
        self._require_open()
        try:
            return method(request, timeout=timeout)
        except grpc.RpcError as error:
            raise failure(kind, error, transaction_id) from error

    def _require_open(self) -> None:
        if self.closed:
            raise GatewayClosed("this gateway has been closed")


class Responses(Generic[R]):
    """The answers on a stream. It can be cancelled from another thread."""

    def __init__(self, transport: Transport, call: "grpc._CallIterator[R]") -> None:
        self._transport = transport
        self._call = call
        self._cancelled = False

    def receive(self) -> R | None:
        """The next answer; None when the stream has ended. Raises EventsError."""
        try:
            return next(self._call)
        except StopIteration:
            return None
        except grpc.RpcError as error:
            if self._cancelled:
                return None
            if self._transport.closed:
                raise GatewayClosed("this gateway has been closed") from None
            raise failure(EventsError, error) from error

    def cancel(self) -> None:
        """End the stream. Who waits for an answer gets None."""
        self._cancelled = True
        self._call.cancel()


def _dial(endpoint: Endpoint) -> Channel:
    if endpoint.tls_roots is None:
        return grpc.insecure_channel(endpoint.address, options=endpoint.channel_options)
    credentials = grpc.ssl_channel_credentials(endpoint.tls_roots, endpoint.client_key, endpoint.client_certificate)
    return grpc.secure_channel(endpoint.address, credentials, options=endpoint.channel_options)
