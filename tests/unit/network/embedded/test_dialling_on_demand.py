"""A call of a chaincode service that is not connected dials it, and says why that failed."""

import asyncio

import pytest

from network.embedded import chaincode_support
from network.embedded.chaincode_stream import ExecutionError
from network.embedded.chaincode_support import ChaincodeSupport
from tests.unit.network.embedded.test_chaincode_services import (
    DEADLINE,
    PACKAGE,
    Service,
    Stream,
    connection,
    ends_at_once,
    serve,
)


@pytest.fixture
def never_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """After its first attempt nothing is dialled again unless somebody calls."""
    monkeypatch.setattr(chaincode_support, "FIRST_PAUSE", 3600.0)


@pytest.fixture
async def unused_port() -> int:
    placeholder, port = await Service(serve).start()
    await placeholder.stop(None)
    return port


@pytest.mark.usefixtures("never_by_itself")
async def test_a_call_dials_a_service_that_was_not_there(unused_port: int) -> None:
    support = ChaincodeSupport()
    support.dial(PACKAGE, connection(unused_port))
    address = f"localhost:{unused_port}"
    for _ in range(2):
        with pytest.raises(ExecutionError) as caught:
            await support.stream(PACKAGE)
        assert str(caught.value) == (
            f"could not launch chaincode {PACKAGE}: connection to {PACKAGE} failed: error cannot create connection for "
            f"{PACKAGE}: error creating grpc connection to {address}: failed to create new connection: connection "
            f'error: desc = "transport: error while dialing: dial tcp {address}: connect: connection refused"'
        )
    service = Service(serve)
    server, _ = await service.start(unused_port)
    async with asyncio.timeout(DEADLINE):
        streams = await asyncio.gather(*(support.stream(PACKAGE) for _ in range(3)))
    assert len(set(map(id, streams))) == 1
    assert service.dialled == 1
    await support.close()
    await server.stop(None)


@pytest.mark.usefixtures("never_by_itself")
async def test_a_call_dials_a_service_that_has_gone() -> None:
    support, first, second = ChaincodeSupport(), Service(serve), Service(serve)
    server, port = await first.start()
    support.dial(PACKAGE, connection(port))
    before = await support.stream(PACKAGE)
    await first.until_ready()
    await server.stop(None)
    server, _ = await second.start(port)
    async with asyncio.timeout(DEADLINE):
        while await support.stream(PACKAGE) is before:  # noqa: ASYNC110 - nothing tells when the peer has noticed
            await asyncio.sleep(0)
    assert second.dialled == 1
    await support.close()
    await server.stop(None)


@pytest.mark.usefixtures("never_by_itself")
async def test_a_service_that_does_not_register_does_not_run() -> None:
    support, service = ChaincodeSupport(), Service(ends_at_once)
    server, port = await service.start()
    support.dial(PACKAGE, connection(port))
    with pytest.raises(ExecutionError, match="chaincode registration failed: connection to .* terminated$"):
        await support.stream(PACKAGE)
    await support.close()
    await server.stop(None)


async def test_who_waits_is_told_when_the_peer_ends() -> None:
    dialled = asyncio.Event()

    async def silent(stream: Stream) -> None:
        dialled.set()
        await stream.until_its_end()

    support = ChaincodeSupport()
    server, port = await Service(silent).start()
    support.dial(PACKAGE, connection(port))
    waiting = asyncio.create_task(support.stream(PACKAGE))
    await dialled.wait()
    await support.close()
    with pytest.raises(ExecutionError, match="the peer is shutting down"):
        await waiting
    await server.stop(None)
