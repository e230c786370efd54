"""A ledger in memory, one block a transaction.

The chaincode runs behind its real stream handler, its requests are answered by the rules that the embedded network
uses, and what it wrote is committed under MVCC. What there is not: signatures, endorsement policies, ordering.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Self

from fabric_protos.common import common_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2, proposal_response_pb2

from chaincode.ledger import read_write_set
from chaincode.ledger.memory_state import MemoryState
from chaincode.ledger.mvcc import BlockValidator, Conflict
from chaincode.ledger.simulator import SimulationResults, Simulator
from chaincode.ledger.state import KeyModification, Version, VersionedValue
from chaincode.ledger.transaction_context import TransactionContext
from chaincode.shim.chaincode import ERROR_THRESHOLD, Chaincode
from chaincode.shim.handler import StreamHandler
from chaincode.shim.stream import Message


class Refused(Exception):
    """The chaincode answered with an error status; the text is its message."""


@dataclass(frozen=True)
class Result:
    """What a transaction came to: its payload, its event, and for a submitted one whether it was valid."""

    tx_id: str
    payload: bytes
    event: tuple[str, bytes] | None
    simulation: SimulationResults
    conflict: Conflict | None = None


class MemoryLedger:
    """Runs one chaincode. Use it in `async with`.

    Args:
        chaincode: what runs.
        name: its namespace.
        channel: the channel's name.
    """

    def __init__(self, chaincode: Chaincode, *, name: str = "chaincode", channel: str = "channel") -> None:
        self._handler = StreamHandler(chaincode, name)
        self._name, self._channel = name, channel
        self._to_chaincode: asyncio.Queue[Message | None] = asyncio.Queue()
        self._contexts: dict[str, TransactionContext] = {}
        self._results: dict[str, asyncio.Future[Message]] = {}
        self._state = MemoryState()
        self._height = 1
        self.events: list[tuple[str, bytes]] = []

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self._handler.run(self._messages(), self._from_chaincode))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._to_chaincode.put_nowait(None)
        await self._running

    def client(self, creator: bytes) -> "Client":
        """Someone who submits, by serialised identity."""
        return Client(self, creator)

    @property
    def height(self) -> int:
        """The number of blocks."""
        return self._height

    async def simulate(
        self,
        creator: bytes,
        args: tuple[str | bytes, ...],
        *,
        transient: Mapping[str, bytes] | None = None,
        timestamp: datetime | None = None,
    ) -> Result:
        """Run a transaction without committing it.

        Raises:
            Refused: the chaincode answered with an error status.
        """
        nonce = secrets.token_bytes(24)
        tx_id = sha256(nonce + creator).hexdigest()
        simulator = Simulator(self._state)
        self._contexts[tx_id] = TransactionContext(self._channel, tx_id, self._name, simulator)
        result = self._results[tx_id] = asyncio.get_running_loop().create_future()
        self._to_chaincode.put_nowait(self._transaction(tx_id, nonce, creator, args, transient or {}, timestamp))
        message = await result
        if message.type == Message.ERROR:
            raise Refused(message.payload.decode())
        response = proposal_response_pb2.Response.FromString(message.payload)
        if response.status >= ERROR_THRESHOLD:
            raise Refused(response.message)
        event = message.chaincode_event
        return Result(
            tx_id,
            response.payload,
            (event.event_name, event.payload) if event.event_name else None,
            simulator.results(),
        )

    def commit(self, result: Result, timestamp: datetime | None = None) -> Result:
        """Commit a simulated transaction as a block of its own."""
        validator = BlockValidator(self._state, self._height)
        conflict = validator.validate(0, read_write_set.decode(result.simulation.public))
        if conflict is None:
            self._state.apply(validator.updates)
            moment = timestamp or datetime.now(UTC)
            self._remember(result, int(moment.timestamp()), moment.microsecond * 1000)
            if result.event:
                self.events.append(result.event)
        self._height += 1
        return Result(result.tx_id, result.payload, result.event, result.simulation, conflict)

    def _remember(self, result: Result, seconds: int, nanos: int) -> None:
        for namespace, part in result.simulation.sets.items():
            for key, write in part.writes.items():
                change = KeyModification(result.tx_id, write.value, seconds, nanos, write.is_delete)
                self._state.add_history(namespace, key, change)
        version = Version(self._height, 0)
        for (namespace, collection), data in result.simulation.private.items():
            for key, write in read_write_set.decode_private(data).items():
                value = None if write.is_delete else VersionedValue(write.value, version)
                self._state.put_private(namespace, collection, key, value)

    def _transaction(
        self,
        tx_id: str,
        nonce: bytes,
        creator: bytes,
        args: tuple[str | bytes, ...],
        transient: Mapping[str, bytes],
        timestamp: datetime | None,
    ) -> Message:
        header = common_pb2.ChannelHeader(channel_id=self._channel, tx_id=tx_id, type=common_pb2.ENDORSER_TRANSACTION)
        header.timestamp.FromDatetime(timestamp or datetime.now(UTC))
        call = chaincode_pb2.ChaincodeInput(args=[arg.encode() if isinstance(arg, str) else arg for arg in args])
        proposal = proposal_pb2.Proposal(
            header=common_pb2.Header(
                channel_header=header.SerializeToString(),
                signature_header=common_pb2.SignatureHeader(creator=creator, nonce=nonce).SerializeToString(),
            ).SerializeToString(),
            payload=proposal_pb2.ChaincodeProposalPayload(TransientMap=transient).SerializeToString(),
        )
        return Message(
            type=Message.TRANSACTION,
            payload=call.SerializeToString(),
            txid=tx_id,
            channel_id=self._channel,
            proposal=proposal_pb2.SignedProposal(proposal_bytes=proposal.SerializeToString()),
        )

    async def _messages(self) -> AsyncIterator[Message]:
        while (message := await self._to_chaincode.get()) is not None:
            yield message

    async def _from_chaincode(self, message: Message) -> None:
        if message.type == Message.REGISTER:
            self._to_chaincode.put_nowait(Message(type=Message.REGISTERED))
            self._to_chaincode.put_nowait(Message(type=Message.READY))
        elif message.type in (Message.COMPLETED, Message.ERROR):
            del self._contexts[message.txid]
            self._results.pop(message.txid).set_result(message)
        else:
            self._to_chaincode.put_nowait(self._contexts[message.txid].handle(message))


@dataclass(frozen=True)
class Client:
    """Someone who submits and evaluates transactions."""

    ledger: MemoryLedger
    creator: bytes

    async def evaluate(self, *args: str | bytes, transient: Mapping[str, bytes] | None = None) -> bytes:
        """Run a transaction for its answer only. Raises Refused."""
        return (await self.ledger.simulate(self.creator, args, transient=transient)).payload

    async def submit(
        self,
        *args: str | bytes,
        transient: Mapping[str, bytes] | None = None,
        timestamp: datetime | None = None,
    ) -> Result:
        """Run a transaction and commit it. Raises Refused."""
        result = await self.ledger.simulate(self.creator, args, transient=transient, timestamp=timestamp)
        return self.ledger.commit(result, timestamp)
