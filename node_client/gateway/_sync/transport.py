"""The peers' services on grpc. Written twice: `_async/transport.py` is its twin on grpc.aio.

Nobody else sees a gRPC status: here it becomes one of our errors.
"""

import time
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2, gateway_pb2_grpc
from fabric_protos.peer import events_pb2, events_pb2_grpc, peer_pb2_grpc, proposal_pb2, proposal_response_pb2
from google.protobuf.message import Message

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
from node_client.gateway.attempts import Attempts
from node_client.gateway.failures import connection_lost, failure
from node_client.gateway.options import Deadlines, Endpoint, Retry

Q = TypeVar("Q")
R = TypeVar("R")

Channel = grpc.Channel


class _Connection:
    """One connection to a peer, made with the first call.

    Args:
        peer: where it is; or a channel to it, which stays the caller's.
    """

    def __init__(self, peer: Endpoint | Channel) -> None:
        self.owned = isinstance(peer, Endpoint)
        self.channel = _dial(peer) if isinstance(peer, Endpoint) else peer
        self.gateway = gateway_pb2_grpc.GatewayStub(self.channel)
        self.endorser = peer_pb2_grpc.EndorserStub(self.channel)
        self.deliver = events_pb2_grpc.DeliverStub(self.channel)


class Transport:
    """Connections to peers of one organisation: one is used, and when it fails the next one is.

    Args:
        peers: the peers in the order in which they are tried; or a channel to one, which stays the caller's.
        deadlines: how long each call may take unless it is told otherwise.
        retry: how a call is made again when its connection fails.
    """

    def __init__(self, peers: Sequence[Endpoint | Channel], deadlines: Deadlines, retry: Retry) -> None:
        self._connections = [_Connection(peer) for peer in peers]
        self._used = 0
        self._deadlines = deadlines
        self._retry = retry
        self.closed = False

    def close(self) -> None:
        """End the connection, and every call and stream on it; a channel that was passed in stays open."""
        self.closed = True
        for connection in self._connections:
            if connection.owned:
                connection.channel.close()

    def pause(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def evaluate(self, request: gateway_pb2.EvaluateRequest, timeout: float | None) -> gateway_pb2.EvaluateResponse:
        """Raises EvaluateError."""
        timeout = self._deadlines.evaluate if timeout is None else timeout
        response: gateway_pb2.EvaluateResponse = self._call(
            EvaluateError, "Evaluate", request, timeout, request.transaction_id
        )
        return response

    def endorse(self, request: gateway_pb2.EndorseRequest, timeout: float | None) -> gateway_pb2.EndorseResponse:
        """Raises EndorseError."""
        timeout = self._deadlines.endorse if timeout is None else timeout
        response: gateway_pb2.EndorseResponse = self._call(
            EndorseError, "Endorse", request, timeout, request.transaction_id
        )
        return response

    def submit(self, request: gateway_pb2.SubmitRequest, timeout: float | None) -> None:
        """Raises SubmitError."""
        timeout = self._deadlines.submit if timeout is None else timeout
        self._call(SubmitError, "Submit", request, timeout, request.transaction_id)

    def commit_status(
        self, request: gateway_pb2.SignedCommitStatusRequest, transaction_id: str, timeout: float | None
    ) -> gateway_pb2.CommitStatusResponse:
        """Raises CommitStatusError."""
        timeout = self._deadlines.commit_status if timeout is None else timeout
        response: gateway_pb2.CommitStatusResponse = self._call(
            CommitStatusError, "CommitStatus", request, timeout, transaction_id
        )
        return response

    def process_proposal(
        self, proposal: proposal_pb2.SignedProposal, transaction_id: str, timeout: float | None
    ) -> proposal_response_pb2.ProposalResponse:
        """Ask the first peer alone to endorse, once. Raises ProposalError."""
        timeout = self._deadlines.endorse if timeout is None else timeout
        self._require_open()
        endorser = self._connections[0].endorser
        return self._attempt(ProposalError, endorser.ProcessProposal, proposal, timeout, transaction_id)

    def chaincode_events(
        self, request: gateway_pb2.SignedChaincodeEventsRequest, timeout: float | None
    ) -> "Responses[gateway_pb2.ChaincodeEventsResponse]":
        """Begin a stream of chaincode events."""
        self._require_open()
        used = self._used
        timeout = self._deadlines.events if timeout is None else timeout
        call = self._connections[used].gateway.ChaincodeEvents(request, timeout=timeout)
        return Responses(self, used, call)

    def deliver(
        self, method: str, request: common_pb2.Envelope, timeout: float | None
    ) -> "Responses[events_pb2.DeliverResponse]":
        """Begin a stream of blocks, by the method of `protos.Deliver` that is named."""
        self._require_open()
        used = self._used
        stub = self._connections[used].deliver
        methods = {
            "Deliver": stub.Deliver,
            "DeliverFiltered": stub.DeliverFiltered,
            "DeliverWithPrivateData": stub.DeliverWithPrivateData,
        }
        call = methods[method](iter([request]), timeout=self._deadlines.events if timeout is None else timeout)
        return Responses(self, used, call)

    def _call(
        self, kind: type[GatewayError], method: str, request: Message, timeout: float | None, transaction_id: str
    ) -> Any:
        """Call a method of the gateway service, again as long as only connections fail."""
        self._require_open()
        attempts = Attempts(self._retry, len(self._connections), timeout)
        while True:
            used = self._used
            call = getattr(self._connections[used].gateway, method)
            try:
                return self._attempt(kind, call, request, attempts.left, transaction_id)
            except GatewayError as error:
                if self.closed:
                    raise
                pause = attempts.pause(error)
                self.fail_over(used)
                time.sleep(pause)
                if self.closed:
                    raise

    def _attempt(
        self,
        kind: type[GatewayError],
        method: "grpc.UnaryUnaryMultiCallable[Q, R]",
        request: Q,
        timeout: float | None,
        transaction_id: str,
    ) -> R:
        try:
            return method(request, timeout=timeout)
        except grpc.RpcError as error:
            raise failure(kind, error, transaction_id) from error

    def fail_over(self, failed: int) -> None:
        """Use the next peer from now on, unless another call has found out already that this one fails."""
        if self._used == failed:
            self._used = (failed + 1) % len(self._connections)

    def _require_open(self) -> None:
        if self.closed:
            raise GatewayClosed("this gateway has been closed")


class Responses(Generic[R]):
    """The answers on a stream. It can be cancelled from another thread."""

    def __init__(self, transport: Transport, used: int, call: "grpc._CallIterator[R]") -> None:
        self._transport = transport
        self._used = used
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
            lost = failure(EventsError, error)
            if connection_lost(lost):
                self._transport.fail_over(self._used)
            raise lost from error

    def cancel(self) -> None:
        """End the stream. Who waits for an answer gets None."""
        self._cancelled = True
        self._call.cancel()


def _dial(endpoint: Endpoint) -> Channel:
    if endpoint.tls_roots is None:
        return grpc.insecure_channel(endpoint.address, options=endpoint.channel_options)
    credentials = grpc.ssl_channel_credentials(endpoint.tls_roots, endpoint.client_key, endpoint.client_certificate)
    return grpc.secure_channel(endpoint.address, credentials, options=endpoint.channel_options)
