"""Going on when the network is away for a moment: a node that is restarted, an orderer election, a lost connection."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from node_client.certificates.errors import OutcomeUnknown, ReceiptNotWritten, RegisterError
from node_client.errors import UNREACHABLE_CODES, FabricError, GatewayError
from node_client.gateway.options import Retry

PATIENCE = 30.0  # seconds for which one thing is tried again, by a command whom the network has answered before
PAUSES = Retry(delay=0.4, longest_delay=3.0)
NOTICE = 0.1  # seconds in which a wish to stop is noticed

# What peers and orderers answer while others of them are away, too: an election, a chaincode that is starting, a plan
# that has no endorsers yet.
_PASSING_CODES = UNREACHABLE_CODES | {"ABORTED", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED"}

T = TypeVar("T")


class Patience:
    """Tries things again that fail because the network is away, until `PATIENCE` is over.

    A network that has not answered yet is not waited for: then an address is wrong, or it was not started.

    Args:
        stopped: whether nothing is to be tried again any more.
        again: told why the first time that something is tried again after others succeeded.
    """

    def __init__(self, stopped: Callable[[], bool], again: Callable[[FabricError], None]) -> None:
        self._stopped = stopped
        self._again = again
        self._answered = False
        self._troubled = False

    def answered(self) -> None:
        """The network has done something of what it was asked for."""
        self._answered = True

    async def attempt(self, act: Callable[[], Awaitable[T]]) -> T:
        """Do something that goes on, when it is done again, where the attempt before stood.

        Raises:
            FabricError: what the last attempt raised.
        """
        deadline = math.inf
        attempt = 0
        while True:
            try:
                result = await act()
            except FabricError as error:
                now = time.monotonic()
                deadline = min(deadline, now + PATIENCE)
                if not self._answered or not passes(error) or now >= deadline or self._stopped():
                    raise
                if not self._troubled:
                    self._troubled = True
                    self._again(error)
                if await self._stopped_within(PAUSES.wait(attempt)):
                    raise
                attempt += 1
            else:
                self._answered, self._troubled = True, False
                return result

    async def _stopped_within(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while not self._stopped() and (left := until - time.monotonic()) > 0:  # noqa: ASYNC110 - any thread may stop it
            await asyncio.sleep(min(left, NOTICE))
        return self._stopped()


def passes(error: FabricError) -> bool:
    """Whether the network may be as it should be again in a moment."""
    cause = _cause(error)
    if not isinstance(cause, GatewayError) or cause.identity_expired or cause.refusal:
        return False
    return cause.code in _PASSING_CODES


def concerns_all(error: FabricError) -> bool:
    """Whether other things would fail in the same way now: the network is gone, or a disk is full."""
    cause = _cause(error)
    return isinstance(cause, RegisterError | ReceiptNotWritten) or (
        isinstance(cause, GatewayError) and cause.unreachable
    )


def _cause(error: FabricError) -> BaseException | None:
    return error.__cause__ if isinstance(error, OutcomeUnknown) else error
