"""Delivering blocks: a stream of requests, each answered with blocks and a status.

Source: Fabric's `common/deliver/deliver.go`. A block is read when it is about to be sent, and the next one after the
transport has taken it: a stream that waits, or whose reader is slow, holds no block.
"""

import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import Generic, Protocol, TypeVar

from fabric_protos.common import common_pb2

from network.embedded.access import ReadAccess
from network.embedded.ledger import Finished, Ledger
from network.embedded.seek import Blocks, Refused, Status, open_request, read_seek, resolve
from node_client.protocol.config import ChannelConfig
from node_client.protocol.policy import SignedData

logger = logging.getLogger(__name__)

M_co = TypeVar("M_co", covariant=True)


class Answers(Protocol[M_co]):
    """How one service puts its answers."""

    def status(self, status: "common_pb2.Status.ValueType") -> M_co:
        """How a request ended."""
        ...

    def block(self, number: int, signed: SignedData, *, headers_only: bool) -> M_co:
        """A block of the ledger, for whoever signed the request."""
        ...


class Delivery(Generic[M_co]):
    """One service of one node that delivers blocks.

    Args:
        policy: gives the path of the policy that readers must satisfy.
        clock: gives the time, in nanoseconds since 1970.
    """

    def __init__(
        self,
        ledger: Ledger,
        policy: Callable[[ChannelConfig], str],
        answers: Answers[M_co],
        *,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._ledger = ledger
        self._policy = policy
        self._answers = answers
        self._clock = clock

    async def stream(
        self, envelopes: AsyncIterator[common_pb2.Envelope], certificate_hash: bytes = b""
    ) -> AsyncIterator[M_co]:
        """Answer requests one after another, until one is not answered with SUCCESS or there are no more.

        Args:
            certificate_hash: SHA-256 of the client's TLS certificate, where the connection has one.
        """
        async for envelope in envelopes:
            try:
                async for block in self._blocks(envelope, certificate_hash):
                    yield block
            except Refused as refusal:
                logger.info("a request for blocks ends with %s: %s", Status.Name(refusal.status), refusal)
                yield self._answers.status(refusal.status)
                return
            except Finished:
                yield self._answers.status(Status.SERVICE_UNAVAILABLE)
                return
            yield self._answers.status(Status.SUCCESS)

    async def _blocks(self, envelope: common_pb2.Envelope, certificate_hash: bytes) -> AsyncIterator[M_co]:
        ledger = self._ledger
        request = open_request(envelope, certificate_hash, self._clock())
        if request.channel != ledger.config.channel:
            raise Refused(Status.NOT_FOUND, "there is no such channel")
        seek = read_seek(request.content)
        access = ReadAccess(lambda: ledger.config, self._policy, request.signed)
        access.check(self._clock())
        asked = resolve(seek, ledger.height)
        number = asked.first
        while True:
            await self._wait_for(number, asked)
            access.check(self._clock())
            yield self._answers.block(number, request.signed, headers_only=asked.headers_only)
            if number == asked.last:
                return
            number += 1

    async def _wait_for(self, number: int, asked: Blocks) -> None:
        if not asked.waits and number >= self._ledger.height:
            raise Refused(Status.NOT_FOUND, f"there is no block {number} yet")
        await self._ledger.wait_for_block(number)
