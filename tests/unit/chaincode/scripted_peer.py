"""A peer over queues, which does what a test tells it to, and chaincode made of a function."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Self

from fabric_protos.common import common_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2, proposal_response_pb2

from chaincode.shim import ChaincodeStub
from chaincode.shim.handler import StreamHandler
from chaincode.shim.requests import PeerFeatures
from chaincode.shim.stream import Message

DEADLINE = 20.0  # only what would otherwise hang for ever comes near it

Function = Callable[[ChaincodeStub], Awaitable[Any]]


class Scripted:
    """Chaincode that does what a function does."""

    def __init__(self, invoke: Function, init: Function | None = None) -> None:
        self.invoke = invoke
        self.init = init or invoke


def proposal(
    *,
    channel_header: common_pb2.ChannelHeader | None = None,
    creator: bytes = b"creator",
    nonce: bytes = b"nonce",
    transient: dict[str, bytes] | None = None,
) -> proposal_pb2.SignedProposal:
    """A proposal as a peer hands it on."""
    header = channel_header or common_pb2.ChannelHeader(type=common_pb2.ENDORSER_TRANSACTION)
    message = proposal_pb2.Proposal(
        header=common_pb2.Header(
            channel_header=header.SerializeToString(),
            signature_header=common_pb2.SignatureHeader(creator=creator, nonce=nonce).SerializeToString(),
        ).SerializeToString(),
        payload=proposal_pb2.ChaincodeProposalPayload(TransientMap=transient or {}).SerializeToString(),
    )
    return proposal_pb2.SignedProposal(proposal_bytes=message.SerializeToString(), signature=b"signature")


def transaction(
    tx_id: str, *args: bytes, channel: str = "channel", kind: "Message.Type.ValueType" = Message.TRANSACTION
) -> Message:
    """The message that begins a transaction."""
    return Message(
        type=kind,
        payload=chaincode_pb2.ChaincodeInput(args=args).SerializeToString(),
        txid=tx_id,
        channel_id=channel,
        proposal=proposal(),
    )


def answer(request: Message, payload: bytes = b"", kind: "Message.Type.ValueType" = Message.RESPONSE) -> Message:
    """The answer to a request."""
    return Message(type=kind, payload=payload, txid=request.txid, channel_id=request.channel_id)


def response(completed: Message) -> proposal_response_pb2.Response:
    """What a transaction was answered with."""
    assert completed.type == Message.COMPLETED
    return proposal_response_pb2.Response.FromString(completed.payload)


async def settle() -> None:
    """Let everything happen that can happen without anybody doing anything more."""
    for _ in range(50):
        await asyncio.sleep(0)


class StubPeer:
    """Answers one stub's requests with what a test has lined up, and keeps what it was asked."""

    def __init__(self, *answers: bytes | Exception, features: PeerFeatures | None = None) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, bytes]] = []
        self.stub = ChaincodeStub(transaction("tx"), self.request, features)

    async def request(self, kind: "Message.Type.ValueType", payload: bytes) -> bytes:
        self.asked.append((Message.Type.Name(kind), payload))
        answer = self.answers.pop(0) if self.answers else b""
        if isinstance(answer, Exception):
            raise answer
        return answer


class ScriptedPeer:
    """The peer's end of a stream handler's stream. Use it in `async with`: it begins after READY.

    Args:
        chaincode: what runs.
        ready: READY's payload.
    """

    def __init__(self, chaincode: Scripted, *, chaincode_id: str = "id", ready: bytes = b"") -> None:
        self._handler = StreamHandler(chaincode, chaincode_id)
        self._ready = ready
        self._outgoing: asyncio.Queue[Message | Exception | None] = asyncio.Queue()
        self._incoming: asyncio.Queue[Message] = asyncio.Queue()
        self._writing = False
        self.breaks: Exception | None = None
        self.registered = Message()

    async def __aenter__(self) -> Self:
        self.running = asyncio.create_task(self._handler.run(self._messages(), self._write))
        self.registered = await self.receive()
        self.send(Message(type=Message.REGISTERED))
        self.send(Message(type=Message.READY, payload=self._ready))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.send(None)
        done, _ = await asyncio.wait([self.running], timeout=DEADLINE)
        assert done, "the handler does not end"

    async def ended(self) -> None:
        """Wait until the handler has ended. Raises what it raises."""
        async with asyncio.timeout(DEADLINE):
            await asyncio.wait([self.running])
        self.running.result()

    def send(self, message: Message | Exception | None) -> None:
        """Send a message; None ends the stream, and an exception breaks it."""
        self._outgoing.put_nowait(message)

    async def receive(self) -> Message:
        """The chaincode's next message."""
        async with asyncio.timeout(DEADLINE):
            return await self._incoming.get()

    async def receives_nothing(self) -> bool:
        """Whether the chaincode has sent nothing more, and will not by itself."""
        await settle()
        return self._incoming.empty()

    async def ask(self, *args: bytes, tx_id: str = "tx") -> Message:
        """Begin a transaction, for the chaincode's next message."""
        self.send(transaction(tx_id, *args))
        return await self.receive()

    async def reply(self, request: Message, payload: bytes = b"") -> Message:
        """Answer a request, for the chaincode's next message."""
        self.send(answer(request, payload))
        return await self.receive()

    async def _messages(self) -> AsyncIterator[Message]:
        while (message := await self._outgoing.get()) is not None:
            if isinstance(message, Exception):
                raise message
            yield message

    async def _write(self, message: Message) -> None:
        assert not self._writing, "two messages are written at once"
        self._writing = True
        await asyncio.sleep(0)
        if self.breaks:
            raise self.breaks
        self._incoming.put_nowait(message)
        self._writing = False
