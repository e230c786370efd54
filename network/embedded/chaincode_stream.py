"""The peer's end of one chaincode stream.

Source: Fabric's `core/chaincode/handler.go`. The chaincode registers, is told READY, and runs transactions; what it
asks for is answered from the transaction's simulation.

A chaincode can be rude. A second request of a transaction whose first is not answered is dropped; what it is sent
waits in a queue of limited length, and while that is full nothing more is read from it; a message that does not belong
ends the stream.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from fabric_protos.peer import chaincode_pb2, chaincode_shim_pb2
from google.protobuf.message import DecodeError

from chaincode.ledger.transaction_context import HANDLERS, TransactionContext, failure

logger = logging.getLogger(__name__)

Message = chaincode_shim_pb2.ChaincodeMessage
Key = tuple[str, str]  # channel and transaction id

STREAM_TERMINATED = "chaincode stream terminated"  # `ErrorStreamTerminated`
TIMED_OUT = "timeout expired while executing transaction"  # `ErrorExecutionTimeout`
NO_CONTEXT = "no ledger context"
NO_TRANSACTION = "could not get valid transaction"
MAX_OUTGOING = 1000  # messages that wait to be sent to one chaincode

# What a peer of v3.1 can do: `ledger.state` of its sample core.yaml.
READY = chaincode_pb2.ChaincodeAdditionalParams(
    use_write_batch=True,
    max_size_write_batch=1000,
    use_get_multiple_keys=True,
    max_size_get_multiple_keys=1000,
).SerializeToString()


class ExecutionError(Exception):
    """A chaincode did not run, or did not answer as the protocol wants it; the text is Fabric's."""


Call = Callable[[bytes], Awaitable[bytes]]


@dataclass
class _Running:
    context: TransactionContext
    call: Call
    answer: asyncio.Future[Message]
    calls: set[asyncio.Task[None]] = field(default_factory=set)

    def fail(self, why: str) -> None:
        """Let whoever waits for the answer wait no more."""
        if not self.answer.done():
            self.answer.set_exception(ExecutionError(why))


