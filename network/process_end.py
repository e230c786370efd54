"""The end of another process, whoever started it.

A process has ended when nothing of it is left but its exit status, which its parent may fetch late or never: its files
are closed, its folder is nobody's working directory. A lock that it held is free a moment earlier.
"""

import os
import select
import signal
import sys
import time
from types import TracebackType
from typing import Self

POLL = 0.02  # seconds, where the system cannot tell of a process's end


class Ended(Exception):
    """There is no such process."""


class Process:
    """A running process. Use it in `with`.

    Args:
        pid: its id. What is done afterwards is done to this process and to no later one with its id, where the system
            can tell (Linux).

    Raises:
        Ended: there is none.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._descriptor = -1
        try:
            if sys.platform == "linux":
                self._descriptor = os.pidfd_open(pid)
            else:
                os.kill(pid, 0)
        except ProcessLookupError as error:
            raise Ended(str(pid)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens when the process has ended."""
        try:
            if sys.platform == "linux":
                signal.pidfd_send_signal(self._descriptor, number)
            else:
                os.kill(self._pid, number)
        except ProcessLookupError:
            return

    def wait(self, seconds: float) -> bool:
        """Wait for its end. Returns whether it came in time."""
        if sys.platform == "linux":
            return bool(select.select([self._descriptor], [], [], seconds)[0])
        else:
            return self._poll(seconds)

    def _poll(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                os.kill(self._pid, 0)
            except ProcessLookupError:
                return True
            time.sleep(POLL)
        return False
