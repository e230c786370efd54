"""Load on a network, and a record of what the network told about it."""

import asyncio
import itertools
import random
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from hashlib import sha256

from chaincode.registry.model.ids import new_id
from network.folder import Folder
from network.topology import CHANNEL
from node_client import (
    AsyncGateway,
    Checkpointer,
    ConnectionProfile,
    EndorseError,
    EvaluateError,
    EventsError,
    GatewayError,
)
from node_client.gateway._async.contract import AsyncContract
from node_client.gateway._async.events import AsyncEventStream
from node_client.gateway._async.network import AsyncNetwork
from node_client.gateway._async.transaction import AsyncTransaction
from node_client.gateway.deliver import BlockAndPrivateData, FilteredBlock
from node_client.protocol.block import Block, parse_block

BlockStream = AsyncEventStream[Block] | AsyncEventStream[FilteredBlock] | AsyncEventStream[BlockAndPrivateData]

BLOCK_STREAMS = ("blocks", "filtered", "private")
MSP_IDS = {"City": "CityMSP", "Nishitetsu": "NishitetsuMSP", "TriValley": "TriValleyMSP"}
SHARED_NAMES = 3  # counters that everyone adds to: their transactions overtake each other
PATIENCE = 60.0  # seconds for what must come


@dataclass
class Record:
    """What was begun, and what the network told.

    Attributes:
        told: the commit status of each transaction: its block and its validation code.
        unknown: envelopes that were sent and of which nothing is known, by transaction id.
        certificates: the id that each transaction issues.
        amounts: what each transaction adds, and to which counter.
        events: what each stream of a chaincode's events gave: block, transaction id, name.
        blocks: what each stream of blocks gave: the block's number, and a digest of everything that came with it.
    """

    told: dict[str, tuple[int, int]] = field(default_factory=dict)
    unknown: dict[str, bytes] = field(default_factory=dict)
    certificates: dict[str, str] = field(default_factory=dict)
    amounts: dict[str, tuple[str, int]] = field(default_factory=dict)
    events: dict[str, list[tuple[int, str, str]]] = field(default_factory=dict)
    blocks: dict[str, list[tuple[int, str]]] = field(default_factory=dict)


def digest(event: Block | FilteredBlock | BlockAndPrivateData) -> tuple[int, str]:
    """A block's number, and a digest of everything that came with it."""
    number = event.block.number if isinstance(event, BlockAndPrivateData) else event.number
    return number, sha256(repr(event).encode()).hexdigest()


