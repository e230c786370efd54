"""The chaincode's end of a stream, over a peer that does what the test tells it to."""

import asyncio
import logging
from typing import Any

import pytest
from fabric_protos.peer import chaincode_pb2, chaincode_shim_pb2

from chaincode.contract import ContractError
from chaincode.shim import ChaincodeError, ChaincodeStub, PeerError, Response
from chaincode.shim.stream import Message
from tests.unit.chaincode.scripted_peer import Scripted, ScriptedPeer, answer, response, settle, transaction


def key_of(request: Message) -> str:
    assert request.type == Message.GET_STATE
    return chaincode_shim_pb2.GetState.FromString(request.payload).key


WRONG_TYPES = "the response or the event is not of the right types"


async def read(stub: ChaincodeStub) -> Response:
    """Answers with the value of the key that it is given."""
    return Response(payload=await stub.get_state(stub.args[0].decode()) or b"")


async def nothing(stub: ChaincodeStub) -> Response:
    return Response()


async def test_it_registers_under_its_package_id() -> None:
    async with ScriptedPeer(Scripted(nothing), chaincode_id="registry_1:abc") as peer:
        assert peer.registered.type == Message.REGISTER
        assert chaincode_pb2.ChaincodeID.FromString(peer.registered.payload).name == "registry_1:abc"
        assert await peer.receives_nothing()


async def test_transactions_run_at_the_same_time_and_get_their_own_answers() -> None:
    async with ScriptedPeer(Scripted(read)) as peer:
        first = await peer.ask(b"a", tx_id="1")
        second = await peer.ask(b"b", tx_id="2")
        assert (key_of(first), key_of(second)) == ("a", "b")

        done_second = await peer.reply(second, b"B")
        done_first = await peer.reply(first, b"A")
        assert (done_second.txid, response(done_second).payload) == ("2", b"B")
        assert (done_first.txid, response(done_first).payload) == ("1", b"A")


async def test_one_transaction_id_on_two_channels_is_two_transactions() -> None:
    async with ScriptedPeer(Scripted(read)) as peer:
        peer.send(transaction("tx", b"a", channel="one"))
        peer.send(transaction("tx", b"b", channel="two"))
        one, two = await peer.receive(), await peer.receive()
        done_two = await peer.reply(two, b"B")
        done_one = await peer.reply(one, b"A")
        assert (done_one.channel_id, response(done_one).payload) == ("one", b"A")
        assert (done_two.channel_id, response(done_two).payload) == ("two", b"B")


async def test_one_message_is_written_at_a_time() -> None:
    async def chatty(stub: ChaincodeStub) -> Response:
        for number in range(5):
            await stub.put_state(f"{stub.tx_id}-{number}", b"x")
        return Response()

    async with ScriptedPeer(Scripted(chatty)) as peer:  # its writer fails when two messages are written at once
        for number in range(10):
            peer.send(transaction(str(number)))
        completed = set()
        while len(completed) < 10:
            message = await peer.receive()
            if message.type == Message.COMPLETED:
                completed.add(message.txid)
            else:
                peer.send(answer(message))


async def test_a_second_request_of_a_transaction_waits_for_the_first_answer() -> None:
    async def both(stub: ChaincodeStub) -> Response:
        values = await asyncio.gather(stub.get_state("a"), stub.get_state("b"), stub.get_state("c"))
        return Response(payload=b"".join(value or b"" for value in values))

    async with ScriptedPeer(Scripted(both)) as peer:
        request = await peer.ask()
        for key in ("a", "b", "c"):
            assert key_of(request) == key
            assert await peer.receives_nothing()
            request = await peer.reply(request, key.upper().encode())
        assert response(request).payload == b"ABC"


