"""How a chaincode process learns what to do: the environment that peers and builders set, signals, and its end."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chaincode.shim import SettingsError, runtime
from chaincode.shim.client import ClientTls
from chaincode.shim.server import ServerTls
from tests.unit.chaincode.scripted_peer import DEADLINE
from tests.unit.chaincode.shim.test_shim_streams import Stream, launching

CHAINCODE: Any = object()


class Calls:
    """What `run` would have done."""

    def __init__(self) -> None:
        self.made: list[tuple[Any, ...]] = []

    async def connect(self, *args: Any, **options: Any) -> None:
        self.made.append(("connect", *args, options))

    def serve(self, *args: Any, **options: Any) -> "Calls":
        self.made.append(("serve", *args, options))
        return self

    async def wait(self) -> None:
        pass

    async def __aenter__(self) -> "Calls":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    calls = Calls()
    monkeypatch.setattr(runtime, "connect", calls.connect)
    monkeypatch.setattr(runtime, "ChaincodeServer", calls.serve)
    return calls


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], str]:
    """A file whose content is its name."""

    def file(name: str) -> str:
        (tmp_path / name).write_text(name)
        return str(tmp_path / name)

    return file


async def test_an_address_to_serve_at_makes_a_service(calls: Calls, file: Callable[[str], str]) -> None:
    environment = {
        "CHAINCODE_SERVER_ADDRESS": "0.0.0.0:9999",
        "CHAINCODE_ID": "cc:1",
        "CHAINCODE_TLS_KEY": file("key"),
        "CHAINCODE_TLS_CERT": file("certificate"),
        "CORE_PEER_ADDRESS": "not asked",
    }
    await runtime.run(CHAINCODE, environment)
    await runtime.run(CHAINCODE, {**environment, "CHAINCODE_CLIENT_CA_CERT": file("roots")})
    await runtime.run(CHAINCODE, {**environment, "CHAINCODE_TLS_DISABLED": "TRUE"})
    assert calls.made == [
        ("serve", CHAINCODE, "cc:1", "0.0.0.0:9999", {"tls": tls})
        for tls in (
            ServerTls(key=b"key", certificate=b"certificate"),
            ServerTls(key=b"key", certificate=b"certificate", client_roots=b"roots"),
            None,
        )
    ]


async def test_a_peers_address_makes_chaincode_that_dials_it(calls: Calls, file: Callable[[str], str]) -> None:
    environment = {
        "CORE_CHAINCODE_ID_NAME": "cc:1",
        "CORE_PEER_ADDRESS": "peer:7052",
        "CORE_PEER_TLS_ENABLED": "true",
        "CORE_PEER_TLS_ROOTCERT_FILE": file("root"),
    }
    pair = {"CORE_TLS_CLIENT_KEY_FILE": file("key"), "CORE_TLS_CLIENT_CERT_FILE": file("certificate")}
    await runtime.run(CHAINCODE, environment)
    await runtime.run(CHAINCODE, {**environment, **pair})
    await runtime.run(CHAINCODE, {**environment, "CORE_PEER_TLS_ENABLED": "false"})
    assert calls.made == [
        ("connect", CHAINCODE, "cc:1", "peer:7052", {"tls": tls})
        for tls in (ClientTls(root=b"root"), ClientTls(root=b"root", key=b"key", certificate=b"certificate"), None)
    ]


@pytest.mark.parametrize(
    "arguments",
    [["--peer.address", "peer:7052"], ["--peer.address=peer:7052"], ["start", "-peer.address=peer:7052"]],
)
async def test_the_peers_address_may_be_an_argument(calls: Calls, arguments: list[str]) -> None:
    await runtime.run(CHAINCODE, {"CORE_CHAINCODE_ID_NAME": "cc:1"}, arguments)
    assert calls.made == [("connect", CHAINCODE, "cc:1", "peer:7052", {"tls": None})]


@pytest.mark.parametrize(
    ("environment", "arguments", "problem"),
    [
        ({}, [], "must name the chaincode's package id"),
        ({"CHAINCODE_SERVER_ADDRESS": "localhost:0"}, [], "must name the chaincode's package id"),
        ({"CHAINCODE_ID": "cc:1"}, [], "set CHAINCODE_SERVER_ADDRESS to serve, or CORE_PEER_ADDRESS"),
        ({"CHAINCODE_ID": "cc:1"}, ["--peer.address"], "set CHAINCODE_SERVER_ADDRESS to serve, or CORE_PEER_ADDRESS"),
        ({"CHAINCODE_ID": "cc:1", "CHAINCODE_SERVER_ADDRESS": "localhost:0"}, [], "^CHAINCODE_TLS_KEY must name a"),
        (
            {"CHAINCODE_ID": "cc:1", "CHAINCODE_SERVER_ADDRESS": "localhost:0", "CHAINCODE_TLS_KEY": "/no/such/file"},
            [],
            "^CHAINCODE_TLS_KEY: No such file or directory: /no/such/file$",
        ),
        (
            {"CHAINCODE_ID": "cc:1", "CORE_PEER_ADDRESS": "peer:1", "CORE_PEER_TLS_ENABLED": "true"},
            [],
            "^CORE_PEER_TLS_ROOTCERT_FILE must name a PEM file$",
        ),
    ],
)
async def test_an_environment_that_does_not_say_how_to_run_is_refused_with_what_is_missing(
    calls: Calls, environment: dict[str, str], arguments: list[str], problem: str
) -> None:
    with pytest.raises(SettingsError, match=problem):
        await runtime.run(CHAINCODE, environment, arguments)
    assert not calls.made


# As a process

PROGRAM = """
from chaincode.shim import Response, main

