"""Issuing many certificates, and going on when the network is away for a moment."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from node_client.certificates.errors import OutcomeUnknown
from node_client.certificates.issuing import Issued, Issuer, Request
from node_client.certificates.patience import Patience, concerns_all
from node_client.errors import FabricError


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
    issued again, which goes on where the first attempt stood, as `Patience` has it. What would fail in the same way for
    all the others then ends the run.

    Args:
        in_flight: how many at a time.
        done: told of each as it ends.
        stop: when set, nothing new is begun, and nothing tried again; what is in flight comes to its end.
        again: told why the first time that something is tried again after others were issued.

    Returns:
        What was not begun.
    """
    patience = Patience(stop.is_set, again)
    waiting = list(reversed(requests))

    async def issue(request: Request) -> Issued | Failed:
        try:
            return await patience.attempt(lambda: issuer.issue(request))
        except FabricError as error:
            return Failed(request, error)

    async def work() -> None:
        while waiting and not stop.is_set():
            request = waiting.pop()
            result = await issue(request)
            if isinstance(result, Failed) and concerns_all(result.error):
                stop.set()
            done(Progress(request, result))

    await asyncio.gather(*(work() for _ in range(min(in_flight, len(requests)))))
    return list(reversed(waiting))