async def test_who_gives_up_waiting_does_not_leave_its_answer_to_the_next_request() -> None:
    asked = asyncio.Event()

    async def impatient(stub: ChaincodeStub) -> Response:
        first = asyncio.create_task(stub.get_state("slow"))
        await asked.wait()
        first.cancel()
        await asyncio.wait([first])
        return Response(payload=await stub.get_state("other") or b"")

    async with ScriptedPeer(Scripted(impatient)) as peer:
        slow = await peer.ask()
        asked.set()
        assert await peer.receives_nothing()  # the peer would drop a request that comes now
        other = await peer.reply(slow, b"the slow one's")
        assert key_of(other) == "other"
        assert response(await peer.reply(other, b"the other's")).payload == b"the other's"


async def test_a_transaction_completes_after_its_last_answer() -> None:
    async def careless(stub: ChaincodeStub) -> Response:
        task = asyncio.create_task(stub.put_state("late", b"x"))
        await settle()
        del task
        return Response()

    async with ScriptedPeer(Scripted(careless)) as peer:
        put = await peer.ask()
        assert put.type == Message.PUT_STATE
        assert await peer.receives_nothing()
        assert response(await peer.reply(put)).status == 200


async def test_nothing_is_asked_once_the_transaction_is_over() -> None:
    stubs = []

    async def keep(stub: ChaincodeStub) -> Response:
        stubs.append(stub)
        return Response()

    async with ScriptedPeer(Scripted(keep)) as peer:
        await peer.ask()
        with pytest.raises(ChaincodeError, match="the transaction is over"):
            await stubs[0].get_state("a")
        assert await peer.receives_nothing()


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("an exception that cannot be printed")


async def returns(value: object) -> object:
    return value


async def raises(error: BaseException) -> Response:
    raise error


@pytest.mark.parametrize(
    ("behaviour", "status", "message"),
    [
        (lambda stub: returns(Response(message="well")), 200, "well"),
        (lambda stub: returns(Response(404, "not there", b"payload")), 404, "not there"),
        (lambda stub: raises(ValueError("no such thing")), 500, "no such thing"),
        (lambda stub: raises(ValueError()), 500, "ValueError"),
        (lambda stub: raises(ContractError("NO", "it may not", "id", "7")), 500, "NO: it may not [id=7]"),
        (lambda stub: raises(asyncio.CancelledError()), 500, "CancelledError"),
        (lambda stub: raises(SystemExit(3)), 500, "SystemExit"),
        (lambda stub: raises(GeneratorExit()), 500, "GeneratorExit"),
        (lambda stub: raises(Unprintable()), 500, "Unprintable"),
        (lambda stub: raises(ValueError("half a \ud800 character")), 500, "half a ? character"),
        (lambda stub: returns(None), 500, "the chaincode returned no Response"),
        (lambda stub: returns(b"bytes"), 500, "the chaincode returned no Response"),
        (lambda stub: 5, 500, "object int can't be used in 'await' expression"),
        (lambda stub: returns(Response(payload="text")), 500, WRONG_TYPES),
        (lambda stub: returns(Response(message=b"x")), 500, WRONG_TYPES),
        (lambda stub: returns(Response(2**31)), 500, WRONG_TYPES),
        (lambda stub: returns(stub.set_event("Event", "text") or Response()), 500, WRONG_TYPES),
    ],
)
async def test_every_transaction_is_answered_once(behaviour: Any, status: int, message: str) -> None:
    async with ScriptedPeer(Scripted(behaviour)) as peer:
        for tx_id in ("1", "2"):
            completed = await peer.ask(tx_id=tx_id)
            assert completed.txid == tx_id
            assert (response(completed).status, response(completed).message) == (status, message)
            assert await peer.receives_nothing()
        assert not peer.running.done()


async def test_a_contract_that_cancels_itself_is_answered() -> None:
    async def cancels_itself(stub: ChaincodeStub) -> Response:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        return Response(payload=await stub.get_state("a") or b"")

    async with ScriptedPeer(Scripted(cancels_itself)) as peer:
        assert response(await peer.reply(await peer.ask(), b"A")).message == "CancelledError"