class ChaincodeStream:
    """One chaincode that dialled or was dialled, until its stream ends.

    Args:
        write: sends a message to it.
    """

    def __init__(self, write: Callable[[Message], Awaitable[None]]) -> None:
        self._write = write
        self._outgoing: asyncio.Queue[Message] = asyncio.Queue(MAX_OUTGOING)
        self._running: dict[Key, _Running] = {}
        self._asked: set[Key] = set()
        self._is_registered = False
        self._has_dropped = False
        self._ended = False

    async def run(self, messages: AsyncIterator[Message], registered: Callable[[str, "ChaincodeStream"], bool]) -> None:
        """Serve the stream until it ends.

        Args:
            messages: what the chaincode sends.
            registered: told the name that it registers under; false refuses it.
        """
        reader = asyncio.create_task(self._read_all(messages, registered))
        writer = asyncio.create_task(self._write_all())
        try:
            await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._ended = True
            for running in self._running.values():
                running.fail(STREAM_TERMINATED)
            reader.cancel()
            writer.cancel()
            for error in await asyncio.gather(reader, writer, return_exceptions=True):
                if isinstance(error, Exception):
                    logger.warning("a chaincode's stream broke: %s", error)

    async def execute(self, context: TransactionContext, message: Message, call: Call, timeout: float) -> Message:
        """Run a transaction.

        Args:
            message: TRANSACTION or INIT.
            call: runs another chaincode as part of the transaction, given a ChaincodeSpec; gives a ChaincodeMessage.
                Raises ExecutionError.
            timeout: seconds that it may take.

        Returns:
            COMPLETED or ERROR.

        Raises:
            ExecutionError: the stream ended, or the time is over.
        """
        key = (context.channel, context.tx_id)
        if key in self._running:
            raise ExecutionError(f"txid: {context.tx_id}({context.channel}) exists")
        if self._ended:
            raise ExecutionError(STREAM_TERMINATED)
        loop = asyncio.get_running_loop()
        running = _Running(context, call, loop.create_future())
        self._running[key] = running
        timer = loop.call_later(timeout, running.fail, TIMED_OUT)
        try:
            await self._send(message, running.answer)
            return await running.answer
        finally:
            timer.cancel()
            del self._running[key]
            for task in running.calls:
                task.cancel()

    async def _send(self, message: Message, answer: asyncio.Future[Message]) -> None:
        """Send a message when there is room for it, or not at all when the stream ends before."""
        if not self._outgoing.full():
            self._outgoing.put_nowait(message)
            return
        sending = asyncio.create_task(self._outgoing.put(message))
        either: set[asyncio.Future[Any]] = {sending, answer}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sending.cancel()

    async def _read_all(
        self, messages: AsyncIterator[Message], registered: Callable[[str, "ChaincodeStream"], bool]
    ) -> None:
        async for message in messages:
            if message.type == Message.KEEPALIVE:
                continue
            if self._is_registered:
                if not await self._receive(message):
                    return
            elif not await self._register(message, registered):
                return

    async def _write_all(self) -> None:
        while True:
            message = await self._outgoing.get()
            # Whoever is answered may ask again, perhaps before this task knows that the message has gone.
            self._asked.discard((message.channel_id, message.txid))
            await self._write(message)

    async def _register(self, message: Message, registered: Callable[[str, "ChaincodeStream"], bool]) -> bool:
        if message.type != Message.REGISTER:
            logger.warning("a chaincode sent a %s before it registered", _type_name(message))
            return False
        try:
            name = chaincode_pb2.ChaincodeID.FromString(message.payload).name
        except DecodeError:
            return True
        if not registered(name, self):
            logger.warning("a chaincode registered under a name that is not its own")
            return False
        self._is_registered = True
        await self._outgoing.put(Message(type=Message.REGISTERED))
        await self._outgoing.put(Message(type=Message.READY, payload=READY))
        return True

    async def _receive(self, message: Message) -> bool:
        key = (message.channel_id, message.txid)
        running = self._running.get(key)
        if message.type in (Message.COMPLETED, Message.ERROR):
            if running and not running.answer.done():
                running.answer.set_result(message)
            return True
        if message.type not in HANDLERS and message.type != Message.INVOKE_CHAINCODE:
            logger.warning("a chaincode sent a %s, which does not belong; its stream ends", _type_name(message))
            return False
        if key in self._asked:
            if not self._has_dropped:  # once, for it may send any number of them
                logger.warning("another request of transaction %s is pending: this one is dropped", message.txid)
            self._has_dropped = True
            return True
        self._asked.add(key)
        if running is None or running.answer.done():
            # The transaction is over, by timeout or because the chaincode has answered already.
            text = NO_TRANSACTION if message.type == Message.INVOKE_CHAINCODE else NO_CONTEXT
            await self._outgoing.put(_failed(message, text))
        elif message.type == Message.INVOKE_CHAINCODE:
            task = asyncio.create_task(self._call(running, message))
            running.calls.add(task)
            task.add_done_callback(running.calls.discard)
        else:
            await self._outgoing.put(running.context.handle(message))
        return True

    async def _call(self, running: _Running, message: Message) -> None:
        try:
            payload = await running.call(message.payload)
        except ExecutionError as error:
            await self._outgoing.put(_failed(message, str(error)))
        except asyncio.CancelledError:
            # The transaction's time is over, and so is that of what it called.
            with suppress(asyncio.QueueFull):
                self._outgoing.put_nowait(_failed(message, f"execute failed: error sending: {TIMED_OUT}"))
            raise
        else:
            answer = Message(type=Message.RESPONSE, payload=payload, txid=message.txid, channel_id=message.channel_id)
            await self._outgoing.put(answer)


def _failed(message: Message, text: str) -> Message:
    payload = failure(message.type, message.txid, text)
    return Message(type=Message.ERROR, payload=payload, txid=message.txid, channel_id=message.channel_id)


def _type_name(message: Message) -> str:
    names = {number: name for name, number in Message.Type.items()}
    return names.get(message.type, str(message.type))
