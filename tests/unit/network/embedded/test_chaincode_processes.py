"""Chaincode that a peer launches: its environment, its restarts, its end."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from network.embedded import chaincode_processes
from network.embedded.chaincode_processes import Launch, keep_running

DEADLINE = 60.0

# A chaincode that tells its environment and process id, and lives until it is told to end.
CHAINCODE = """
import json, os, socket, sys
stream = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
print("started", flush=True)
stream.sendall(json.dumps({"pid": os.getpid(), "environment": dict(os.environ), "path": sys.path}).encode() + b"\\n")
sys.exit(int(stream.recv(1) or 0))
"""
# The same, which does not end when it is asked to.
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + CHAINCODE


class Started:
    """A chaincode that has started."""

    def __init__(self, told: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pid: int = told["pid"]
        self.environment: dict[str, str] = told["environment"]
        self.path: list[str] = told["path"]
        self._reader = reader
        self._writer = writer

    async def end(self, status: int = 0) -> None:
        self._writer.write(str(status).encode())
        await self.has_ended()

    async def has_ended(self) -> None:
        """Until its end: its socket is closed with it."""
        async with asyncio.timeout(DEADLINE):
            with suppress(ConnectionError):
                assert await self._reader.read() == b""


class House:
    """Where chaincodes are started, and tell so."""

    def __init__(self, folder: Path, port: int, started: asyncio.Queue[Started]) -> None:
        self.folder = folder
        self.port = port
        self._started = started
        self.tasks: list[asyncio.Task[None]] = []

    def launch(self, code: str = CHAINCODE, arguments: Sequence[str] | None = None, **changed: Any) -> Launch:
        values: dict[str, Any] = {
            "package_id": "registry_1:abc",
            "msp_id": "CityMSP",
            "peer_address": "localhost:7052",
            "arguments": arguments or ("-c", code, str(self.port)),
            "folder": self.folder / "keys",
            "log": self.folder / "chaincode.log",
            **changed,
        }
        return Launch(**values)

    def keep_running(self, launch: Launch) -> asyncio.Task[None]:
        task = asyncio.create_task(keep_running(launch))
        self.tasks.append(task)
        return task

    async def started(self) -> Started:
        async with asyncio.timeout(DEADLINE):
            return await self._started.get()


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setattr(chaincode_processes, "FIRST_PAUSE", 0.001)
    started: asyncio.Queue[Started] = asyncio.Queue()

    writers: list[asyncio.StreamWriter] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        if line := await reader.readline():
            started.put_nowait(Started(json.loads(line), reader, writer))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    house = House(tmp_path, server.sockets[0].getsockname()[1], started)
    yield house
    for task in house.tasks:
        task.cancel()
    await asyncio.gather(*house.tasks, return_exceptions=True)
    server.close()
    await server.wait_closed()
    for writer in writers:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def test_a_chaincode_is_told_what_fabrics_peers_tell(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CERTLEDGER_ISSUER_MSPS", "CityMSP")
    monkeypatch.setenv("CERTLEDGER_DIR", "somewhere")
    monkeypatch.setenv("A_SECRET", "of the operator")
    house.keep_running(house.launch())
    environment = (await house.started()).environment
    keys = house.folder / "keys"
    assert {name: value for name, value in environment.items() if name.startswith(("CORE_", "CERTLEDGER_"))} == {
        "CERTLEDGER_ISSUER_MSPS": "CityMSP",
        "CORE_CHAINCODE_ID_NAME": "registry_1:abc",
        "CORE_PEER_ADDRESS": "localhost:7052",
        "CORE_PEER_LOCALMSPID": "CityMSP",
        "CORE_PEER_TLS_ENABLED": "true",
        "CORE_PEER_TLS_ROOTCERT_FILE": str(keys / "root.crt"),
        "CORE_TLS_CLIENT_KEY_FILE": str(keys / "client.key"),
        "CORE_TLS_CLIENT_CERT_FILE": str(keys / "client.crt"),
    }
    assert "A_SECRET" not in environment
    assert environment["PATH"] == os.environ["PATH"]


async def test_a_contracts_folder_cannot_shadow_the_chaincodes_modules(house: House) -> None:
    house.keep_running(house.launch())
    assert "" not in (await house.started()).path


async def test_a_chaincode_that_ends_is_started_again(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.keep_running(house.launch())
    pids = set()
    for status in (0, 3, 0):
        started = await house.started()
        pids.add(started.pid)
        await started.end(status)
    await house.started()
    assert len(pids) == 3
    assert "the chaincode of CityMSP ended with 3, starting it again" in caplog.text
    assert (house.folder / "chaincode.log").read_text() == "started\n" * 4


async def test_a_chaincode_that_is_killed_is_started_again(house: House) -> None:
    house.keep_running(house.launch())
    first = await house.started()
    os.kill(first.pid, 9)
    await first.has_ended()
    assert (await house.started()).pid != first.pid


@pytest.mark.parametrize("code", [CHAINCODE, STUBBORN], ids=["polite", "stubborn"])
async def test_no_chaincode_outlives_the_network(house: House, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr(chaincode_processes, "PATIENCE", 0.05)
    running = house.keep_running(house.launch(code))
    started = await house.started()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await started.has_ended()
    with pytest.raises(ProcessLookupError):
        os.kill(started.pid, 0)


async def test_a_chaincode_that_cannot_be_started_is_tried_again(
    house: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept = asyncio.Event()
    sleep: Callable[..., Any] = asyncio.sleep

    async def told(seconds: float) -> None:
        slept.set()
        await sleep(seconds)

    monkeypatch.setattr(chaincode_processes.asyncio, "sleep", told)
    launch = house.launch(log=house.folder / "logs" / "chaincode.log")
    house.keep_running(launch)
    async with asyncio.timeout(DEADLINE):
        await slept.wait()
    assert "the chaincode of CityMSP could not be started, trying again" in caplog.text
    launch.log.parent.mkdir()
    await house.started()


async def test_pauses_between_starts_grow(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    sleep: Callable[..., Any] = asyncio.sleep

    async def noted(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    # So long that no start takes longer: a chaincode that has run for long is started again at once.
    monkeypatch.setattr(chaincode_processes, "FIRST_PAUSE", 300.0)
    monkeypatch.setattr(chaincode_processes, "LONGEST_PAUSE", 1000.0)
    monkeypatch.setattr(chaincode_processes.asyncio, "sleep", noted)
    house.keep_running(house.launch())
    for _ in range(4):
        await (await house.started()).end()
    await house.started()
    assert pauses == [600.0, 1000.0, 1000.0, 1000.0]
