"""The chaincode's end of one stream.

The order is REGISTER → REGISTERED → READY, then transactions. Source: Fabric's `core/chaincode/handler.go` and
fabric-chaincode-go's `internal/handler.go`. Three rules keep a stream healthy:

- one writer: two tasks that write at once would lose a message;
- one request to the peer outstanding per transaction: the peer drops a second one without a word;
- every transaction is answered exactly once, whatever its chaincode does.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from fabric_protos.peer import chaincode_event_pb2, chaincode_pb2, proposal_response_pb2
from google.protobuf.message import DecodeError

from chaincode.shim.chaincode import ERROR, Chaincode, Response
from chaincode.shim.errors import ChaincodeError, PeerError, StreamLost
from chaincode.shim.stream import Message, Write
from chaincode.shim.stub import ChaincodeStub, PeerFeatures

logger = logging.getLogger(__name__)


class StreamHandler:
    """Runs a chaincode's transactions for one peer.

    Args:
        chaincode: what runs.
        chaincode_id: the name under which the peer knows it, its package id.
    """

    def __init__(self, chaincode: Chaincode, chaincode_id: str) -> None:
        self._chaincode = chaincode
        self._chaincode_id = chaincode_id
        self._features = PeerFeatures()
        self._transactions: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._answers: dict[tuple[str, str], asyncio.Future[Message]] = {}
        self._outgoing: asyncio.Queue[Message] = asyncio.Queue()

    async def run(self, messages: AsyncIterator[Message], write: Write) -> None:
        """Register with the peer and run its transactions until the stream ends.

        Args:
            messages: the peer's messages.
            write: sends one message; called by one task at a time.
        """
        name = chaincode_pb2.ChaincodeID(name=self._chaincode_id)
        self._send(Message(type=Message.REGISTER, payload=name.SerializeToString()))
        writer = asyncio.create_task(self._write_all(write))
        reader = asyncio.create_task(self._read_all(messages))
        try:
            done, _ = await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await self._end(reader, writer)

    async def _read_all(self, messages: AsyncIterator[Message]) -> None:
        async for message in messages:
            self._receive(message)

    async def _write_all(self, write: Write) -> None:
        while True:
            await write(await self._outgoing.get())

    async def _end(self, *tasks: asyncio.Task[None]) -> None:
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(StreamLost("the stream to the peer ended"))
        pending = [*tasks, *self._transactions.values()]
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)

    def _send(self, message: Message) -> None:
        self._outgoing.put_nowait(message)

    def _receive(self, message: Message) -> None:
        key = (message.channel_id, message.txid)
        if message.type in (Message.RESPONSE, Message.ERROR):
            answer = self._answers.get(key)
            if answer is None or answer.done():
                logger.warning("an answer that nobody waits for, transaction %s", message.txid)
            else:
                answer.set_result(message)
        elif message.type in (Message.TRANSACTION, Message.INIT):
            if key in self._transactions:
                logger.warning("transaction %s began twice", message.txid)
                return
            task = asyncio.create_task(self._transact(message))
            self._transactions[key] = task
            task.add_done_callback(lambda _: self._transactions.pop(key, None))
        elif message.type == Message.READY:
            self._features = PeerFeatures.from_ready(message.payload)
        elif message.type not in (Message.REGISTERED, Message.KEEPALIVE):
            logger.warning("a message of type %s is not for a chaincode", message.type)
        if message.type == Message.KEEPALIVE:
            self._send(message)

    async def _transact(self, message: Message) -> None:
        try:
            stub = ChaincodeStub(message, self._requester(message), self._features)
        except (DecodeError, ValueError):
            self._send(_reply(message, Message.ERROR, b"the transaction's input could not be read"))
            return
        run = self._chaincode.init if message.type == Message.INIT else self._chaincode.invoke
        response = await self._respond(run, stub)
        event = stub.event
        self._send(
            Message(
                type=Message.COMPLETED,
                payload=proposal_response_pb2.Response(
                    status=response.status, message=response.message, payload=response.payload
                ).SerializeToString(),
                chaincode_event=chaincode_event_pb2.ChaincodeEvent(event_name=event[0], payload=event[1])
                if event
                else None,
                txid=message.txid,
                channel_id=message.channel_id,
            )
        )

    async def _respond(self, run: Callable[[ChaincodeStub], Awaitable[Response]], stub: ChaincodeStub) -> Response:
        try:
            response = await run(stub)
            if response.status < ERROR:
                await stub.flush()
        except ChaincodeError as error:
            return Response(ERROR, str(error))
        except Exception as error:  # noqa: BLE001 - the port at which any failure of a contract becomes an answer
            # Only the class is logged: texts hold values.
            logger.info("transaction %s failed: %s", stub.tx_id, type(error).__name__)
            return Response(ERROR, str(error) or type(error).__name__)
        return response

    def _requester(self, transaction: Message) -> Callable[[Message.Type.ValueType, bytes], Awaitable[bytes]]:
        key = (transaction.channel_id, transaction.txid)
        turn = asyncio.Lock()

        async def request(kind: Message.Type.ValueType, payload: bytes) -> bytes:
            async with turn:
                answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
                self._answers[key] = answer
                try:
                    self._send(Message(type=kind, payload=payload, txid=key[1], channel_id=key[0]))
                    message = await answer
                finally:
                    del self._answers[key]
            if message.type == Message.ERROR:
                raise PeerError(message.payload.decode(errors="replace"))
            return message.payload

        return request


def _reply(message: Message, kind: Message.Type.ValueType, payload: bytes) -> Message:
    return Message(type=kind, payload=payload, txid=message.txid, channel_id=message.channel_id)
