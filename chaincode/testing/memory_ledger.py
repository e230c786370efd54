"""A ledger in memory, one block a transaction.

The chaincode runs behind its real stream handler, its requests are answered by the rules that the embedded network
uses, and what it wrote is committed under MVCC. What there is not: signatures, endorsement policies, ordering, other
chaincode to call, and collections: every one that is named is there, and everyone may read and write it.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Self

from fabric_protos.common import common_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2, proposal_response_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from chaincode.ledger import read_write_set
from chaincode.ledger.hashed_set import key_hash
from chaincode.ledger.memory_state import MemoryState
from chaincode.ledger.mvcc import BlockValidator, Conflict
from chaincode.ledger.simulator import SimulationResults, Simulator
from chaincode.ledger.state import KeyModification, Version, VersionedValue
from chaincode.ledger.transaction_context import HANDLERS, TransactionContext
from chaincode.shim.chaincode import ERROR_THRESHOLD, Chaincode
from chaincode.shim.handler import StreamHandler
from chaincode.shim.stream import Message

# What a peer of v3.1 says that it can do: `ledger.state` of its sample core.yaml.
READY = chaincode_pb2.ChaincodeAdditionalParams(
    use_write_batch=True, max_size_write_batch=1000, use_get_multiple_keys=True, max_size_get_multiple_keys=1000
).SerializeToString()


class Refused(Exception):
    """The chaincode answered with an error status; the text is its message."""


@dataclass(frozen=True)
class Result:
    """What a transaction came to: its payload, its event, and for a submitted one whether it was valid.

    The timestamp is the proposal's: the one that the contract saw, and that stands in the history.
    """

    tx_id: str
    payload: bytes
    event: tuple[str, bytes] | None
    simulation: SimulationResults
    timestamp: datetime
    conflict: Conflict | None = None


class MemoryLedger:
    """Runs one chaincode. Use it in `async with`.

    Args:
        chaincode: what runs.
        name: its namespace.
        channel: the channel's name.

    Attributes:
        events: the events of the valid transactions, in order.
    """

    def __init__(self, chaincode: Chaincode, *, name: str = "chaincode", channel: str = "channel") -> None:
        self._handler = StreamHandler(chaincode, name)
        self._name, self._channel = name, channel
        self._to_chaincode: asyncio.Queue[Message | None] = asyncio.Queue()
        self._contexts: dict[str, TransactionContext] = {}
        self._results: dict[str, asyncio.Future[Message]] = {}
        self._running: asyncio.Task[None] | None = None
        self._state = MemoryState()
        self._committed: set[str] = set()
        self._height = 1
        self.events: list[tuple[str, bytes]] = []

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self._handler.run(self._messages(), self._from_chaincode))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._to_chaincode.put_nowait(None)
        if self._running:
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
        init: bool = False,
    ) -> Result:
        """Run a transaction without committing it.

        Args:
            creator: who submits it, a serialised identity.
            args: the function and its arguments.
            transient: data for the endorsement alone.
            timestamp: what the submitter's clock says, UTC without a zone; the time now, when it is not given.
            init: run the chaincode's `init`.

        Raises:
            Refused: the chaincode answered with an error status.
            RuntimeError: the ledger is not open.
        """
        if self._running is None or self._running.done():
            raise RuntimeError("the ledger is not open: use it in `async with`")
        nonce = secrets.token_bytes(24)
        tx_id = sha256(nonce + creator).hexdigest()
        moment = timestamp or datetime.now(UTC)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        simulator = Simulator(self._state, tx_id)
        self._contexts[tx_id] = TransactionContext(self._channel, tx_id, self._name, simulator, is_init=init)
        result = self._results[tx_id] = asyncio.get_running_loop().create_future()
        message = self._transaction(tx_id, nonce, creator, args, transient or {}, moment)
        if init:
            message.type = Message.INIT
        self._to_chaincode.put_nowait(message)
        await asyncio.wait({result, self._running}, return_when=asyncio.FIRST_COMPLETED)
        if not result.done():
            raise RuntimeError("the ledger was closed while the transaction ran")
        answer = result.result()
        if answer.type == Message.ERROR:
            raise Refused(answer.payload.decode(errors="replace"))
        response = proposal_response_pb2.Response.FromString(answer.payload)
        if response.status >= ERROR_THRESHOLD:
            raise Refused(response.message)
        event = answer.chaincode_event
        return Result(
            tx_id,
            response.payload,
            (event.event_name, event.payload) if event.event_name else None,
            simulator.results(),
            moment,
        )

    def commit(self, result: Result) -> Result:
        """Commit a simulated transaction as a block of its own.

        Raises:
            ValueError: it has been committed before, valid or not.
        """
        if result.tx_id in self._committed:
            raise ValueError(f"transaction {result.tx_id} is on the ledger already")
        self._committed.add(result.tx_id)
        validator = BlockValidator(self._state, self._height)
        conflict = validator.validate(0, read_write_set.decode(result.simulation.public))
        if conflict is None:
            self._state.apply(validator.updates)
            self._remember(result)
            if result.event:
                self.events.append(result.event)
        self._height += 1
        return replace(result, conflict=conflict)

    def _remember(self, result: Result) -> None:
        """Keep what is no part of the public state: history, and private values."""
        moment = Timestamp()
        moment.FromDatetime(result.timestamp)
        for namespace, part in result.simulation.sets.items():
            for key, write in part.writes.items():
                change = KeyModification(result.tx_id, write.value, moment.seconds, moment.nanos, write.is_delete)
                self._state.add_history(namespace, key, change)
        version = Version(self._height, 0)
        for (namespace, collection), data in result.simulation.private.items():
            for key, write in read_write_set.decode_private(data).items():
                value = None if write.is_delete else VersionedValue(write.value, version)
                self._state.put_private(namespace, collection, key, value)
            for key in read_write_set.private_metadata_keys(data):
                # Metadata renew the hash's version, and the value keeps up with it.
                held = self._state.get_private(namespace, collection, key)
                hashed = self._state.get_private_hash(namespace, collection, key_hash(key))
                if held and hashed:
                    renewed = VersionedValue(held.value, hashed.version)
                    self._state.put_private(namespace, collection, key, renewed)

    def _transaction(
        self,
        tx_id: str,
        nonce: bytes,
        creator: bytes,
        args: tuple[str | bytes, ...],
        transient: Mapping[str, bytes],
        timestamp: datetime,
    ) -> Message:
        header = common_pb2.ChannelHeader(channel_id=self._channel, tx_id=tx_id, type=common_pb2.ENDORSER_TRANSACTION)
        header.timestamp.FromDatetime(timestamp)
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
            self._to_chaincode.put_nowait(Message(type=Message.READY, payload=READY))
        elif message.type in (Message.COMPLETED, Message.ERROR):
            del self._contexts[message.txid]
            self._results.pop(message.txid).set_result(message)
        elif message.type in HANDLERS:
            self._to_chaincode.put_nowait(self._contexts[message.txid].handle(message))
        else:
            refusal = self._contexts[message.txid].error(message.type, "the ledger in memory has one chaincode")
            self._to_chaincode.put_nowait(refusal)


@dataclass(frozen=True)
class Client:
    """Someone who submits and evaluates transactions."""

    ledger: MemoryLedger
    creator: bytes

    async def evaluate(
        self,
        *args: str | bytes,
        transient: Mapping[str, bytes] | None = None,
        timestamp: datetime | None = None,
    ) -> bytes:
        """Run a transaction for its answer only. Raises Refused."""
        result = await self.ledger.simulate(self.creator, args, transient=transient, timestamp=timestamp)
        return result.payload

    async def submit(
        self,
        *args: str | bytes,
        transient: Mapping[str, bytes] | None = None,
        timestamp: datetime | None = None,
    ) -> Result:
        """Run a transaction and commit it. Raises Refused; a conflict is in the result."""
        result = await self.ledger.simulate(self.creator, args, transient=transient, timestamp=timestamp)
        return self.ledger.commit(result)