def test_an_interrupt_from_the_keyboard_ends_the_process_and_not_only_the_transaction() -> None:
    async def interrupted() -> None:
        async with ScriptedPeer(Scripted(lambda stub: raises(KeyboardInterrupt()))) as peer:
            await peer.ask()

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(interrupted())


@pytest.mark.parametrize(
    "message",
    [
        Message(type=Message.TRANSACTION, txid="tx", channel_id="channel", payload=b"\xff"),
        Message(type=Message.TRANSACTION, txid="tx", channel_id="channel", proposal={"proposal_bytes": b"\xff"}),
        Message(type=Message.INIT, txid="tx", channel_id="channel", payload=b"\xff"),
    ],
)
async def test_a_transaction_that_cannot_be_read_is_an_error_of_the_protocol(message: Message) -> None:
    async with ScriptedPeer(Scripted(nothing)) as peer:
        peer.send(message)
        error = await peer.receive()
        assert (error.type, error.txid, error.channel_id) == (Message.ERROR, "tx", "channel")
        assert b"could not be read" in error.payload
        assert response(await peer.ask()).status == 200


async def test_init_runs_init() -> None:
    async with ScriptedPeer(Scripted(nothing, lambda stub: returns(Response(message="initialised")))) as peer:
        peer.send(transaction("tx", kind=Message.INIT))
        assert response(await peer.receive()).message == "initialised"


async def test_an_error_from_the_peer_raises_in_the_contract() -> None:
    async with ScriptedPeer(Scripted(read)) as peer:
        request = await peer.ask(b"a")
        peer.send(answer(request, b"GET_STATE failed: \xff", Message.ERROR))
        completed = response(await peer.receive())
        assert (completed.status, completed.message) == (500, "GET_STATE failed: \ufffd")


async def test_an_error_from_the_peer_can_be_caught() -> None:
    async def careful(stub: ChaincodeStub) -> Response:
        with pytest.raises(PeerError, match="^no$"):
            await stub.get_state("a")
        return Response(payload=await stub.get_state("b") or b"")

    async with ScriptedPeer(Scripted(careful)) as peer:
        peer.send(answer(await peer.ask(), b"no", Message.ERROR))
        assert response(await peer.reply(await peer.receive(), b"B")).payload == b"B"


async def test_keepalive_is_answered_while_transactions_run() -> None:
    async with ScriptedPeer(Scripted(read)) as peer:
        request = await peer.ask(b"a")
        peer.send(Message(type=Message.KEEPALIVE))
        assert (await peer.receive()).type == Message.KEEPALIVE
        assert response(await peer.reply(request, b"A")).payload == b"A"


async def test_a_transaction_that_begins_while_it_runs_is_refused() -> None:
    async with ScriptedPeer(Scripted(read)) as peer:
        request = await peer.ask(b"a")
        again = await peer.ask(b"a")
        assert (again.type, again.payload) == (Message.ERROR, b"the transaction is running already")
        assert response(await peer.reply(request, b"A")).payload == b"A"
        assert await peer.receives_nothing()
        request = await peer.ask(b"a")  # after its end it may begin anew
        assert response(await peer.reply(request, b"A")).payload == b"A"


async def test_answers_that_nobody_waits_for_change_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with ScriptedPeer(Scripted(read)) as peer:
        peer.send(answer(transaction("unknown"), b"secret"))
        request = await peer.ask(b"a")
        peer.send(answer(request, b"A"))
        peer.send(answer(request, b"secret"))
        assert response(await peer.receive()).payload == b"A"
        assert response(await peer.reply(await peer.ask(b"a"), b"A2")).payload == b"A2"
    assert "secret" not in caplog.text
    assert caplog.text.count("an answer that nobody waits for") == 2


