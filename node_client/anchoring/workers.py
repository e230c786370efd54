"""Preparing in processes of their own, one for each core, with the results in the order of the work.

A worker has one pipe and nothing else: when the process that started it dies, however it dies, the worker ends.
"""

import multiprocessing
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Self, TypeVar

from node_client.anchoring.preparing import Prepared, Preparer, Shape, Work
from node_client.anchoring.rows import Terms
from node_client.certificates.errors import SourceError

AHEAD = 2  # segments that a worker has or is being sent

T = TypeVar("T")


class Workers:
    """Prepares segments. Use it in `with`.

    Args:
        jobs: how many processes; with 1 the work is done here.
    """

    def __init__(self, shape: Shape, terms: Terms, jobs: int) -> None:
        self._here = Preparer(shape, terms)
        self._given = (shape, terms)
        self._jobs = jobs
        self._pipes: list[Connection] = []
        self._processes: list[multiprocessing.process.BaseProcess] = []
        self._outgoing: SimpleQueue[tuple[Connection, Work] | None] = SimpleQueue()
        self._sender: Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.terminate()
            process.join()
        self._outgoing.put(None)
        if self._sender is not None:
            self._sender.join()
        for pipe in self._pipes:
            pipe.close()

    def run(self, works: Iterable[tuple[T, Work]]) -> Iterator[tuple[T, Prepared]]:
        """Prepare segments, each named by what comes with it.

        Raises:
            SourceError: a worker ended by itself.
        """
        waiting: deque[tuple[T, Work, Connection | None]] = deque()
        for number, (name, work) in enumerate(works):
            # The first segment is prepared here: a small source starts no process.
            pipe = self._pipe(number - 1) if number and self._jobs > 1 else None
            if pipe is not None:
                self._outgoing.put((pipe, work))
            waiting.append((name, work, pipe))
            if len(waiting) > (AHEAD * self._jobs if self._pipes else 1):
                yield self._next(waiting)
        while waiting:
            yield self._next(waiting)

    def _next(self, waiting: "deque[tuple[T, Work, Connection | None]]") -> tuple[T, Prepared]:
        name, work, pipe = waiting.popleft()
        if pipe is None:
            return name, self._here(work)
        try:
            found = pipe.recv()
        except (EOFError, OSError) as error:
            raise SourceError("a process that prepared certificates ended", "run the same command again") from error
        if isinstance(found, BaseException):
            raise found
        assert isinstance(found, Prepared)  # noqa: S101
        return name, found

    def _pipe(self, number: int) -> Connection:
        if len(self._pipes) < self._jobs:
            self._start()
        return self._pipes[number % self._jobs]

    def _start(self) -> None:
        # Not forked: threads of gRPC may hold locks that a copy would wait for.
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, *self._given), daemon=True)
        process.start()
        theirs.close()
        self._pipes.append(ours)
        self._processes.append(process)
        if self._sender is None:
            # A worker that is busy takes nothing: somebody else waits for it, so that results are always received.
            self._sender = Thread(target=self._send, daemon=True)
            self._sender.start()

    def _send(self) -> None:
        while (one := self._outgoing.get()) is not None:
            pipe, work = one
            with suppress(OSError, ValueError):  # whoever waits for the result is told
                pipe.send(work)


def _work(pipe: Connection, shape: Shape, terms: Terms) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of the terminal
    preparer = Preparer(shape, terms)
    with suppress(EOFError, OSError):
        while True:
            work = pipe.recv()
            try:
                found: Prepared | BaseException = preparer(work)
            except Exception as error:  # noqa: BLE001 - raised where it is waited for
                found = error
            pipe.send(found)
