"""The services of nodes besides the gateway: `protos.Endorser` of a peer, `orderer.AtomicBroadcast` of an orderer."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2, ab_pb2_grpc
from fabric_protos.peer import peer_pb2_grpc, proposal_pb2, proposal_response_pb2

from network.embedded.admission import ProposalRefused
from network.embedded.block_answers import OrdererAnswers
from network.embedded.broadcast_filter import BroadcastError
from network.embedded.concurrency import Concurrency
from network.embedded.delivery import Delivery
from network.embedded.failure import RpcFailure
from network.embedded.ledger import Ledger
from network.embedded.ordering import Orderer
from network.embedded.peer import Peer

CONCURRENCY_LIMIT = 2500  # `peer.limits.concurrency.endorserService` of Fabric's sample core.yaml
READERS = "/Channel/Readers"  # whom orderers deliver to (`orderer/common/server/server.go`)


class EndorserService(peer_pb2_grpc.EndorserServicer):
    """One peer's endorser. A proposal that it refuses fails the call; what failed in running it is in the response."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._concurrency = Concurrency("/protos.Endorser", CONCURRENCY_LIMIT)

    async def ProcessProposal(  # noqa: N802
        self, request: proposal_pb2.SignedProposal, context: Any
    ) -> proposal_response_pb2.ProposalResponse:
        try:
            with self._concurrency.admitted():
                return await self._peer.process_proposal(request)
        except RpcFailure as failure:
            await failure.abort(context)
        except ProposalRefused as error:
            # Fabric's endorser returns a plain error, which gRPC makes UNKNOWN.
            await context.abort(grpc.StatusCode.UNKNOWN, str(error))
            raise AssertionError("abort does not return") from error


class OrderingService(ab_pb2_grpc.AtomicBroadcastServicer):
    """Takes envelopes for ordering, one answer each, and delivers the blocks that come of it."""

    def __init__(self, orderer: Orderer, ledger: Ledger) -> None:
        self._orderer = orderer
        self._delivery = Delivery(ledger, lambda _: READERS, OrdererAnswers(ledger))

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
        async for answer in self._delivery.stream(requests):
            yield answer
