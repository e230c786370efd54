"""What becomes of a handler and its transactions when the stream ends, breaks, or is given up."""

import asyncio

import pytest

from chaincode.shim import ChaincodeStub, Response, StreamLost, handler
from tests.unit.chaincode.scripted_peer import Scripted, ScriptedPeer, settle, transaction


async def test_who_waits_for_the_peer_learns_that_the_stream_is_lost() -> None:
    seen: list[type[BaseException]] = []

    async def waits(stub: ChaincodeStub) -> Response:
        try:
            await asyncio.gather(stub.get_state("a"), stub.get_state("b"))
        except StreamLost as error:
            seen.append(type(error))
        with pytest.raises(StreamLost):
            await stub.put_state("c", b"x")
        seen.append(StreamLost)
        return Response()

    async with ScriptedPeer(Scripted(waits)) as peer:
        await peer.ask()
        peer.send(None)
        await peer.ended()
        assert seen == [StreamLost, StreamLost]
        assert await peer.receives_nothing()


async def test_who_waits_for_something_else_is_cancelled() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def waits(stub: ChaincodeStub) -> Response:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return Response()

    async with ScriptedPeer(Scripted(waits)) as peer:
        peer.send(transaction("tx"))
        await begun.wait()
        peer.send(None)
        await peer.ended()
        assert ended.is_set()
        assert await peer.receives_nothing()


@pytest.mark.parametrize("asks", [True, False])
async def test_a_transaction_that_will_not_end_does_not_hold_the_stream(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, asks: bool
) -> None:
    monkeypatch.setattr(handler, "GRACE", 0.01)
    begun, released = asyncio.Event(), asyncio.Event()

    async def stubborn(stub: ChaincodeStub) -> Response:
        begun.set()
        if asks:
            with pytest.raises(StreamLost):
                await stub.get_state("a")
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue
        return Response()

    async with ScriptedPeer(Scripted(stubborn)) as peer:
        peer.send(transaction("stubborn-tx"))
        await begun.wait()
        await settle()
        peer.send(None)
        await peer.ended()
        assert "transaction stubborn-tx does not end" in caplog.text
        released.set()
        await settle()


async def reads(stub: ChaincodeStub) -> Response:
    return Response(payload=await stub.get_state("a") or b"")


async def test_what_reading_raises_ends_the_handler() -> None:
    async with ScriptedPeer(Scripted(reads)) as peer:
        await peer.ask(b"a")
        peer.send(ConnectionResetError("gone"))
        with pytest.raises(ConnectionResetError):
            await peer.ended()


async def test_a_peer_that_takes_no_messages_ends_the_handler() -> None:
    seen: list[str] = []

    async def waits(stub: ChaincodeStub) -> Response:
        try:
            await stub.get_state("a")
        except StreamLost:
            seen.append("lost")
            raise
        return Response()

    async with ScriptedPeer(Scripted(waits)) as peer:
        peer.breaks = ConnectionResetError("gone")
        peer.send(transaction("tx"))
        with pytest.raises(StreamLost, match=r"takes no more messages \(ConnectionResetError\)"):
            await peer.ended()
        assert seen == ["lost"]


async def test_a_handler_that_is_cancelled_ends_its_transactions() -> None:
    seen: list[str] = []

    async def waits(stub: ChaincodeStub) -> Response:
        try:
            await stub.get_state("a")
        except StreamLost:
            seen.append("lost")
        return Response()

    async with ScriptedPeer(Scripted(waits)) as peer:
        await peer.ask()
        peer.running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await peer.ended()
        assert seen == ["lost"]
