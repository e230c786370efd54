"""Keeps the nodes of a folder running: starts them, starts again what ends, bounds their logs, ends them.

Every node is in a session and process group of its own and writes its log itself, so that it goes on when the keeper
ends in an unexpected way. Whoever wants a node started anew ends it: the keeper does the rest.
"""

import asyncio
import contextlib
import logging
import shutil
import socket
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from network.errors import StartError
from network.fabric import processes
from network.fabric.launching import Launch
from network.fabric.nodes import listening
from network.fabric.processes import Process
from network.folder import Folder

logger = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # seconds before a node that ended is started again
LOG_LIMIT = 10_000_000  # bytes of a log; the part before is kept as well
LOG_PERIOD = 5.0  # seconds between looks at the logs

T = TypeVar("T")


def run_file(folder: Folder, node: str) -> Path:
    """Where a node's process is remembered."""
    return folder.home / "run" / f"{node}.json"


def end_leftovers(folder: Folder) -> bool:
    """End what an earlier keeper left running. Returns whether there was anything."""
    found = [processes.read(path) for path in (folder.home / "run").glob("*.json")]
    left = [one for one in found if one and one.alive]
    processes.stop(left)
    return bool(left)


def check_addresses(addresses: Sequence[str], listen: str = "") -> None:
    """Check that nobody listens at any of these addresses, and that no two are the same. Raises StartError.

    Args:
        listen: see `network.fabric.nodes.listening`.
    """
    for address in addresses:
        if addresses.count(address) > 1:
            raise StartError(
                f"two nodes would serve at {address}", "give every node in configtx.yaml a port of its own"
            )
        host, _, port = listening(address, listen).rpartition(":")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as one:
            # As Go's listeners do: a port on which connections are only fading away is free.
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind((host.strip("[]"), int(port)))
            except OSError as error:
                raise StartError(
                    f"the address {address} is in use or cannot be used",
                    "end the program that uses it; "
                    "a new network gets other ports with: certledger network up --ports auto",
                ) from error


class Keeper:
    """Runs the nodes until it is closed. Use it in `async with`."""

    def __init__(self, folder: Folder, launches: Sequence[Launch]) -> None:
        self._folder = folder
        self._launches = launches
        self._tasks: list[asyncio.Task[None]] = []
        self._helpers: dict[str, asyncio.Task[None]] = {}
        self._running: dict[str, tuple[Process, asyncio.subprocess.Process]] = {}

    async def __aenter__(self) -> "Keeper":
        (self._folder.home / "run").mkdir(exist_ok=True)
        self._tasks = [asyncio.create_task(self._keep(launch)) for launch in self._launches]
        self._tasks.append(asyncio.create_task(self._bound_logs()))
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = [*self._tasks, *self._helpers.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(processes.stop, [known for known, _ in self._running.values()])
        await asyncio.gather(*(process.wait() for _, process in self._running.values()))
        for launch in self._launches:
            run_file(self._folder, launch.node.name).unlink(missing_ok=True)

    async def _keep(self, launch: Launch) -> None:
        name, pause, exits, status = launch.node.name, FIRST_PAUSE, 0, None
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                process = await _undisturbed(self._start(launch, exits, status))
            except OSError as error:
                logger.error("%s cannot be started: %s", name, error)
                status = None
            else:
                if exits and launch.afterwards:
                    self._help(launch)
                status = await process.wait()
                # What it started must not hold on to its ports and files.
                processes.kill_group(process.pid)
                logger.warning("%s ended with status %s and is started again", name, status)
            exits += 1
            pause = FIRST_PAUSE if loop.time() - began > LONGEST_PAUSE else min(2 * pause, LONGEST_PAUSE)
            await asyncio.sleep(pause)

    async def _start(self, launch: Launch, exits: int, status: int | None) -> asyncio.subprocess.Process:
        with launch.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *launch.arguments,
                cwd=launch.folder,
                env=launch.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        known = Process(process.pid, processes.start_time(process.pid), exits, status)
        self._running[launch.node.name] = (known, process)
        known.write(run_file(self._folder, launch.node.name))
        return process

    def _help(self, launch: Launch) -> None:
        """Run what is run beside a node that has been started again, once at a time."""
        before = self._helpers.get(launch.node.name)
        if before is None or before.done():
            self._helpers[launch.node.name] = asyncio.create_task(run_beside(launch))

    async def _bound_logs(self) -> None:
        while True:
            await asyncio.sleep(LOG_PERIOD)
            for launch in self._launches:
                with contextlib.suppress(OSError):
                    bound(launch.log)


async def run_beside(launch: Launch) -> None:
    """Run what is run beside a node that has been started again, until it ends; it ends with whoever waits for it."""
    try:
        process = await asyncio.create_subprocess_exec(
            *launch.afterwards, cwd=launch.folder, env=launch.environment, stdin=asyncio.subprocess.DEVNULL
        )
    except OSError as error:
        logger.error("%s cannot be helped: %s", launch.node.name, error)
        return
    try:
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _undisturbed(work: Coroutine[Any, Any, T]) -> T:
    """Let something come to its end even when its caller is cancelled: a process must not start unseen."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise


def bound(log: Path, limit: int = LOG_LIMIT) -> None:
    """Move what a log holds aside when it has grown over the limit.

    The node goes on writing into the same file, at its end wherever that is. A line that it writes at this very moment
    can be lost. Raises OSError.
    """
    if log.exists() and log.stat().st_size > limit:
        shutil.copyfile(log, log.with_suffix(".log.1"))
        with log.open("r+b") as file:
            file.truncate(0)