async def test_messages_of_other_types_change_nothing() -> None:
    async with ScriptedPeer(Scripted(nothing)) as peer:
        peer.send(Message(type=Message.GET_STATE, payload=b"?"))
        peer.send(Message(type=99))
        assert response(await peer.ask()).status == 200


async def test_a_success_carries_its_event_and_a_refusal_does_not() -> None:
    async def announce(stub: ChaincodeStub) -> Response:
        stub.set_event("First", b"1")
        stub.set_event("Second", b"2")
        if stub.args[0] == b"raise":
            raise ContractError("NO", "no")
        return Response(int(stub.args[0]))

    async with ScriptedPeer(Scripted(announce)) as peer:
        for number, (outcome, carried) in enumerate(
            {b"200": True, b"399": True, b"400": False, b"raise": False}.items()
        ):
            completed = await peer.ask(outcome, tx_id=str(number))
            assert completed.HasField("chaincode_event") is carried
            if carried:
                event = completed.chaincode_event
                assert (event.event_name, event.payload) == ("Second", b"2")


async def test_the_log_holds_no_values(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with ScriptedPeer(Scripted(lambda stub: raises(ValueError("a secret value")))) as peer:
        await peer.ask(b"a secret argument")
    assert "ValueError" in caplog.text
    assert "secret" not in caplog.text


async def test_a_request_that_no_message_holds_fails_its_transaction_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chaincode.shim.conversation.MAX_PAYLOAD", 1000)

    async def greedy(stub: ChaincodeStub) -> Response:
        await stub.put_state("a", bytes(int(stub.args[0])))
        return Response()

    async with ScriptedPeer(Scripted(greedy)) as peer:
        completed = response(await peer.ask(b"2000"))
        assert (completed.status, completed.message) == (500, "the request is larger than a message to the peer may be")
        assert response(await peer.reply(await peer.ask(b"500"))).status == 200


async def test_a_response_that_no_message_holds_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chaincode.shim.handler.MAX_PAYLOAD", 1000)
    async with ScriptedPeer(Scripted(lambda stub: returns(Response(payload=bytes(2000))))) as peer:
        completed = response(await peer.ask())
        assert (completed.status, completed.payload) == (500, b"")
        assert "larger than a message" in completed.message


READY = chaincode_pb2.ChaincodeAdditionalParams(use_write_batch=True).SerializeToString()


@pytest.mark.parametrize("outcome", [b"200", b"500", b"raise"])
async def test_what_is_left_of_a_batch_is_sent_before_the_answer_a_refusals_too(outcome: bytes) -> None:
    async def writes(stub: ChaincodeStub) -> Response:
        stub.start_write_batch()
        await stub.put_state("a", b"1")
        if outcome == b"raise":
            raise ContractError("NO", "no")
        return Response(int(outcome))

    async with ScriptedPeer(Scripted(writes), ready=READY) as peer:
        batch = await peer.ask()
        assert batch.type == Message.WRITE_BATCH_STATE
        (record,) = chaincode_shim_pb2.WriteBatchState.FromString(batch.payload).rec
        assert (record.key, record.value) == ("a", b"1")
        assert response(await peer.reply(batch)).status == (200 if outcome == b"200" else 500)


@pytest.mark.parametrize(("status", "message"), [(200, "PUT_STATE refused"), (404, "not there")])
async def test_a_batch_that_the_peer_refuses_refuses_the_transaction(status: int, message: str) -> None:
    async def writes(stub: ChaincodeStub) -> Response:
        stub.start_write_batch()
        await stub.put_state("a", b"1")
        stub.set_event("Event", b"")
        return Response(status, "not there")

    async with ScriptedPeer(Scripted(writes), ready=READY) as peer:
        peer.send(answer(await peer.ask(), b"PUT_STATE refused", Message.ERROR))
        completed = await peer.receive()
        assert (response(completed).status, response(completed).message) == (500 if status == 200 else status, message)
        assert not completed.HasField("chaincode_event")
