"""Issuing many certificates, and going on when the network is away for a moment."""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from node_client.certificates.errors import OutcomeUnknown, ReceiptNotWritten, RegisterError
from node_client.certificates.issuing import Issued, Issuer, Request
from node_client.errors import UNREACHABLE_CODES, FabricError, GatewayError
from node_client.gateway.options import Retry

PATIENCE = 30.0  # seconds for which a certificate is tried again, in a run that has issued others
PAUSES = Retry(delay=0.4, longest_delay=3.0)

# What peers and orderers answer while others of them are away, too: an election, a chaincode that is starting, a plan
# that has no endorsers yet.
_PASSING_CODES = UNREACHABLE_CODES | {"ABORTED", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED"}


@dataclass(frozen=True)
class Failed:
    """A certificate that was not issued, or of which that is not known."""

    request: Request
    error: FabricError

    @property
    def outcome_unknown(self) -> bool:
        """Whether it may have been issued all the same."""
        return isinstance(self.error, OutcomeUnknown)


@dataclass(frozen=True)
class Progress:
    """One certificate's end."""

    request: Request
    result: Issued | Failed


async def issue_all(
    issuer: Issuer,
    requests: list[Request],
    *,
    in_flight: int,
    done: Callable[[Progress], None],
    stop: asyncio.Event,
    again: Callable[[FabricError], None] = lambda error: None,
) -> list[Request]:
    """Issue many certificates, several at a time.

    A network that has issued some and then does not answer as it should is given time to come back: a certificate is
    issued again, which goes on where the first attempt stood, until `PATIENCE` is over. What would fail in the same
    way for all the others then ends the run.

    Args:
        in_flight: how many at a time.
        done: told of each as it ends.
        stop: when set, nothing new is begun, and nothing tried again; what is in flight comes to its end.
        again: told why the first time that something is tried again after others were issued.

    Returns:
        What was not begun.
    """
    run = _Run(issuer, stop, again)
    waiting = list(reversed(requests))

    async def work() -> None:
        while waiting and not stop.is_set():
            request = waiting.pop()
            result = await run.issue(request)
            if isinstance(result, Failed) and _concerns_all(result.error):
                stop.set()
            done(Progress(request, result))

    await asyncio.gather(*(work() for _ in range(min(in_flight, len(requests)))))
    return list(reversed(waiting))


class _Run:
    def __init__(self, issuer: Issuer, stop: asyncio.Event, again: Callable[[FabricError], None]) -> None:
        self._issuer = issuer
        self._stop = stop
        self._again = again
        self._issued = False
        self._troubled = False

    async def issue(self, request: Request) -> Issued | Failed:
        deadline = math.inf
        attempt = 0
        while True:
            try:
                issued = await self._issuer.issue(request)
            except FabricError as error:
                failed = Failed(request, error)
            else:
                self._issued, self._troubled = True, False
                return issued
            now = time.monotonic()
            deadline = min(deadline, now + PATIENCE)
            if not self._issued or not _passes(failed.error) or now >= deadline or self._stop.is_set():
                return failed
            if not self._troubled:
                self._troubled = True
                self._again(failed.error)
            if await self._stopped_within(PAUSES.wait(attempt)):
                return failed
            attempt += 1

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._stop.wait()
        except TimeoutError:
            return False


def _passes(error: FabricError) -> bool:
    """Whether the network may be as it should be again in a moment."""
    cause = _cause(error)
    if not isinstance(cause, GatewayError) or cause.identity_expired or cause.refusal:
        return False
    return cause.code in _PASSING_CODES


def _concerns_all(error: FabricError) -> bool:
    """Whether other certificates would fail in the same way now: the network is gone, or a disk is full."""
    cause = _cause(error)
    return isinstance(cause, RegisterError | ReceiptNotWritten) or (
        isinstance(cause, GatewayError) and cause.unreachable
    )


def _cause(error: FabricError) -> BaseException | None:
    return error.__cause__ if isinstance(error, OutcomeUnknown) else error
