"""Many transactions at a time."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from node_client.errors import CommitStatusError, GatewayError, SubmitError
from node_client.gateway._async.commit import AsyncCommit
from node_client.gateway._async.network import AsyncNetwork
from node_client.gateway._async.proposal import AsyncProposal
from node_client.gateway._async.transaction import AsyncTransaction
from node_client.gateway.follower import Follower
from node_client.gateway.options import Resume
from node_client.gateway.requests import Status

IN_FLIGHT = 64
TIMEOUT = 60.0
BEGINNING = 1.0  # seconds that transactions wait for the stream to begin
PATIENCE = 5.0  # seconds after which the outcome is asked for that no block has told
ASKING = 1.0  # seconds for which it is asked for before the transaction is submitted again


@dataclass(frozen=True)
class Outcome:
    """What became of a proposal.

    Attributes:
        result: what the function returned; None where it was not endorsed.
        status: how the transaction ended: its block and its validation code. None where there is none, or where it is
            not known.
        error: why there is no status.
    """

    transaction_id: str
    result: bytes | None = None
    status: Status | None = None
    error: GatewayError | None = None

    @property
    def successful(self) -> bool:
        """Whether the transaction is valid: its writes are on the ledger."""
        return self.status is not None and self.status.successful

    @property
    def unknown(self) -> bool:
        """Whether something may have been written and that is not known: ask for the status by the transaction id."""
        return self.error is not None and self.error.outcome_unknown


class Pipeline:
    """Submits transactions, a bounded number at a time, and tells how each ended. Use it in `async with`.

    A transaction that is alone is asked for by its id. As soon as there are several, their outcomes are read from one
    stream of filtered blocks, which goes on by itself after a lost connection. What the stream does not tell is asked
    for: an outcome is never guessed, and one that cannot be had is an error that says so.

    Under Raft a transaction that was taken is in the leader's memory, and is lost with the leader. One that is in no
    block after a while is submitted again, in the very same envelope, which is one transaction by its id.

    All that is told is the word of one peer, the gateway's. Peers have a block at different times.

    Args:
        network: the channel.
        in_flight: how many transactions may be on their way at a time.
        resume: how the stream goes on after a lost connection.
        timeout: seconds after which it is given up to wait for a transaction's outcome.
    """

    def __init__(
        self,
        network: AsyncNetwork,
        *,
        in_flight: int = IN_FLIGHT,
        resume: Resume | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        if in_flight < 1:
            raise ValueError("at least one transaction must be able to be in flight")
        self._network = network
        self._in_flight = in_flight
        self._resume = resume or Resume()
        self._timeout = timeout
        self._free = asyncio.Semaphore(in_flight)
        self._waiting = 0
        self._follower: Follower | None = None
        self._begun: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._begun is not None:
            self._begun.cancel()
            await asyncio.wait([self._begun])
        if self._follower is not None:
            await self._follower.close()

    async def submit(self, transaction: AsyncTransaction) -> Status:
        """Submit a transaction, when it is its turn, and wait until it is in a block.

        One that may have been submitted before is submitted again: that is harmless, and its outcome is the first one.

        Raises:
            SubmitError, CommitStatusError: whether something was written is not known.
        """
        async with self._free:
            self._waiting += 1
            try:
                return await self._submit(transaction)
            finally:
                self._waiting -= 1

    async def run(self, proposals: Iterable[AsyncProposal]) -> AsyncIterator[Outcome]:
        """Have proposals endorsed, submit them, and tell the outcome of each as it ends.

        Proposals are taken as there is room for them, so that they may be made one by one. Who leaves early cancels
        what is in flight, and is not told of it.

        Raises:
            Exception: what a proposal's making raises, or a lack of signatures.
        """
        ended: asyncio.Queue[asyncio.Task[Outcome]] = asyncio.Queue()
        running: set[asyncio.Task[Outcome]] = set()
        following = iter(proposals)
        more = True
        try:
            while True:
                while more and len(running) < self._in_flight:
                    proposal = next(following, None)
                    if proposal is None:
                        more = False
                    else:
                        task = asyncio.create_task(self._run(proposal))
                        running.add(task)
                        task.add_done_callback(ended.put_nowait)
                if not running:
                    return
                task = await ended.get()
                running.discard(task)
                yield task.result()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _run(self, proposal: AsyncProposal) -> Outcome:
        result = None
        try:
            transaction = await proposal.endorse()
            result = transaction.result
            return Outcome(proposal.transaction_id, result, await self.submit(transaction))
        except GatewayError as error:
            return Outcome(proposal.transaction_id, result, error=error)

    async def _submit(self, transaction: AsyncTransaction) -> Status:
        deadline = time.monotonic() + self._timeout
        follower = await self._followed()
        told = follower and follower.expect(transaction.transaction_id)
        if not follower or not told:
            return await _asked(transaction, await transaction.submit(), PATIENCE, deadline)
        try:
            commit = await transaction.submit()
            status = await _told(told)
        finally:
            follower.forget(transaction.transaction_id)
        return status or await _asked(transaction, commit, ASKING, deadline)

    async def _followed(self) -> Follower | None:
        """The stream that tells, begun with the first transaction that is not alone."""
        if self._follower is None:
            if self._waiting < 2:
                return None
            self._follower = Follower(self._network, self._resume)
            self._begun = asyncio.create_task(self._follower.begin())
        if self._begun is not None and not self._begun.done():
            await asyncio.wait([self._begun], timeout=BEGINNING)
            if not self._begun.done():
                return None
        return self._follower


async def _told(told: "asyncio.Future[Status | None]") -> Status | None:
    """What the blocks tell of a transaction, where they do so in time."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await told
    except TimeoutError:
        return None


async def _asked(transaction: AsyncTransaction, commit: AsyncCommit, patience: float, deadline: float) -> Status:
    """Ask how a submitted transaction ended, and submit it again while it is in no block."""
    while True:
        left = max(deadline - time.monotonic(), 0.0)
        try:
            return await commit.status(timeout=min(patience, left))
        except CommitStatusError as error:
            if error.code != "DEADLINE_EXCEEDED" or left <= patience:
                raise
        patience = PATIENCE
        with suppress(SubmitError):  # whether they have it was not known before
            await transaction.submit()
