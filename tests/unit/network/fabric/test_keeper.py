"""The keeper: starts nodes, starts again what ends, bounds logs, ends everything."""

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from network.errors import StartError
from network.fabric import keeper as keeping
from network.fabric import processes
from network.fabric.keeper import Keeper, bound, check_addresses, end_leftovers, run_file
from network.fabric.launching import Launch
from network.fabric.nodes import Node, nodes_of
from network.fabric.processes import Process
from network.folder import Engine, Folder
from network.topology import default_configtx, read_topology

DEADLINE = 60.0

# A node that tells its process id, and lives until it is told to end with a status.
NODE = """
import os, socket, sys
print("started", flush=True)
stream = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
stream.sendall(b"%d\\n" % os.getpid())
sys.exit(int(stream.recv(10) or 0))
"""


class Started:
    """A node that has started."""

    def __init__(self, pid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pid = pid
        self._reader = reader
        self._writer = writer

    def end(self, status: int) -> None:
        self._writer.write(str(status).encode())

    async def ended(self) -> None:
        """Wait until the process is gone."""
        async with asyncio.timeout(DEADLINE):
            while await self._reader.read(1):
                pass


class Arrivals:
    """Nodes, as they start."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Started] = asyncio.Queue()
        self._writers: list[asyncio.StreamWriter] = []

    async def next(self) -> Started:
        async with asyncio.timeout(DEADLINE):
            return await self._queue.get()

    async def greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        await self._queue.put(Started(int(await reader.readline()), reader, writer))

    def close(self) -> None:
        for writer in self._writers:
            writer.close()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder.at(tmp_path / "net")
    folder.make(lambda path: (path / "configtx.yaml").write_text(default_configtx()) and None, Engine.FABRIC)
    (folder.home / "logs").mkdir(parents=True)
    return folder


@pytest.fixture
async def arrivals() -> AsyncIterator[tuple[Arrivals, int]]:
    arrivals = Arrivals()
    server = await asyncio.start_server(arrivals.greet, "127.0.0.1", 0)
    yield arrivals, server.sockets[0].getsockname()[1]
    server.close()
    arrivals.close()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "FIRST_PAUSE", 0.0)


def launches_of(folder: Folder, port: int, count: int = 2, program: str = NODE) -> list[Launch]:
    nodes: tuple[Node, ...] = nodes_of(read_topology(default_configtx()).organisations)[:count]
    arguments = (sys.executable, "-c", program, str(port))
    return [Launch(node, arguments, dict(os.environ), folder.path, node.log(folder)) for node in nodes]


async def test_nodes_run_until_the_keeper_ends(folder: Folder, arrivals: tuple[Arrivals, int]) -> None:
    coming, port = arrivals
    launches = launches_of(folder, port)
    async with Keeper(folder, launches):
        nodes = [await coming.next(), await coming.next()]
        remembered = [processes.read(run_file(folder, launch.node.name)) for launch in launches]
        assert {one.pid for one in remembered if one and one.alive} == {node.pid for node in nodes}
        assert all(os.getsid(node.pid) == os.getpgid(node.pid) == node.pid for node in nodes)
    for node in nodes:
        await node.ended()
        assert not processes.start_time(node.pid)
    assert not list((folder.home / "run").iterdir())
    assert all(launch.log.read_text() == "started\n" for launch in launches)


async def test_node_that_ends_is_started_again(folder: Folder, arrivals: tuple[Arrivals, int]) -> None:
    coming, port = arrivals
    (launch,) = launches_of(folder, port, 1)
    async with Keeper(folder, [launch]):
        first = await coming.next()
        first.end(3)
        second = await coming.next()
        found = processes.read(run_file(folder, launch.node.name))
        assert found == Process(second.pid, processes.start_time(second.pid), exits=1, status=3)
        processes.kill_group(second.pid)
        third = await coming.next()
        found = processes.read(run_file(folder, launch.node.name))
        assert found
        assert (found.pid, found.exits, found.status) == (third.pid, 2, -9)
    assert launch.log.read_text() == 3 * "started\n"


async def test_what_helps_a_node_is_run_when_it_has_been_started_again(
    folder: Folder, arrivals: tuple[Arrivals, int]
) -> None:
    coming, port = arrivals
    (plain,) = launches_of(folder, port, 1)
    launch = replace(plain, afterwards=plain.arguments)
    async with Keeper(folder, [launch]):
        (await coming.next()).end(0)
        found = [await coming.next(), await coming.next()]
        known = processes.read(run_file(folder, launch.node.name))
        assert known
        assert known.pid in {one.pid for one in found}  # the other one is no node
    for one in found:
        await one.ended()
        assert not processes.start_time(one.pid)


async def test_node_that_cannot_be_started_is_tried_again(folder: Folder, arrivals: tuple[Arrivals, int]) -> None:
    coming, port = arrivals
    (launch,) = launches_of(folder, port, 1)
    program = folder.path / "program"
    late = Launch(launch.node, (str(program), *launch.arguments[1:]), launch.environment, launch.folder, launch.log)
    async with Keeper(folder, [late]):
        program.symlink_to(sys.executable)
        await coming.next()


async def test_what_an_earlier_keeper_left_is_ended_and_nothing_else(
    folder: Folder, arrivals: tuple[Arrivals, int]
) -> None:
    coming, port = arrivals
    (launch,) = launches_of(folder, port, 1)
    process = await asyncio.create_subprocess_exec(*launch.arguments, start_new_session=True)
    node = await coming.next()
    run = run_file(folder, "peer0.city")
    run.parent.mkdir()
    Process(os.getpid(), "another time").write(run_file(folder, "peer0.nishitetsu"))
    run_file(folder, "damaged").write_text(json.dumps({"pid": os.getpid()}))
    assert not await asyncio.to_thread(end_leftovers, folder)
    Process(node.pid, processes.start_time(node.pid)).write(run)
    assert await asyncio.to_thread(end_leftovers, folder)
    async with asyncio.timeout(DEADLINE):
        assert await process.wait() == -15
    assert not await asyncio.to_thread(end_leftovers, folder)


def test_log_is_bounded_while_its_node_writes_on(tmp_path: Path) -> None:
    log = tmp_path / "peer0.city.log"
    bound(log, limit=10)
    with log.open("ab", buffering=0) as node:
        node.write(b"0123456789")
        bound(log, limit=10)
        assert log.read_bytes() == b"0123456789"
        node.write(b"+")
        bound(log, limit=10)
        assert log.read_bytes() == b""
        assert (tmp_path / "peer0.city.log.1").read_bytes() == b"0123456789+"
        node.write(b"next")
        assert log.read_bytes() == b"next"


async def test_the_keeper_bounds_the_logs_of_its_nodes(
    folder: Folder, arrivals: tuple[Arrivals, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    bounded = asyncio.Event()

    def telling(log: Path) -> None:
        bound(log)
        if log.with_suffix(".log.1").exists():
            bounded.set()

    monkeypatch.setattr(keeping, "LOG_PERIOD", 0.01)
    monkeypatch.setattr(keeping, "bound", telling)
    coming, port = arrivals
    (launch,) = launches_of(folder, port, 1, program=f"print('+' * {keeping.LOG_LIMIT})\n{NODE}")
    async with Keeper(folder, [launch]):
        await coming.next()
        async with asyncio.timeout(DEADLINE):
            await bounded.wait()
    assert launch.log.with_suffix(".log.1").stat().st_size > keeping.LOG_LIMIT
    assert launch.log.stat().st_size < keeping.LOG_LIMIT


def test_addresses_that_are_in_use_are_named() -> None:
    with socket.socket() as taken, socket.socket() as free:
        for one in (taken, free):
            one.bind(("127.0.0.1", 0))
        taken.listen()
        port, other = taken.getsockname()[1], free.getsockname()[1]
        free.close()
        check_addresses([f"localhost:{other}"])
        with pytest.raises(StartError, match=f"localhost:{port} is in use") as caught:
            check_addresses([f"localhost:{other}", f"localhost:{port}"])
        assert "--ports auto" in caught.value.next_step
    check_addresses([f"localhost:{port}"])
    with pytest.raises(StartError, match="two nodes would serve"):
        check_addresses([f"localhost:{port}", f"localhost:{port}"])
