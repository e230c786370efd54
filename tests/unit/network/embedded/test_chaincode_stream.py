"""The peer's end of a chaincode stream: registering, transactions side by side, and chaincode that is rude."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from fabric_protos.peer import chaincode_pb2, chaincode_shim_pb2

from chaincode.ledger.memory_state import MemoryState
from chaincode.ledger.mvcc import Updates
from chaincode.ledger.simulator import Simulator
from chaincode.ledger.state import Version, VersionedValue
from chaincode.ledger.transaction_context import TransactionContext
from network.embedded.chaincode_stream import (
    MAX_OUTGOING,
    STREAM_TERMINATED,
    TIMED_OUT,
    ChaincodeStream,
    ExecutionError,
    Message,
)

NAME = "counter_1:abc"
CHANNEL = "certificates"
DEADLINE = 30.0


async def nothing_to_call(payload: bytes) -> bytes:
    raise AssertionError("nothing is called here")


class Chaincode:
    """The chaincode's end, and the peer's running beside it."""

    def __init__(self, *, accepts: bool = True) -> None:
        self._to_peer: asyncio.Queue[Message | BaseException | None] = asyncio.Queue()
        self.sent: asyncio.Queue[Message] = asyncio.Queue()
        self.names: list[str] = []
        self.failing: Exception | None = None
        self._gate = asyncio.Event()
        self._gate.set()
        self._accepts = accepts
        self.stream = ChaincodeStream(self._written)
        self.running = asyncio.create_task(self.stream.run(self._messages(), self._registered))

    async def _messages(self) -> AsyncIterator[Message]:
        while (message := await self._to_peer.get()) is not None:
            if isinstance(message, BaseException):
                raise message
            yield message

    async def _written(self, message: Message) -> None:
        await self._gate.wait()
        if self.failing:
            raise self.failing
        self.sent.put_nowait(message)

    def _registered(self, name: str, stream: ChaincodeStream) -> bool:
        assert stream is self.stream
        self.names.append(name)
        return self._accepts

    def say(self, kind: "Message.Type.ValueType", payload: bytes = b"", tx_id: str = "tx") -> None:
        self._to_peer.put_nowait(Message(type=kind, payload=payload, txid=tx_id, channel_id=CHANNEL))

    def fail(self, error: BaseException) -> None:
        self._to_peer.put_nowait(error)

    def end(self) -> None:
        self._to_peer.put_nowait(None)

    def stop_reading(self) -> None:
        self._gate.clear()

    def read_again(self) -> None:
        self._gate.set()

    async def hear(self) -> Message:
        async with asyncio.timeout(DEADLINE):
            return await self.sent.get()

    async def over(self) -> None:
        async with asyncio.timeout(DEADLINE):
            await self.running

    async def register(self) -> None:
        self.say(Message.REGISTER, chaincode_pb2.ChaincodeID(name=NAME).SerializeToString())
        assert (await self.hear()).type == Message.REGISTERED
        assert (await self.hear()).type == Message.READY

    def execute(
        self,
        tx_id: str = "tx",
        call: Callable[[bytes], Awaitable[bytes]] = nothing_to_call,
        timeout: float = DEADLINE,
        kind: "Message.Type.ValueType" = Message.TRANSACTION,
    ) -> asyncio.Task[Message]:
        context = TransactionContext(CHANNEL, tx_id, "counter", Simulator(state()))
        message = Message(type=kind, payload=b"input", txid=tx_id, channel_id=CHANNEL)
        return asyncio.create_task(self.stream.execute(context, message, call, timeout))


def state() -> MemoryState:
    found, updates = MemoryState(), Updates()
    updates.public["counter", "key"] = VersionedValue(b"value", Version(1, 0))
    found.apply(updates)
    return found


def get(key: str) -> bytes:
    return chaincode_shim_pb2.GetState(key=key).SerializeToString()


@pytest.fixture
async def chaincode() -> AsyncIterator[Chaincode]:
    chaincode = Chaincode()
    await chaincode.register()
    yield chaincode
    chaincode.end()
    await chaincode.over()


async def test_a_chaincode_is_told_that_it_is_registered_and_what_the_peer_can_do() -> None:
    chaincode = Chaincode()
    chaincode.say(Message.REGISTER, chaincode_pb2.ChaincodeID(name=NAME).SerializeToString())
    assert (await chaincode.hear()).type == Message.REGISTERED
    ready = await chaincode.hear()
    assert ready.type == Message.READY
    told = chaincode_pb2.ChaincodeAdditionalParams.FromString(ready.payload)
    assert (told.use_write_batch, told.use_get_multiple_keys) == (True, True)
    assert (told.max_size_write_batch, told.max_size_get_multiple_keys) == (1000, 1000)
    assert chaincode.names == [NAME]
    chaincode.end()
    await chaincode.over()


async def test_a_chaincode_under_a_name_that_is_not_its_own_is_refused() -> None:
    chaincode = Chaincode(accepts=False)
    chaincode.say(Message.REGISTER, chaincode_pb2.ChaincodeID(name="another").SerializeToString())
    await chaincode.over()
    assert chaincode.sent.empty()


async def test_a_transaction_is_run_and_its_requests_are_answered_from_its_simulation(chaincode: Chaincode) -> None:
    done = chaincode.execute()
    given = await chaincode.hear()
    assert (given.type, given.payload, given.txid, given.channel_id) == (Message.TRANSACTION, b"input", "tx", CHANNEL)
    for key, value in (("key", b"value"), ("absent", b"")):
        chaincode.say(Message.GET_STATE, get(key))
        answer = await chaincode.hear()
        assert (answer.type, answer.payload, answer.txid, answer.channel_id) == (Message.RESPONSE, value, "tx", CHANNEL)
    chaincode.say(Message.COMPLETED, b"done")
    assert (await done).payload == b"done"


async def test_an_error_of_the_chaincode_is_what_the_transaction_comes_to(chaincode: Chaincode) -> None:
    done = chaincode.execute(kind=Message.INIT)
    assert (await chaincode.hear()).type == Message.INIT
    chaincode.say(Message.ERROR, b"no")
    answer = await done
    assert (answer.type, answer.payload) == (Message.ERROR, b"no")


async def test_transactions_run_side_by_side_and_are_told_apart(chaincode: Chaincode) -> None:
    one, other = chaincode.execute("one"), chaincode.execute("other")
    assert {(await chaincode.hear()).txid for _ in range(2)} == {"one", "other"}
    chaincode.say(Message.GET_STATE, get("key"), tx_id="other")
    assert (await chaincode.hear()).txid == "other"
    chaincode.say(Message.COMPLETED, b"2", tx_id="other")
    chaincode.say(Message.COMPLETED, b"1", tx_id="one")
    assert ((await one).payload, (await other).payload) == (b"1", b"2")


async def test_a_transaction_runs_once_at_a_time(chaincode: Chaincode) -> None:
    done = chaincode.execute()
    await chaincode.hear()
    with pytest.raises(ExecutionError, match=r"txid: tx\(certificates\) exists"):
        await chaincode.execute()
    chaincode.say(Message.COMPLETED)
    await done
    again = chaincode.execute()
    await chaincode.hear()
    chaincode.say(Message.COMPLETED)
    await again


async def test_a_second_request_while_one_is_pending_is_dropped(chaincode: Chaincode) -> None:
    asked, release = asyncio.Event(), asyncio.Event()

    async def call(payload: bytes) -> bytes:
        asked.set()
        await release.wait()
        return b"called"

    done = chaincode.execute(call=call)
    await chaincode.hear()
    chaincode.say(Message.INVOKE_CHAINCODE)
    chaincode.say(Message.GET_STATE, get("key"))
    chaincode.say(Message.KEEPALIVE)
    await asked.wait()
    release.set()
    assert (await chaincode.hear()).payload == b"called"
    chaincode.say(Message.GET_STATE, get("key"))
    assert (await chaincode.hear()).payload == b"value"
    chaincode.say(Message.COMPLETED)
    await done
    assert chaincode.sent.empty()


async def test_a_request_of_no_transaction_is_told_so(chaincode: Chaincode) -> None:
    for kind, text in (
        (Message.GET_STATE, "GET_STATE failed: transaction ID: gone: no ledger context"),
        (Message.INVOKE_CHAINCODE, "INVOKE_CHAINCODE failed: transaction ID: gone: could not get valid transaction"),
    ):
        chaincode.say(kind, get("key"), tx_id="gone")
        answer = await chaincode.hear()
        assert (answer.type, answer.payload.decode(), answer.txid) == (Message.ERROR, text, "gone")
    chaincode.say(Message.COMPLETED, tx_id="gone")  # which nobody waits for
    done = chaincode.execute()
    await chaincode.hear()
    chaincode.say(Message.COMPLETED)
    await done


async def test_a_request_that_cannot_be_read_is_an_error_of_that_request_alone(chaincode: Chaincode) -> None:
    done = chaincode.execute()
    await chaincode.hear()
    chaincode.say(Message.GET_STATE, b"\xff")
    answer = await chaincode.hear()
    assert answer.type == Message.ERROR
    assert b"GET_STATE failed: transaction ID: tx: unmarshal failed" in answer.payload
    chaincode.say(Message.GET_STATE, get("key"))
    assert (await chaincode.hear()).payload == b"value"
    chaincode.say(Message.COMPLETED)
    await done


async def test_when_the_time_is_over_the_transaction_is_and_what_comes_later_is_not_heard(chaincode: Chaincode) -> None:
    with pytest.raises(ExecutionError, match=TIMED_OUT):
        await chaincode.execute(timeout=0.01)
    assert (await chaincode.hear()).type == Message.TRANSACTION
    chaincode.say(Message.GET_STATE, get("key"))
    assert b"no ledger context" in (await chaincode.hear()).payload
    chaincode.say(Message.COMPLETED, b"too late")
    done = chaincode.execute()
    await chaincode.hear()
    chaincode.say(Message.COMPLETED, b"in time")
    assert (await done).payload == b"in time"


async def test_another_chaincode_is_called_and_its_failure_is_answered(chaincode: Chaincode) -> None:
    async def call(payload: bytes) -> bytes:
        if payload == b"bad":
            raise ExecutionError("execute failed: chaincode bad not found")
        return b"called " + payload

    done = chaincode.execute(call=call)
    await chaincode.hear()
    chaincode.say(Message.INVOKE_CHAINCODE, b"good")
    answer = await chaincode.hear()
    assert (answer.type, answer.payload) == (Message.RESPONSE, b"called good")
    chaincode.say(Message.INVOKE_CHAINCODE, b"bad")
    answer = await chaincode.hear()
    assert answer.type == Message.ERROR
    assert answer.payload == b"INVOKE_CHAINCODE failed: transaction ID: tx: execute failed: chaincode bad not found"
    chaincode.say(Message.COMPLETED)
    await done


async def test_a_call_ends_with_the_transaction_that_made_it(chaincode: Chaincode) -> None:
    called, cancelled = asyncio.Event(), asyncio.Event()

    async def call(payload: bytes) -> bytes:
        called.set()
        try:
            return await asyncio.get_running_loop().create_future()
        finally:
            cancelled.set()

    done = chaincode.execute(call=call)
    await chaincode.hear()
    chaincode.say(Message.INVOKE_CHAINCODE)
    await called.wait()
    chaincode.say(Message.COMPLETED, b"without waiting")
    assert (await done).payload == b"without waiting"
    async with asyncio.timeout(DEADLINE):
        await cancelled.wait()


@pytest.mark.parametrize("how", ["ends", "breaks", "cannot be written to", "sends what does not belong"])
async def test_transactions_end_with_their_stream(how: str) -> None:
    chaincode = Chaincode()
    await chaincode.register()
    done = [chaincode.execute(f"tx{number}") for number in range(3)]
    for _ in done:
        await chaincode.hear()
    if how == "ends":
        chaincode.end()
    elif how == "breaks":
        chaincode.fail(RuntimeError("connection reset"))
    elif how == "sends what does not belong":
        chaincode.say(Message.REGISTERED)
    else:
        chaincode.failing = RuntimeError("broken pipe")
        chaincode.say(Message.GET_STATE, get("key"), tx_id="tx0")
    for one in done:
        with pytest.raises(ExecutionError, match=STREAM_TERMINATED):
            await one
    await chaincode.over()
    with pytest.raises(ExecutionError, match=STREAM_TERMINATED):
        await chaincode.execute("later")


async def test_who_gives_up_a_stream_leaves_no_transaction_waiting() -> None:
    chaincode = Chaincode()
    await chaincode.register()
    done = chaincode.execute()
    await chaincode.hear()
    chaincode.running.cancel()
    with pytest.raises(ExecutionError, match=STREAM_TERMINATED):
        await done


@pytest.mark.parametrize("kind", [Message.COMPLETED, Message.GET_STATE, Message.READY, 99])
async def test_who_has_not_registered_is_not_heard(kind: "Message.Type.ValueType") -> None:
    chaincode = Chaincode()
    chaincode.say(kind)
    await chaincode.over()
    assert chaincode.sent.empty()
    assert chaincode.names == []


async def test_a_registration_that_cannot_be_read_is_passed_over() -> None:
    chaincode = Chaincode()
    chaincode.say(Message.KEEPALIVE)
    chaincode.say(Message.REGISTER, b"\xff")
    await chaincode.register()
    chaincode.end()
    await chaincode.over()


async def test_a_chaincode_that_does_not_read_costs_no_more_than_its_queue() -> None:
    chaincode = Chaincode()
    await chaincode.register()
    chaincode.stop_reading()
    for number in range(3 * MAX_OUTGOING):
        chaincode.say(Message.GET_STATE, get("key"), tx_id=f"none{number}")
    with pytest.raises(ExecutionError, match=TIMED_OUT):
        await chaincode.execute(timeout=0.01)
    assert chaincode._to_peer.qsize() > MAX_OUTGOING
    chaincode.read_again()
    heard = [await chaincode.hear() for _ in range(3 * MAX_OUTGOING)]
    answered = [message.txid for message in heard if message.type == Message.ERROR]
    assert answered == [f"none{number}" for number in range(len(answered))]
    assert len(answered) >= 3 * MAX_OUTGOING - 1
    chaincode.end()
    await chaincode.over()
