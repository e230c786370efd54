"""Waiting for what has no event to wait on: asking again until there is an answer."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from network.errors import StartError
from node_client.errors import FabricError

PATIENCE = 60.0  # seconds; what is waited for takes a few where nothing is wrong
POLL = 0.05  # seconds between two questions, where somebody waits for the answer

T = TypeVar("T")
R = TypeVar("R")


class NotYet(Exception):
    """There is no answer yet. Says why."""


class Waiter:
    """Asks until there is an answer, or no more time for all questions together.

    Args:
        check: called between two questions; raises what makes waiting senseless.
        patience: seconds, from now or from the last progress.
        pause: seconds between two questions.
    """

    def __init__(
        self, check: Callable[[], None] = lambda: None, patience: float = PATIENCE, pause: float = POLL
    ) -> None:
        self._check = check
        self._patience = patience
        self._pause = pause
        self.progressed()

    def progressed(self) -> None:
        """Wait as long as at the beginning once more: what is waited for comes nearer."""
        self._deadline = time.monotonic() + self._patience

    def until(self, what: str, question: Callable[[], T]) -> T:
        """Ask until the question gives an answer instead of raising NotYet.

        Args:
            what: what is waited for, a sentence.

        Raises:
            StartError: it did not come in time.
        """
        while True:
            try:
                return question()
            except NotYet as error:
                reason = f": {error}" if str(error) else ""
            self._check()
            if time.monotonic() > self._deadline:
                raise StartError(
                    f"waited {self._patience:g} s in vain until {what}{reason}", "look into: certledger network logs"
                )
            time.sleep(self._pause)


def answered(question: Callable[[], T]) -> Callable[[], T]:
    """The question, whose failure to get any answer from nodes or gateways is NotYet."""

    def asked() -> T:
        try:
            return question()
        except FabricError as error:
            raise NotYet(str(error)) from error

    return asked


def each(items: Iterable[T], work: Callable[[T], R]) -> list[R]:
    """Do the same for every item at once, for most of it is waiting. Raises what the first that failed raised."""
    found = list(items)
    with ThreadPoolExecutor(max(1, len(found))) as pool:
        return list(pool.map(work, found))
