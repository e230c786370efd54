"""A chaincode's process ends when its peer is gone, though its contract hangs."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from chaincode.shim import watchdog
from chaincode.shim.stream import Message
from chaincode.shim.watchdog import Watchdog
from tests.unit.chaincode.scripted_peer import DEADLINE, transaction
from tests.unit.chaincode.shim.test_shim_streams import Stream, launching

# A contract that hangs in the way that its function names, once it has told so by a request to the peer.
PROGRAM = """
import asyncio, os, sys, threading, time
from chaincode.shim import Response, main, watchdog

watchdog.INTERVAL, watchdog.PATIENCE = 0.01, 0.1

async def stubborn():
    while True:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            pass

class Hanging:
    async def init(self, stub):
        how = stub.args[0].decode()
        if how == "serve":
            return Response()
        asyncio.get_running_loop().call_soon(os.write, 1, b"hangs\\n")
        await asyncio.sleep(0)
        if how == "loop":
            time.sleep(1000)
        elif how == "thread":
            await asyncio.to_thread(time.sleep, 1000)
        else:
            await stubborn()
        return Response()
    invoke = init

main(Hanging())
"""
# Starts it as a peer does, and can be killed like one.
PARENT = "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', sys.argv[1]]).pid, flush=True); input()"


class Started:
    """The chaincode and its parent."""

    def __init__(self, address: str) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CORE_", "CHAINCODE_"))}
        self.parent = subprocess.Popen(
            [sys.executable, "-c", PARENT, PROGRAM],
            env={**inherited, "CORE_CHAINCODE_ID_NAME": "cc:1", "CORE_PEER_ADDRESS": address},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self.parent.stdout
        self.pid = int(self.parent.stdout.readline())

    async def said(self) -> bytes:
        """The next line; nothing when both processes have ended."""
        assert self.parent.stdout
        async with asyncio.timeout(DEADLINE):
            return await asyncio.to_thread(self.parent.stdout.readline)

    def kill_parent(self) -> None:
        self.parent.kill()
        self.parent.wait()

    def close(self) -> None:
        for pid in (self.pid, self.parent.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.parent.wait()
        for pipe in (self.parent.stdin, self.parent.stdout):
            assert pipe
            pipe.close()


@pytest.fixture
def start() -> Iterator[Callable[[str], Started]]:
    found: list[Started] = []

    def start(address: str) -> Started:
        found.append(Started(address))
        return found[-1]

    yield start
    for one in found:
        one.close()


@pytest.mark.parametrize("how", ["loop", "thread", "task"])
async def test_a_contract_that_hangs_does_not_outlive_a_peer_that_was_killed(
    start: Callable[[str], Started], how: str
) -> None:
    async def serve(stream: Stream, context: Any) -> None:
        await stream.greet()
        await stream.send(transaction("1", how.encode()))
        await asyncio.Event().wait()

    async with launching(serve) as (address, _):
        started = await asyncio.to_thread(start, address)
        assert await started.said() == b"hangs\n"
        started.kill_parent()
        if how == "loop":  # it cannot notice that its stream ends
            assert await started.said() == b""
    # A killed peer's stream ends, as it does here.
    assert await started.said() == b""


async def test_a_chaincode_whose_shell_is_closed_goes_on_serving(start: Callable[[str], Started]) -> None:
    answered = asyncio.Event()
    go_on = asyncio.Event()

    async def serve(stream: Stream, context: Any) -> None:
        await stream.greet()
        await go_on.wait()
        for number in range(20):
            completed = await stream.ask(transaction(str(number), b"serve"))
            assert completed.type == Message.COMPLETED
        answered.set()
        await asyncio.Event().wait()

    async with launching(serve) as (address, _):
        started = await asyncio.to_thread(start, address)
        started.kill_parent()
        go_on.set()
        async with asyncio.timeout(DEADLINE):
            await answered.wait()
        os.kill(started.pid, 0)


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when the process would have left."""
    monkeypatch.setattr(watchdog, "INTERVAL", 0.001)
    monkeypatch.setattr(watchdog, "PATIENCE", 0.05)
    return threading.Event()


async def test_a_loop_that_answers_is_left_alone(left: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    looked = 0
    parent = os.getppid()

    def changed() -> int:
        nonlocal looked
        looked += 1
        if looked == 50:
            loop.call_soon_threadsafe(asked.set)
        return parent if looked == 1 else 1

    monkeypatch.setattr(os, "getppid", changed)
    watching = Watchdog(loop, left.set)
    async with asyncio.timeout(DEADLINE):
        await asked.wait()
    assert not left.is_set()
    watching.end()
    assert await asyncio.to_thread(left.wait, DEADLINE)


async def test_a_loop_that_does_not_answer_is_left_when_the_parent_is_gone(
    left: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    parents = iter([os.getppid()])
    monkeypatch.setattr(os, "getppid", lambda: next(parents, 1))
    Watchdog(asyncio.get_running_loop(), left.set)
    assert left.wait(DEADLINE)  # which blocks the loop
