"""`protos.Deliver` of a peer: blocks, filtered blocks and blocks with private data, as they are committed.

Source: Fabric's `core/peer/deliverevents.go`.
"""

from collections.abc import AsyncIterator
from typing import Any

from fabric_protos.common import common_pb2
from fabric_protos.peer import events_pb2_grpc

from network.embedded.block_answers import Answer, BlockAnswers, FilteredAnswers, PrivateAnswers
from network.embedded.concurrency import Concurrency
from network.embedded.delivery import Delivery
from network.embedded.failure import RpcFailure
from network.embedded.ledger import Ledger
from network.embedded.tls import client_certificate_hash

CONCURRENCY_LIMIT = 2500  # `peer.limits.concurrency.deliverService` of Fabric's sample core.yaml

Envelopes = AsyncIterator[common_pb2.Envelope]


class DeliverService(events_pb2_grpc.DeliverServicer):
    """One peer's block events.

    Args:
        msp_id: the peer's organisation, whose private data it gives.
    """

    def __init__(self, ledger: Ledger, msp_id: str) -> None:
        self._blocks = Delivery(ledger, lambda config: config.acls["event/Block"], BlockAnswers(ledger))
        self._filtered = Delivery(ledger, lambda config: config.acls["event/FilteredBlock"], FilteredAnswers(ledger))
        self._private = Delivery(ledger, lambda config: config.acls["event/Block"], PrivateAnswers(ledger, msp_id))
        self._concurrency = Concurrency("/protos.Deliver", CONCURRENCY_LIMIT)

    async def Deliver(self, requests: Envelopes, context: Any) -> AsyncIterator[Answer]:  # noqa: N802
        async for answer in self._answered(self._blocks, requests, context):
            yield answer

    async def DeliverFiltered(self, requests: Envelopes, context: Any) -> AsyncIterator[Answer]:  # noqa: N802
        async for answer in self._answered(self._filtered, requests, context):
            yield answer

    async def DeliverWithPrivateData(self, requests: Envelopes, context: Any) -> AsyncIterator[Answer]:  # noqa: N802
        async for answer in self._answered(self._private, requests, context):
            yield answer

    async def _answered(self, delivery: Delivery[Answer], requests: Envelopes, context: Any) -> AsyncIterator[Answer]:
        try:
            with self._concurrency.admitted():
                async for answer in delivery.stream(requests, client_certificate_hash(context)):
                    yield answer
        except RpcFailure as failure:
            await failure.abort(context)
