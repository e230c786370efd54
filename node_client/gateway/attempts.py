"""The attempts at one call."""

import time

from node_client.errors import GatewayError
from node_client.gateway.failures import connection_lost
from node_client.gateway.options import Retry


class Attempts:
    """When a call that failed is made again: at the next peer at once, at all of them again after a wait.

    Args:
        retry: how often, and how long the waits are.
        peers: how many there are to ask.
        timeout: seconds that all attempts and waits together may take; None is for ever.
    """

    def __init__(self, retry: Retry, peers: int, timeout: float | None) -> None:
        self._retry = retry
        self._peers = peers
        self._timeout = timeout
        self._begun = time.monotonic()
        self._failed = 0

    @property
    def left(self) -> float | None:
        """Seconds that the next attempt may take."""
        if self._timeout is None or not self._failed:
            return self._timeout
        return self._timeout - (time.monotonic() - self._begun)

    def pause(self, error: GatewayError) -> float:
        """Seconds to wait before the next attempt.

        Raises:
            GatewayError: this very error, when it is an answer, or there is no next attempt.
        """
        if not connection_lost(error):
            raise error
        self._failed += 1
        rounds, peer = divmod(self._failed, self._peers)
        wait = 0.0 if peer else self._retry.wait(rounds - 1)
        if not peer and rounds > self._retry.attempts:
            raise error
        left = self.left
        if left is not None and wait >= left:
            raise error
        return wait
