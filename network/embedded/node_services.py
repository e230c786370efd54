"""The services of nodes besides the gateway: `protos.Endorser` of a peer, `orderer.AtomicBroadcast` of an orderer."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2, ab_pb2_grpc
from fabric_protos.peer import peer_pb2_grpc, proposal_pb2, proposal_response_pb2

from network.embedded.ordering import BroadcastError, Orderer
from network.embedded.peer import Peer, ProposalRefused


class EndorserService(peer_pb2_grpc.EndorserServicer):
    """One peer's endorser. A proposal that it refuses is answered with status 500, as by Fabric."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def ProcessProposal(  # noqa: N802
        self, request: proposal_pb2.SignedProposal, context: Any
    ) -> proposal_response_pb2.ProposalResponse:
        try:
            return await self._peer.process_proposal(request)
        except ProposalRefused as error:
            return proposal_response_pb2.ProposalResponse(
                response=proposal_response_pb2.Response(status=500, message=str(error))
            )


class BroadcastService(ab_pb2_grpc.AtomicBroadcastServicer):
    """Takes envelopes for ordering, one answer each. Delivering blocks is not implemented yet."""

    def __init__(self, orderer: Orderer) -> None:
        self._orderer = orderer

    async def Broadcast(  # noqa: N802
        self, requests: AsyncIterator[common_pb2.Envelope], context: Any
    ) -> AsyncIterator[ab_pb2.BroadcastResponse]:
        async for envelope in requests:
            try:
                await self._orderer.broadcast(envelope.SerializeToString())
            except BroadcastError as error:
                yield ab_pb2.BroadcastResponse(status=error.status, info=str(error))
                return
            yield ab_pb2.BroadcastResponse(status=common_pb2.SUCCESS)

    async def Deliver(  # noqa: N802
        self, requests: AsyncIterator[common_pb2.Envelope], context: Any
    ) -> AsyncIterator[ab_pb2.DeliverResponse]:
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "this network does not deliver blocks")
        yield ab_pb2.DeliverResponse()
