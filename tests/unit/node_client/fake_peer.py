"""A peer that speaks gRPC and answers what a test tells it to."""
# ruff: noqa: N802 (gRPC names these methods)

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Self

import grpc
from cryptography.x509 import load_pem_x509_certificate
from fabric_protos.common import common_pb2, ledger_pb2
from fabric_protos.gateway import gateway_pb2, gateway_pb2_grpc
from fabric_protos.msp import identities_pb2
from fabric_protos.peer import (
    chaincode_event_pb2,
    events_pb2_grpc,
    peer_pb2_grpc,
    proposal_pb2,
    proposal_response_pb2,
)
from google.protobuf import any_pb2
from google.rpc import status_pb2

from node_client.gateway.options import Endpoint
from node_client.protocol.certificates import verify_signature
from node_client.protocol.proposal import Proposal, parse_proposal
from node_client.protocol.transaction import Endorsement, assemble, build_response_payload

OPTIONS = [("grpc.so_reuseport", 0)]


@dataclass(eq=False)
class Failure(Exception):
    """What the peer is to fail with; details are (address, MSP id, message)."""

    code: grpc.StatusCode
    message: str
    details: tuple[tuple[str, str, str], ...] = ()

    def abort(self, context: Any) -> None:
        if self.details:
            status = status_pb2.Status(code=self.code.value[0], message=self.message)
            for address, msp_id, message in self.details:
                detail = any_pb2.Any()
                detail.Pack(gateway_pb2.ErrorDetail(address=address, msp_id=msp_id, message=message))
                status.details.append(detail)
            context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(self.code, self.message)


@dataclass
class Received:
    """A call that has arrived."""

    method: str
    request: Any
    seconds_left: float | None
    proposal: Proposal | None = None


def event(block: int, transaction_id: str, name: str = "Happened", payload: bytes = b"") -> Any:
    """An answer with one event, as the gateway sends it."""
    return gateway_pb2.ChaincodeEventsResponse(
        block_number=block,
        events=[
            chaincode_event_pb2.ChaincodeEvent(
                chaincode_id="registry", tx_id=transaction_id, event_name=name, payload=payload
            )
        ],
    )


def chain_info(height: int) -> bytes:
    """What qscc says of a channel."""
    return ledger_pb2.BlockchainInfo(height=height).SerializeToString()


def block(number: int) -> common_pb2.Block:
    """A block with one envelope."""
    return common_pb2.Block(
        header=common_pb2.BlockHeader(number=number, previous_hash=b"p", data_hash=b"d"),
        data=common_pb2.BlockData(data=[b"envelope"]),
        metadata=common_pb2.BlockMetadata(metadata=[b"", b"", b"\x00", b"", b""]),
    )


@dataclass
class FakePeer:
    """A peer that answers as told.

    Attributes:
        function: what every chaincode is: called with the proposal, returns the result or raises Failure.
        code, commit_block: how every transaction ends.
        committed: whether a transaction is in a block; the commit status of one that is not is waited for in vain.
        streams: what the streams answer, one list a stream in the order in which they are opened; a Failure in it ends
            the stream, and at the end of a list the stream stays open.
    """

    function: Callable[[Proposal], bytes] = lambda proposal: b"|".join(proposal.args)
    failures: dict[str, Failure] = field(default_factory=dict)
    code: int = 0
    commit_block: int = 7
    streams: list[list[Any]] = field(default_factory=list)
    credentials: grpc.ServerCredentials | None = None
    received: list[Received] = field(default_factory=list)
    port: int = 0
    arrival: threading.Condition = field(default_factory=threading.Condition)
    tamper: Callable[[bytes], bytes] = lambda payload: payload
    committed: Callable[[str], bool] = lambda transaction_id: True

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self._stopping = threading.Event()
        self._opened = 0
        self._server = grpc.server(ThreadPoolExecutor(16), options=OPTIONS)
        gateway_pb2_grpc.add_GatewayServicer_to_server(_Gateway(self), self._server)
        peer_pb2_grpc.add_EndorserServicer_to_server(_Endorser(self), self._server)
        events_pb2_grpc.add_DeliverServicer_to_server(_Deliver(self), self._server)
        address = f"localhost:{self.port}"
        if self.credentials is None:
            self.port = self._server.add_insecure_port(address)
        else:
            self.port = self._server.add_secure_port(address, self.credentials)
        self._server.start()

    def stop(self) -> None:
        self._stopping.set()
        self._server.stop(grace=0).wait()

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(address=f"localhost:{self.port}")

    def calls(self, method: str) -> list[Received]:
        return [one for one in self.received if one.method == method]

    async def arrived(self, method: str) -> None:
        """Wait until a call of this method has arrived."""

        def wait() -> None:
            with self.arrival:
                assert self.arrival.wait_for(lambda: self.calls(method), timeout=30)

        await asyncio.to_thread(wait)

    def note(self, method: str, request: Any, context: Any, signed: proposal_pb2.SignedProposal | None = None) -> Any:
        proposal = None
        if signed is not None:
            proposal = parse_proposal(signed.proposal_bytes)
            require_signature(proposal.creator, signed.signature, signed.proposal_bytes, context)
        received = Received(method, request, context.time_remaining(), proposal)
        with self.arrival:
            self.received.append(received)
            self.arrival.notify_all()
        if method in self.failures:
            self.failures[method].abort(context)
        return received

    def run(self, proposal: Proposal, context: Any) -> bytes:
        try:
            return self.function(proposal)
        except Failure as failure:
            failure.abort(context)
            raise

    def stream(self, context: Any) -> Iterator[Any]:
        script = self.streams[self._opened] if self._opened < len(self.streams) else []
        self._opened += 1
        for answer in script:
            if isinstance(answer, Failure):
                answer.abort(context)
            if answer is None:
                return
            yield answer
        ended = threading.Event()
        context.add_callback(ended.set)
        ended.wait()