class Nothing:
    async def init(self, stub):
        return Response()
    invoke = init

main(Nothing())
"""


async def process(**environment: str) -> asyncio.subprocess.Process:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CORE_", "CHAINCODE_"))}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        env={**inherited, **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def end(running: asyncio.subprocess.Process) -> tuple[int, str]:
    """The process's exit code and what it said."""
    async with asyncio.timeout(DEADLINE):
        output, messages = await running.communicate()
    assert output == b""
    assert b"Traceback" not in messages
    return running.returncode or 0, messages.decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_process_without_a_word_of_failure(number: signal.Signals) -> None:
    registered = asyncio.Event()

    async def serve(stream: Stream, context: Any) -> None:
        assert await stream.greet() == "cc:1"
        registered.set()
        await asyncio.Event().wait()

    async with launching(serve) as (address, _):
        running = await process(CORE_CHAINCODE_ID_NAME="cc:1", CORE_PEER_ADDRESS=address)
        async with asyncio.timeout(DEADLINE):
            await registered.wait()
        running.send_signal(number)
        assert (await end(running))[0] == 0


async def test_the_process_ends_when_its_peer_ends_the_stream() -> None:
    async def serve(stream: Stream, context: Any) -> None:
        await stream.greet()

    async with launching(serve) as (address, _):
        status, messages = await end(await process(CORE_CHAINCODE_ID_NAME="cc:1", CORE_PEER_ADDRESS=address))
    assert status == 0
    assert "ended the stream" in messages


async def test_a_peer_that_is_not_there_ends_the_process_with_the_reason() -> None:
    async def serve(stream: Stream, context: Any) -> None:
        raise AssertionError("nobody comes")

    async with launching(serve) as (address, _):
        pass
    status, messages = await end(await process(CORE_CHAINCODE_ID_NAME="cc:1", CORE_PEER_ADDRESS=address))
    assert status == 1
    assert f"chaincode: the stream to the peer at {address} was lost" in messages


async def test_a_service_whose_port_is_in_use_ends_with_the_reason() -> None:
    async def serve(stream: Stream, context: Any) -> None:
        raise AssertionError("nobody comes")

    async with launching(serve) as (address, _):
        status, messages = await end(
            await process(CHAINCODE_ID="cc:1", CHAINCODE_SERVER_ADDRESS=address, CHAINCODE_TLS_DISABLED="true")
        )
    assert status == 1
    assert f"chaincode: cannot serve at {address}: the address is in use" in messages
