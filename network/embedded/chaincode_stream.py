"""The peer's end of one chaincode stream.

Source: Fabric's `core/chaincode/handler.go`. The chaincode registers, is told READY, and runs transactions; what it
asks for is answered from the transaction's simulation.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from fabric_protos.peer import chaincode_pb2, chaincode_shim_pb2, proposal_pb2, proposal_response_pb2
from google.protobuf.message import DecodeError

from chaincode.ledger.transaction_context import TransactionContext

logger = logging.getLogger(__name__)

Message = chaincode_shim_pb2.ChaincodeMessage

STREAM_TERMINATED = "chaincode stream terminated"  # `ErrorStreamTerminated`, core/chaincode/chaincode_support.go
TIMED_OUT = "timeout expired while executing transaction"

# What a peer of v3.1 can do: `ledger.state` of its sample core.yaml.
READY = chaincode_pb2.ChaincodeAdditionalParams(
    use_write_batch=True,
    max_size_write_batch=1000,
    use_get_multiple_keys=True,
    max_size_get_multiple_keys=1000,
).SerializeToString()


class ExecutionError(Exception):
    """The chaincode did not answer as the protocol wants it; the text is Fabric's."""


@dataclass(frozen=True)
class Completed:
    """A transaction's answer."""

    response: proposal_response_pb2.Response
    event_name: str
    event_payload: bytes


Invoke = Callable[[TransactionContext, Message], Awaitable[Message]]


class ChaincodeStream:
    """One registered chaincode, until its stream ends.

    Args:
        write: sends a message to it.
        invoke: runs another chaincode as part of a transaction.
    """

    def __init__(self, write: Callable[[Message], Awaitable[None]], invoke: Invoke) -> None:
        self._write = write
        self._invoke = invoke
        self._outgoing: asyncio.Queue[Message] = asyncio.Queue()
        self._contexts: dict[tuple[str, str], TransactionContext] = {}
        self._answers: dict[tuple[str, str], asyncio.Future[Completed]] = {}
        self._calls: set[asyncio.Task[None]] = set()

    async def run(self, messages: AsyncIterator[Message], registered: Callable[[str, "ChaincodeStream"], bool]) -> None:
        """Serve the stream until it ends.

        Args:
            messages: what the chaincode sends.
            registered: told the name that it registers under; false refuses it.
        """
        writer = asyncio.create_task(self._write_all())
        try:
            async for message in messages:
                if message.type == Message.REGISTER:
                    name = chaincode_pb2.ChaincodeID.FromString(message.payload).name
                    if not registered(name, self):
                        logger.warning("a chaincode registered under a name that is not its own")
                        return
                    self._outgoing.put_nowait(Message(type=Message.REGISTERED))
                    self._outgoing.put_nowait(Message(type=Message.READY, payload=READY))
                else:
                    self._receive(message)
        except DecodeError:
            logger.warning("a chaincode sent what is no message")
        finally:
            for task in (writer, *self._calls):
                task.cancel()
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(ExecutionError(STREAM_TERMINATED))

    async def execute(
        self,
        context: TransactionContext,
        chaincode_input: bytes,
        proposal: proposal_pb2.SignedProposal,
        *,
        is_init: bool,
        timeout: float,
    ) -> Completed:
        """Run a transaction.

        Raises:
            ExecutionError: the stream ended, the time is over, or the chaincode answered ERROR.
        """
        key = (context.channel, context.tx_id)
        if key in self._contexts:
            raise ExecutionError(f"txid: {context.tx_id}({context.channel}) exists")
        answer: asyncio.Future[Completed] = asyncio.get_running_loop().create_future()
        self._contexts[key], self._answers[key] = context, answer
        message = Message(
            type=Message.INIT if is_init else Message.TRANSACTION,
            payload=chaincode_input,
            txid=context.tx_id,
            channel_id=context.channel,
            proposal=proposal,
        )
        try:
            self._outgoing.put_nowait(message)
            async with asyncio.timeout(timeout):
                return await answer
        except TimeoutError as error:
            raise ExecutionError(TIMED_OUT) from error
        finally:
            del self._contexts[key], self._answers[key]

    async def _write_all(self) -> None:
        while True:
            await self._write(await self._outgoing.get())

    def _receive(self, message: Message) -> None:
        key = (message.channel_id, message.txid)
        context = self._contexts.get(key)
        if message.type == Message.KEEPALIVE:
            return
        if context is None:
            # The transaction is over, by timeout or because the chaincode has answered already.
            if message.type not in (Message.COMPLETED, Message.ERROR):
                text = f"no ledger context: transaction ID: {message.txid}"
                answer = Message(type=Message.ERROR, payload=text.encode(), txid=key[1], channel_id=key[0])
                self._outgoing.put_nowait(answer)
        elif message.type == Message.COMPLETED:
            self._complete(key, message)
        elif message.type == Message.ERROR:
            self._fail(key, message.payload.decode(errors="replace"))
        elif message.type == Message.INVOKE_CHAINCODE:
            task = asyncio.create_task(self._call(context, message))
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)
        else:
            self._outgoing.put_nowait(context.handle(message))

    async def _call(self, context: TransactionContext, message: Message) -> None:
        self._outgoing.put_nowait(await self._invoke(context, message))

    def _complete(self, key: tuple[str, str], message: Message) -> None:
        answer = self._answers[key]
        try:
            response = proposal_response_pb2.Response.FromString(message.payload)
        except DecodeError:
            self._fail(key, "the chaincode's response could not be read")
            return
        if not answer.done():
            event = message.chaincode_event
            answer.set_result(Completed(response, event.event_name, event.payload))

    def _fail(self, key: tuple[str, str], text: str) -> None:
        if not self._answers[key].done():
            self._answers[key].set_exception(ExecutionError(f"transaction returned with failure: {text}"))
