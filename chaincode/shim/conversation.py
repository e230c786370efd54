"""One transaction's requests to its peer: one at a time, and every one answered or lost.

A peer drops a request, without a word, that comes while it works on another of the same transaction (`registerTxid`
in Fabric's `core/chaincode/handler.go`), and answers carry no number. So a request's turn ends with its answer and not
with who waits for it: a contract may give up waiting, and its next request would get the answer to this one.
"""

import asyncio
from collections.abc import Callable

from chaincode.shim.errors import ChaincodeError, PeerError, StreamLost
from chaincode.shim.stream import MAX_PAYLOAD, Message


class Conversation:
    """What one transaction asks.

    Args:
        transaction: the message that began it.
        send: takes a message for the peer.

    Attributes:
        is_waiting: whether the peer owes an answer.
    """

    __slots__ = ("_answer", "_channel_id", "_ended", "_send", "_turns", "is_waiting", "tx_id")

    def __init__(self, transaction: Message, send: Callable[[Message], None]) -> None:
        self.tx_id = transaction.txid
        self.is_waiting = False
        self._channel_id = transaction.channel_id
        self._send = send
        self._answer: asyncio.Future[Message] | None = None
        self._turns: list[asyncio.Future[None]] = []
        self._ended: ChaincodeError | None = None

    async def request(self, kind: Message.Type.ValueType, payload: bytes) -> bytes:
        """Ask the peer, when it has answered what was asked before.

        Returns:
            The answer's payload.

        Raises:
            PeerError: the peer answered with ERROR.
            StreamLost: the stream ended.
            ChaincodeError: the transaction is over, or the request is larger than a message may be.
        """
        if len(payload) > MAX_PAYLOAD:
            # gRPC would end the stream for it, and every other transaction with that.
            raise ChaincodeError("the request is larger than a message to the peer may be")
        while self.is_waiting:
            await self._next_turn()
        if self._ended:
            raise self._ended
        self.is_waiting = True
        self._answer = asyncio.get_running_loop().create_future()
        self._send(Message(type=kind, payload=payload, txid=self.tx_id, channel_id=self._channel_id))
        message = await self._answer
        if message.type == Message.ERROR:
            raise PeerError(message.payload.decode(errors="replace"))
        return message.payload

    def answer(self, message: Message) -> bool:
        """Hand the peer's answer to the request; false when nothing was asked."""
        if not self.is_waiting:
            return False
        if self._answer is not None and not self._answer.done():  # it is done when nobody waits for it any more
            self._answer.set_result(message)
        self._end_turn()
        return True

    async def finish(self) -> None:
        """Refuse further requests, and wait for the answer that the peer owes.

        Peers handle requests and a transaction's completion side by side: a request that is still under way when the
        transaction completes would count or not, as chance has it.
        """
        self._ended = self._ended or ChaincodeError("the transaction is over")
        while self.is_waiting:
            await self._next_turn()

    def lose(self) -> None:
        """The stream has ended: the request that waits fails, and so does every further one."""
        self._ended = StreamLost("the stream to the peer ended")
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(self._ended)
        self._end_turn()

    async def _next_turn(self) -> None:
        """Wait until the peer has answered. Who comes first goes on first: the others find it waiting again."""
        turn = asyncio.get_running_loop().create_future()
        self._turns.append(turn)
        await turn

    def _end_turn(self) -> None:
        self.is_waiting = False
        turns, self._turns = self._turns, []
        for turn in turns:
            if not turn.done():
                turn.set_result(None)
