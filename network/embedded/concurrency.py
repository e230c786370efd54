"""How many calls of a service may run at a time. Source: Fabric's `internal/peer/node/grpc_limiters.go`."""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc

from network.embedded.failure import RpcFailure


class Concurrency:
    """Counts the calls of one service of one peer; those past the limit are refused, none waits.

    Args:
        service: its full name, such as `/gateway.Gateway`.
        limit: how many calls, streams among them, may run at a time.
    """

    def __init__(self, service: str, limit: int) -> None:
        self._service = service
        self._limit = limit
        self._running = 0

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """One of the calls that may run. Raises RpcFailure when there are so many already."""
        if self._running >= self._limit:
            text = f"too many requests for {self._service}, exceeding concurrency limit ({self._limit})"
            raise RpcFailure(grpc.StatusCode.UNKNOWN, text)
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