class Session:
    """Connections to a running network's gateways, until it is killed. Use it in `async with`.

    Args:
        counter: the name of the counter contract's chaincode.
    """

    def __init__(self, folder: Folder, record: Record, counter: str) -> None:
        self._folder = folder
        self._record = record
        self._counter = counter
        self._stack = AsyncExitStack()
        self._told = asyncio.Event()
        self.networks: dict[str, AsyncNetwork] = {}
        self._gateways: dict[str, AsyncGateway] = {}

    async def __aenter__(self) -> "Session":
        for name in MSP_IDS:
            profile = ConnectionProfile.load(self._folder.organisation(name) / "connection.json")
            gateway = await self._stack.enter_async_context(AsyncGateway.from_profile(profile, name, "issuer"))
            self._gateways[name] = gateway
            self.networks[name] = gateway.get_network(CHANNEL)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def until_chaincode_runs(self) -> None:
        """Wait until every peer has dialled the counter's service."""
        async with asyncio.timeout(PATIENCE):
            for msp_id in MSP_IDS.values():
                contract = self.networks["City"].get_contract(self._counter)
                while True:
                    try:
                        await contract.evaluate("Who", organizations=[msp_id])
                        break
                    except EvaluateError:
                        await asyncio.sleep(0.02)

    async def work(self, chance: random.Random) -> None:
        """Make transactions one after the other until the network is gone."""
        names = list(self.networks)
        for turn in itertools.count():
            name = names[chance.randrange(len(names))]
            try:
                if turn % 2:
                    await self._add(self.networks[name], chance)
                else:
                    await self._issue()
            except GatewayError as error:
                # Others came in between: that is known, and nothing was written.
                if not isinstance(error, EndorseError) or error.code != "ABORTED":
                    return

    async def told_more(self, count: int) -> None:
        """Wait until so many more commit statuses have been told."""
        wanted = len(self._record.told) + count
        while len(self._record.told) < wanted:
            self._told.clear()
            await self._told.wait()

    async def _issue(self) -> None:
        certificate = new_id()
        contract = self.networks["City"].get_contract("registry")
        transaction = await contract.new_proposal("IssueCertificate", certificate, new_id() * 2).endorse()
        self._record.certificates[transaction.transaction_id] = certificate
        await self.submit(transaction)

    async def _add(self, network: AsyncNetwork, chance: random.Random) -> None:
        alone = chance.random() < 0.7
        name = new_id() if alone else f"shared-{chance.randrange(SHARED_NAMES)}"
        amount = chance.randrange(1, 100)
        contract = network.get_contract(self._counter)
        transaction = await contract.new_proposal("Add", name, str(amount)).endorse()
        self._record.amounts[transaction.transaction_id] = (name, amount)
        await self.submit(transaction)

    async def submit(self, transaction: AsyncTransaction) -> None:
        """Submit a transaction and record what is told."""
        tx_id = transaction.transaction_id
        self._record.unknown[tx_id] = transaction.envelope
        status = await (await transaction.submit()).status()
        del self._record.unknown[tx_id]
        self._record.told[tx_id] = (status.block_number, int(status.code))
        self._told.set()

    async def settle(self) -> None:
        """Find out about every transaction of which nothing is known: the very same envelope is sent again."""
        gateway = self._gateways["City"]
        left = [gateway.transaction_from_envelope(envelope) for envelope in self._record.unknown.values()]
        await asyncio.gather(*(self.submit(transaction) for transaction in left))

    async def follow(self, organisation: str, chaincode: str, checkpointer: Checkpointer) -> None:
        """Record a chaincode's events from the checkpoint on, until the network is gone."""
        kept = self._record.events.setdefault(f"{organisation} {chaincode}", [])
        stream = self.networks[organisation].chaincode_events(chaincode, start_block=0, checkpoint=checkpointer)
        try:
            async for event in stream:
                kept.append((event.block_number, event.transaction_id, event.event_name))
                checkpointer.checkpoint(event)
                self._told.set()
        except EventsError:
            return

    def block_stream(self, kind: str, checkpointer: Checkpointer) -> BlockStream:
        """A stream of blocks from the checkpoint on; one of `BLOCK_STREAMS`, each at another organisation's peer."""
        if kind == "blocks":
            return self.networks["City"].block_events(start_block=0, checkpoint=checkpointer)
        if kind == "filtered":
            return self.networks["Nishitetsu"].filtered_block_events(start_block=0, checkpoint=checkpointer)
        return self.networks["TriValley"].block_and_private_data_events(start_block=0, checkpoint=checkpointer)

    async def follow_blocks(self, kind: str, checkpointer: Checkpointer) -> None:
        """Record a stream of blocks from the checkpoint on, until the network is gone."""
        kept = self._record.blocks.setdefault(kind, [])
        try:
            async for event in self.block_stream(kind, checkpointer):
                kept.append(digest(event))
                checkpointer.checkpoint_block(kept[-1][0])
                self._told.set()
        except EventsError:
            return

    async def blocks_followed(self, height: int) -> None:
        """Wait until every stream of blocks has come to this height."""
        while any(kept[-1:] == [] or kept[-1][0] + 1 < height for kept in self._record.blocks.values()):
            self._told.clear()
            await self._told.wait()

    async def until_followed(self, wanted: Mapping[str, int]) -> None:
        """Wait until every stream has given so many events."""
        while any(len(self._record.events[name]) < count for name, count in wanted.items()):
            self._told.clear()
            await self._told.wait()

    async def heights(self) -> dict[str, int]:
        """The height at every gateway."""
        return {name: await network.height() for name, network in self.networks.items()}

    async def blocks(self, organisation: str) -> list[Block]:
        """The whole chain, as an organisation's peer gives it."""
        network = self.networks[organisation]
        qscc = network.get_contract("qscc")
        found = []
        for number in range(await network.height()):
            found.append(parse_block(await qscc.evaluate("GetBlockByNumber", CHANNEL, str(number))))
        return found

    def contract(self, chaincode: str) -> AsyncContract:
        """A chaincode at the city's gateway."""
        return self.networks["City"].get_contract(chaincode)
