"""The chaincode's end of one stream.

The order is REGISTER → REGISTERED → READY, then transactions. Source: Fabric's `core/chaincode/handler.go` and
fabric-chaincode-go's `internal/handler.go`. Three rules keep a stream healthy:

- one writer: two tasks that write at once would lose a message;
- one request to the peer outstanding per transaction: the peer drops a second one without a word;
- every transaction is answered exactly once, whatever its chaincode does.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable

from fabric_protos.peer import chaincode_event_pb2, chaincode_pb2, proposal_response_pb2
from google.protobuf.message import DecodeError

from chaincode.shim.chaincode import ERROR, ERROR_THRESHOLD, Chaincode, Response
from chaincode.shim.conversation import Conversation
from chaincode.shim.errors import ChaincodeError, StreamLost
from chaincode.shim.requests import PeerFeatures
from chaincode.shim.stream import MAX_PAYLOAD, Message, Write
from chaincode.shim.stub import ChaincodeStub

logger = logging.getLogger(__name__)

GRACE = 1.0  # seconds that transactions have to end when their stream has


class StreamHandler:
    """Runs a chaincode's transactions for one peer, over one stream.

    Args:
        chaincode: what runs.
        chaincode_id: the name under which the peer knows it, its package id.
    """

    def __init__(self, chaincode: Chaincode, chaincode_id: str) -> None:
        self._chaincode = chaincode
        self._chaincode_id = chaincode_id
        self._features = PeerFeatures()
        self._conversations: dict[tuple[str, str], Conversation] = {}
        self._transactions: dict[asyncio.Task[None], Conversation] = {}
        self._outgoing: deque[Message] = deque()
        self._more = asyncio.Event()
        self._lost = False

    async def run(self, messages: AsyncIterator[Message], write: Write) -> None:
        """Register with the peer and run its transactions until the stream ends.

        Args:
            messages: the peer's messages.
            write: sends one message; called by one task at a time.

        Raises:
            StreamLost: a message could not be sent.
            Exception: what reading raised.
        """
        name = chaincode_pb2.ChaincodeID(name=self._chaincode_id)
        self._send(Message(type=Message.REGISTER, payload=name.SerializeToString()))
        reader = asyncio.create_task(self._read_all(messages))
        writer = asyncio.create_task(self._write_all(write))
        try:
            await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
            (reader if reader.done() else writer).result()
        finally:
            await self._end(reader, writer)

    async def _read_all(self, messages: AsyncIterator[Message]) -> None:
        async for message in messages:
            self._receive(message)

    async def _write_all(self, write: Write) -> None:
        try:
            while True:
                while self._outgoing:
                    await write(self._outgoing.popleft())
                self._more.clear()
                await self._more.wait()
        except Exception as error:
            raise StreamLost(f"the peer takes no more messages ({type(error).__name__})") from error

    async def _end(self, *streams: asyncio.Task[None]) -> None:
        """End what runs. Who waits for the peer gets StreamLost and has a moment; who waits for something else has
        nobody left to answer, and is cancelled."""
        self._lost = True
        for task, conversation in self._transactions.items():
            if not conversation.is_waiting:
                task.cancel()
            conversation.lose()
        for task in streams:
            task.cancel()
        await asyncio.gather(*streams, return_exceptions=True)
        if self._transactions:
            await asyncio.wait(self._transactions, timeout=GRACE)
        if self._transactions:
            for task in self._transactions:
                task.cancel()
            await asyncio.wait(self._transactions, timeout=GRACE)
        for conversation in self._transactions.values():
            logger.warning("transaction %s does not end, though its stream has", conversation.tx_id)

    def _send(self, message: Message) -> None:
        self._outgoing.append(message)
        self._more.set()

    def _receive(self, message: Message) -> None:
        if message.type in (Message.RESPONSE, Message.ERROR):
            conversation = self._conversations.get((message.channel_id, message.txid))
            if conversation is None or not conversation.answer(message):
                logger.warning("an answer that nobody waits for, transaction %s", message.txid)
        elif message.type in (Message.TRANSACTION, Message.INIT):
            self._begin(message)
        elif message.type == Message.READY:
            self._features = PeerFeatures.from_ready(message.payload)
        elif message.type == Message.KEEPALIVE:
            self._send(message)
        elif message.type != Message.REGISTERED:
            logger.warning("a message of type %s is not for a chaincode", message.type)

    def _begin(self, message: Message) -> None:
        key = (message.channel_id, message.txid)
        if key in self._conversations:
            # A peer that has given up on a transaction may begin it anew. Both would take each other's answers.
            logger.warning("transaction %s began while it runs", message.txid)
            self._send(_error(message, "the transaction is running already"))
            return
        conversation = self._conversations[key] = Conversation(message, self._send)
        task = asyncio.create_task(self._transact(message, conversation))
        self._transactions[task] = conversation
        task.add_done_callback(self._transactions.pop)

    async def _transact(self, message: Message, conversation: Conversation) -> None:
        try:
            try:
                stub = ChaincodeStub(message, conversation.request, self._features)
            except (DecodeError, ValueError):
                answer = _error(message, "the transaction's input could not be read")
            else:
                run = self._chaincode.init if message.type == Message.INIT else self._chaincode.invoke
                answer = _completed(message, await self._respond(run, stub), stub.event)
                await conversation.finish()
        finally:
            del self._conversations[message.channel_id, message.txid]
        self._send(answer)

    async def _respond(self, run: Callable[[ChaincodeStub], Awaitable[Response]], stub: ChaincodeStub) -> Response:
        try:
            response = await run(stub)
            if not isinstance(response, Response):
                raise TypeError("the chaincode returned no Response")
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if self._lost and isinstance(error, asyncio.CancelledError):
                raise
            response = _failure(stub.tx_id, error)
        try:
            # A refusal's writes are sent as well: they would have been without a batch, and one chaincode that calls
            # another may go on after a refusal. Peers that take batches and peers that do not must endorse the same.
            await stub.flush()
        except ChaincodeError as error:
            if response.status < ERROR_THRESHOLD:
                return _failure(stub.tx_id, error)
        return response


def _failure(tx_id: str, error: BaseException) -> Response:
    """The port at which any failure of a contract becomes an answer."""
    name = type(error).__name__
    if not isinstance(error, ChaincodeError):
        # Only the class is logged: texts hold values.
        logger.info("transaction %s failed: %s", tx_id, name)
    try:
        text = str(error) if isinstance(error, Exception) else name
    except Exception:  # noqa: BLE001 - an exception's own text may be what fails
        text = name
    return Response(ERROR, text or name)


def _completed(message: Message, response: Response, event: tuple[str, bytes] | None) -> Message:
    """COMPLETED. Peers leave out a refusal's event (`callChaincode` in `core/endorser/endorser.go`), and so do we."""
    answer = Message(type=Message.COMPLETED, txid=message.txid, channel_id=message.channel_id)
    try:
        answer.payload = proposal_response_pb2.Response(
            status=response.status, message=_text(response.message), payload=response.payload
        ).SerializeToString()
        if event and response.status < ERROR_THRESHOLD:
            answer.chaincode_event.CopyFrom(chaincode_event_pb2.ChaincodeEvent(event_name=event[0], payload=event[1]))
        if len(answer.payload) + len(answer.chaincode_event.payload) <= MAX_PAYLOAD:
            return answer
        problem = "the response is larger than a message to the peer may be"
    except (TypeError, ValueError, AttributeError):
        problem = "the response or the event is not of the right types"
    return _completed(message, Response(ERROR, problem), None)


def _text(text: str) -> str:
    """The text without what UTF-8 cannot hold."""
    return text.encode(errors="replace").decode()


def _error(message: Message, text: str) -> Message:
    return Message(type=Message.ERROR, payload=text.encode(), txid=message.txid, channel_id=message.channel_id)
