"""Runs the embedded network of a folder: `python -P -m network.embedded DIR [--ready-fd N]`.

Readiness is told on the descriptor, see `network.readiness`.
SIGTERM and SIGINT end it. What it logs goes to stderr.
"""

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from pathlib import Path

from network.embedded.database import LedgerUnavailable
from network.embedded.limits import Limits
from network.embedded.network import EmbeddedNetwork
from network.embedded.node_keys import MEND
from network.errors import NetworkError, StartError
from network.lock import Held, hold
from network.readiness import tell_failure, tell_ready
from network.topology import read_topology
from node_client.durable import make_folder

COLLECT_AFTER = 50_000  # objects made and kept


def main() -> None:
    """Run until told to end; ends the process with status 1 when the network cannot start."""
    parser = argparse.ArgumentParser(prog="python -m network.embedded", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ready-fd", type=int)
    arguments = parser.parse_args()
    logging.basicConfig(
        level=os.environ.get("CERTLEDGER_LOG_LEVEL", "INFO").upper(),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("grpc._cython.cygrpc").addFilter(is_news)
    _work_in_batches()
    sys.exit(asyncio.run(serve(arguments.folder, arguments.ready_fd)))


def is_news(record: logging.LogRecord) -> bool:
    """Whether a record of gRPC's is more than that a client went away while an answer was on its way to it."""
    error = record.exc_info[1] if record.exc_info else None
    return type(error).__name__ != "ExecuteBatchError"  # the class is in a private module


def _work_in_batches() -> None:
    """Let a thread that is woken wait for a free core instead of interrupting one that works (`sched(7)`).

    For every message gRPC wakes a thread; under load several messages wait for it by then. Chaincode that is started
    works likewise.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


async def serve(folder: Path, ready: int | None) -> int:
    """Serve the folder's network until SIGTERM or SIGINT.

    Args:
        folder: the network's folder.
        ready: the descriptor that is told when the network serves, or why it does not.

    Returns:
        The exit status.
    """
    stop, serving = asyncio.Event(), asyncio.Event()
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def end() -> None:
        stop.set()
        if not serving.is_set() and task is not None:
            task.cancel()  # it may wait for something that does not come

    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, end)
    try:
        make_folder(folder / "embedded")
        with hold(folder / "embedded" / "lock"):
            await _serve(folder, ready, serving, stop)
    except asyncio.CancelledError:
        return tell_failure(ready, "the network was told to end while it started")
    except Held:
        return tell_failure(ready, "the network of this folder runs already")
    except NetworkError as error:
        return tell_failure(ready, str(error), error.next_step)
    except LedgerUnavailable as error:
        return tell_failure(ready, str(error), error.next_step)
    except OSError as error:
        return tell_failure(ready, f"the network's folder cannot be used: {error}", MEND)
    except ValueError as error:
        return tell_failure(ready, f"the network's folder holds something unexpected: {error}", MEND)
    return 0


async def _serve(folder: Path, ready: int | None, serving: asyncio.Event, stop: asyncio.Event) -> None:
    text = (folder / "configtx.yaml").read_text(encoding="utf-8")
    try:
        limits = Limits.from_environment()
    except ValueError as error:
        raise StartError(str(error), "correct the variable, or unset it") from error
    async with EmbeddedNetwork(folder, read_topology(text), limits) as network:
        # What is there now stays there: the collector need not look at it, nor at what comes and goes all too often.
        gc.freeze()
        gc.set_threshold(COLLECT_AFTER, 20, 20)
        serving.set()
        tell_ready(ready)
        logging.getLogger(__name__).info("the network serves, height %d", network.ledger.height)
        await network.serve(stop)


if __name__ == "__main__":
    main()