def require_signature(creator: bytes, signature: bytes, message: bytes, context: Any) -> None:
    """Refuse as a peer does when the creator did not sign."""
    certificate = load_pem_x509_certificate(identities_pb2.SerializedIdentity.FromString(creator).id_bytes)
    if not verify_signature(certificate, signature, message):
        context.abort(grpc.StatusCode.PERMISSION_DENIED, "the signature is not the creator's")


class _Gateway(gateway_pb2_grpc.GatewayServicer):
    def __init__(self, peer: FakePeer) -> None:
        self.peer = peer

    def Evaluate(self, request: Any, context: Any) -> Any:
        received = self.peer.note("Evaluate", request, context, request.proposed_transaction)
        result = self.peer.run(received.proposal, context)
        return gateway_pb2.EvaluateResponse(result=proposal_response_pb2.Response(status=200, payload=result))

    def Endorse(self, request: Any, context: Any) -> Any:
        received = self.peer.note("Endorse", request, context, request.proposed_transaction)
        proposal = received.proposal
        payload = build_response_payload(
            proposal_hash=proposal.hash,
            chaincode=proposal.chaincode,
            chaincode_version="1",
            status=200,
            message="",
            payload=self.peer.run(proposal, context),
            result=b"",
            event=b"",
        )
        transaction = assemble(proposal, payload, [Endorsement(b"endorser", b"signature")])
        return gateway_pb2.EndorseResponse(
            prepared_transaction=common_pb2.Envelope(payload=self.peer.tamper(transaction))
        )

    def Submit(self, request: Any, context: Any) -> Any:
        self.peer.note("Submit", request, context)
        return gateway_pb2.SubmitResponse()

    def CommitStatus(self, request: Any, context: Any) -> Any:
        inner = gateway_pb2.CommitStatusRequest.FromString(request.request)
        require_signature(inner.identity, request.signature, request.request, context)
        self.peer.note("CommitStatus", request, context)
        if not self.peer.committed(inner.transaction_id):
            ended = threading.Event()
            context.add_callback(ended.set)
            ended.wait()
        return gateway_pb2.CommitStatusResponse(result=self.peer.code, block_number=self.peer.commit_block)

    def ChaincodeEvents(self, request: Any, context: Any) -> Iterator[Any]:
        inner = gateway_pb2.ChaincodeEventsRequest.FromString(request.request)
        require_signature(inner.identity, request.signature, request.request, context)
        self.peer.note("ChaincodeEvents", inner, context)
        yield from self.peer.stream(context)


class _Endorser(peer_pb2_grpc.EndorserServicer):
    def __init__(self, peer: FakePeer) -> None:
        self.peer = peer

    def ProcessProposal(self, request: Any, context: Any) -> Any:
        received = self.peer.note("ProcessProposal", request, context, request)
        try:
            result = self.peer.function(received.proposal)
        except Failure as failure:
            return proposal_response_pb2.ProposalResponse(
                response=proposal_response_pb2.Response(status=500, message=failure.message)
            )
        return proposal_response_pb2.ProposalResponse(
            response=proposal_response_pb2.Response(status=200, payload=result)
        )


class _Deliver(events_pb2_grpc.DeliverServicer):
    def __init__(self, peer: FakePeer) -> None:
        self.peer = peer

    def Deliver(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:
        return self._stream("Deliver", requests, context)

    def DeliverFiltered(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:
        return self._stream("DeliverFiltered", requests, context)

    def DeliverWithPrivateData(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:
        return self._stream("DeliverWithPrivateData", requests, context)

    def _stream(self, method: str, requests: Iterator[Any], context: Any) -> Iterator[Any]:
        envelope = next(requests)
        payload = common_pb2.Payload.FromString(envelope.payload)
        creator = common_pb2.SignatureHeader.FromString(payload.header.signature_header).creator
        require_signature(creator, envelope.signature, envelope.payload, context)
        self.peer.note(method, payload, context)
        yield from self.peer.stream(context)
