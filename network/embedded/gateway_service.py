"""`gateway.Gateway`: what clients of one organisation's gateway call.

Codes, words and details are those of Fabric's `internal/pkg/gateway`, one function of it a method here.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2, gateway_pb2_grpc
from fabric_protos.peer import chaincode_event_pb2, proposal_response_pb2
from google.protobuf.message import DecodeError

from network.embedded.acl import AccessDenied
from network.embedded.broadcast_filter import BroadcastError
from network.embedded.concurrency import Concurrency
from network.embedded.endorsing import Collector, PeerFailure, ask
from network.embedded.failure import Detail, RpcFailure
from network.embedded.ledger import Finished, Ledger, Stalled
from network.embedded.membership import Neighbours
from network.embedded.ordering import Orderer
from network.embedded.peer import Peer
from network.embedded.plans import Plans
from network.embedded.unpacking import UNREADABLE, Malformed, addressed, unpack
from node_client.protocol.policy import SignedData
from node_client.protocol.transaction import assemble, parse_response_payload

CONCURRENCY_LIMIT = 500  # `peer.limits.concurrency.gatewayService` of Fabric's sample core.yaml

Code = grpc.StatusCode


class GatewayService(gateway_pb2_grpc.GatewayServicer):
    """One organisation's gateway.

    Args:
        own: the organisation's peer.
        peers: every organisation's peer, by MSP id.
    """

    def __init__(self, ledger: Ledger, own: Peer, peers: Mapping[str, Peer], orderer: Orderer) -> None:
        self._ledger = ledger
        self._own = own
        self._neighbours = Neighbours(ledger, own, peers)
        self._plans = Plans(ledger, own.msp_id)
        self._orderer = orderer
        self._concurrency = Concurrency("/gateway.Gateway", CONCURRENCY_LIMIT)

    async def Evaluate(self, request: gateway_pb2.EvaluateRequest, context: Any) -> Any:  # noqa: N802
        try:
            with self._concurrency.admitted():
                return await self._evaluate(request)
        except RpcFailure as failure:
            await failure.abort(context)

    async def Endorse(self, request: gateway_pb2.EndorseRequest, context: Any) -> Any:  # noqa: N802
        try:
            with self._concurrency.admitted():
                return await self._endorse(request)
        except RpcFailure as failure:
            await failure.abort(context)

    async def Submit(self, request: gateway_pb2.SubmitRequest, context: Any) -> Any:  # noqa: N802
        try:
            with self._concurrency.admitted():
                return await self._submit(request)
        except RpcFailure as failure:
            await failure.abort(context)

    async def CommitStatus(self, request: gateway_pb2.SignedCommitStatusRequest, context: Any) -> Any:  # noqa: N802
        try:
            with self._concurrency.admitted():
                return await self._commit_status(request)
        except RpcFailure as failure:
            await failure.abort(context)

    async def ChaincodeEvents(  # noqa: N802
        self, request: gateway_pb2.SignedChaincodeEventsRequest, context: Any
    ) -> AsyncIterator[gateway_pb2.ChaincodeEventsResponse]:
        try:
            with self._concurrency.admitted():
                async for response in self._events(request):
                    yield response
        except RpcFailure as failure:
            await failure.abort(context)

    async def _evaluate(self, request: gateway_pb2.EvaluateRequest) -> gateway_pb2.EvaluateResponse:
        signed = request.proposed_transaction
        try:
            if not signed.proposal_bytes:
                raise Malformed("a signed proposal is required")
            proposal = addressed(signed.proposal_bytes, completely=True)
        except Malformed as error:
            text = f"failed to unpack transaction proposal: {error}"
            raise RpcFailure(Code.INVALID_ARGUMENT, text) from error
        self._require_channel(proposal.channel, Code.UNAVAILABLE)
        targets = list(request.target_organizations)
        protected = proposal.transient and not targets
        if protected:
            targets = [self._own.msp_id]
        evaluators = self._evaluators(proposal.chaincode, targets)
        if not evaluators:
            text = f"no peers available to evaluate chaincode {proposal.chaincode} in channel {proposal.channel}"
            if protected:
                text = (
                    "no endorsers found in the gateway's organization; retry specifying target organization(s) to "
                    f"protect transient data: {text}"
                )
            raise RpcFailure(Code.FAILED_PRECONDITION, text)
        details: list[Detail] = []
        code = Code.ABORTED
        for peer in evaluators:
            try:
                response = await ask(peer, signed, own=peer is self._own)
            except PeerFailure as failure:
                details.append(failure.detail)
                code = failure.code
                if not failure.retry:
                    text = f"evaluate call to endorser returned error: {failure.message}"
                    raise RpcFailure(code, text, details) from failure
                continue
            return gateway_pb2.EvaluateResponse(result=_result(response))
        raise RpcFailure(code, "failed to evaluate transaction, see attached details for more info", details)

    async def _endorse(self, request: gateway_pb2.EndorseRequest) -> gateway_pb2.EndorseResponse:
        signed = request.proposed_transaction
        if not signed.proposal_bytes:
            raise RpcFailure(Code.INVALID_ARGUMENT, "the proposed transaction must contain a signed proposal")
        try:
            proposal = addressed(signed.proposal_bytes, completely=False)
        except Malformed as error:
            raise RpcFailure(Code.INVALID_ARGUMENT, str(error)) from error
        collector = Collector(self._ledger, self._own, self._neighbours.known, self._plans, proposal, signed)
        if request.endorsing_organizations:
            endorsements = await collector.by_organisations(list(request.endorsing_organizations))
        else:
            endorsements = await collector.by_policy()
        payload = assemble(unpack(signed.proposal_bytes), collector.payload, endorsements)
        return gateway_pb2.EndorseResponse(prepared_transaction=common_pb2.Envelope(payload=payload))

    async def _submit(self, request: gateway_pb2.SubmitRequest) -> gateway_pb2.SubmitResponse:
        if not request.HasField("prepared_transaction"):
            raise RpcFailure(Code.INVALID_ARGUMENT, "a prepared transaction is required")
        if not request.prepared_transaction.signature:
            raise RpcFailure(Code.INVALID_ARGUMENT, "prepared transaction must be signed")
        self._require_channel(request.channel_id, Code.FAILED_PRECONDITION)
        try:
            await self._orderer.broadcast(request.prepared_transaction.SerializeToString())
        except BroadcastError as error:
            status = common_pb2.Status.Name(error.status)
            text = f"received unsuccessful response from orderer: status={status}, info={error}"
            if error.status < common_pb2.INTERNAL_SERVER_ERROR:
                raise RpcFailure(Code.ABORTED, text) from error
            # Fabric tries its other orderers, and says why only of those that could not be reached. Here it is known.
            detail = Detail(address=self._orderer.address, msp_id=self._orderer.msp_id, message=text)
            text = "no orderers could successfully process transaction"
            raise RpcFailure(Code.UNAVAILABLE, text, [detail]) from error
        return gateway_pb2.SubmitResponse()

    async def _commit_status(self, signed: gateway_pb2.SignedCommitStatusRequest) -> gateway_pb2.CommitStatusResponse:
        if not signed.request:
            raise RpcFailure(Code.INVALID_ARGUMENT, "a commit status request is required")
        try:
            request = gateway_pb2.CommitStatusRequest.FromString(signed.request)
        except DecodeError as error:
            raise RpcFailure(Code.INVALID_ARGUMENT, f"invalid status request: {UNREADABLE}") from error
        for value, text in (
            (request.identity, "no identity provided"),
            (request.channel_id, "no channel ID provided"),
            (request.transaction_id, "transaction ID should not be empty"),
        ):
            if not value:
                raise RpcFailure(Code.INVALID_ARGUMENT, text)
        data = SignedData(signed.request, request.identity, signed.signature)
        self._require_reader("gateway/CommitStatus", request.channel_id, data)
        try:
            place = await self._ledger.wait_for(request.transaction_id)
        except Finished as error:
            raise RpcFailure(Code.UNAVAILABLE, "the peer is shutting down") from error
        except Stalled as error:
            raise RpcFailure(Code.UNAVAILABLE, f"the transaction waits to be committed: {error}") from error
        return gateway_pb2.CommitStatusResponse(
            result=place.code,  # type: ignore[arg-type]
            block_number=place.block,
        )

    async def _events(
        self, signed: gateway_pb2.SignedChaincodeEventsRequest
    ) -> AsyncIterator[gateway_pb2.ChaincodeEventsResponse]:
        if not signed.request:
            raise RpcFailure(Code.INVALID_ARGUMENT, "a chaincode events request is required")
        try:
            request = gateway_pb2.ChaincodeEventsRequest.FromString(signed.request)
        except DecodeError as error:
            raise RpcFailure(Code.INVALID_ARGUMENT, f"invalid chaincode events request: {UNREADABLE}") from error
        data = SignedData(signed.request, request.identity, signed.signature)
        self._require_reader("gateway/ChaincodeEvents", request.channel_id, data)
        try:
            async for response in self._matching(request):
                yield response
        except Finished as error:
            raise RpcFailure(Code.UNAVAILABLE, "the peer is shutting down") from error

    async def _matching(
        self, request: gateway_pb2.ChaincodeEventsRequest
    ) -> AsyncIterator[gateway_pb2.ChaincodeEventsResponse]:
        """The chaincode's events in each block; not those up to the transaction after which to go on.

        That one is found by its own event, as in Fabric: after a transaction without an event nothing comes.
        """
        passed = not request.after_transaction_id
        async for number, events in self._ledger.blocks(self._start(request)):
            found = []
            for event in events:
                if not (event.chaincode and event.name and event.transaction_id):
                    continue
                if not passed:
                    passed = event.transaction_id == request.after_transaction_id
                elif event.chaincode == request.chaincode_id:
                    found.append(
                        chaincode_event_pb2.ChaincodeEvent(
                            chaincode_id=event.chaincode,
                            tx_id=event.transaction_id,
                            event_name=event.name,
                            payload=event.payload,
                        )
                    )
            if found:
                yield gateway_pb2.ChaincodeEventsResponse(block_number=number, events=found)

    def _start(self, request: gateway_pb2.ChaincodeEventsRequest) -> int:
        if request.after_transaction_id:
            place = self._ledger.transaction(request.after_transaction_id)
            if place is not None:
                return place.block
        kind = request.start_position.WhichOneof("Type")
        if kind == "specified":
            return request.start_position.specified.number
        if kind not in (None, "next_commit"):
            text = f"invalid start position type: *orderer.SeekPosition_{kind.capitalize()}"
            raise RpcFailure(Code.INVALID_ARGUMENT, text)
        return self._ledger.height

    def _evaluators(self, chaincode: str, targets: list[str]) -> list[Peer]:
        """The peers that can run a query, the gateway's own first."""
        known = {self._own.msp_id: self._own, **self._neighbours.known}
        return [peer for msp_id, peer in known.items() if (not targets or msp_id in targets) and peer.offers(chaincode)]

    def _require_channel(self, channel: str, code: grpc.StatusCode) -> None:
        if channel != self._ledger.config.channel:
            text = f"failed to get config for channel [{channel}]: could not get last config for channel {channel}"
            raise RpcFailure(code, text)

    def _require_reader(self, resource: str, channel: str, data: SignedData) -> None:
        try:
            self._own.access.check_signed(resource, channel, data)
        except AccessDenied as error:
            raise RpcFailure(Code.PERMISSION_DENIED, str(error)) from error


def _result(response: proposal_response_pb2.ProposalResponse) -> proposal_response_pb2.Response:
    result = proposal_response_pb2.Response()
    result.CopyFrom(response.response)
    if response.payload:
        result.payload = parse_response_payload(response.payload).payload
    return result
