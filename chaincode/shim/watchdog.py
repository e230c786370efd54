"""The end of a chaincode's process, whatever its contract does.

A chaincode that its peer launched has nobody left to serve when the peer is gone. A contract that waits on something of
its own, in a task or a thread, would keep the process; one that blocks the event loop would keep it from even noticing.
So a thread watches: once the process should end it has a few seconds to do so, and when the parent has died while the
loop does not answer, the process ends at once. A parent that dies while the loop answers is no reason: the loop notices
by itself when the stream is lost, and somebody may have started the chaincode from a shell that is closed.
"""

import asyncio
import os
import threading
from collections.abc import Callable

INTERVAL = 1.0  # seconds between two looks at the parent
PATIENCE = 5.0  # seconds that the event loop has to answer, and that the process has to end


class Watchdog:
    """Watches over a process.

    Args:
        loop: on which the chaincode runs.
        leave: ends the process without waiting for anything.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, leave: Callable[[], None] | None = None) -> None:
        self._loop = loop
        self._leave = leave or _leave
        self._parent = os.getppid()
        self._ending = threading.Event()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def end(self) -> None:
        """The process should end now: it has a few seconds."""
        self._ending.set()

    def _watch(self) -> None:
        while not self._ending.wait(INTERVAL):
            if os.getppid() != self._parent and not self._loop_answers():
                self._leave()
                return
        timer = threading.Timer(PATIENCE, self._leave)
        timer.daemon = True  # an end that comes in time does not wait for it
        timer.start()

    def _loop_answers(self) -> bool:
        answered = threading.Event()
        try:
            self._loop.call_soon_threadsafe(answered.set)
        except RuntimeError:  # it is closed: the process is about to end
            return True
        return answered.wait(PATIENCE)


def _leave() -> None:
    # Not by logging: what hangs may hold its lock.
    os.write(2, b"chaincode: the peer has gone and the contract does not end; the process leaves\n")
    os._exit(1)
