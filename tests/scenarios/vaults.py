"""The vault contract in use: its collections, and the organisations' users who call it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

from fabric_protos.msp import identities_pb2

from chaincode.ledger import read_write_set
from chaincode.ledger.read_write_set import NamespaceSet
from network.folder import Folder
from network.topology import CHANNEL
from node_client import AsyncGateway, ConnectionProfile, EvaluateError
from node_client.gateway._async.contract import AsyncContract
from node_client.gateway._async.transaction import AsyncTransaction
from tests.scenarios.deploying import PATIENCE

MSP_IDS = {"City": "CityMSP", "Nishitetsu": "NishitetsuMSP", "TriValley": "TriValleyMSP"}
ANYONE = "OR('CityMSP.peer','NishitetsuMSP.peer','TriValleyMSP.peer')"
CENTRES = "AND('NishitetsuMSP.peer','TriValleyMSP.peer')"
PAIR = "OR('CityMSP.member','TriValleyMSP.member')"

COLLECTIONS: dict[str, dict[str, Any]] = {
    "pair": {"policy": PAIR},
    "quiet": {"policy": PAIR, "maxPeerCount": 0},  # endorsers give nothing away: members ask for it at commit
    "closed": {"policy": PAIR, "memberOnlyRead": True},
    "sealed": {"policy": PAIR, "memberOnlyWrite": True},
    "demanding": {"policy": PAIR, "requiredPeerCount": 2, "maxPeerCount": 2},  # more than there are others
    "short": {"policy": PAIR, "blockToLive": 2},
    "agreed": {
        "policy": PAIR,
        "endorsementPolicy": {"signaturePolicy": "AND('CityMSP.peer','TriValleyMSP.peer')"},
    },
}


def collections(changes: dict[str, dict[str, Any]] | None = None) -> str:
    """The vault's collections in Fabric's JSON form, with changes of some; None takes one away."""
    found = {**COLLECTIONS, **(changes or {})}
    return json.dumps([{"name": name, **fields} for name, fields in found.items() if fields is not None])


class Vault:
    """A vault on the channel, called by an issuer of each organisation. Use it in `async with`."""

    def __init__(self, folder: Folder, name: str) -> None:
        self._folder = folder
        self._stack = AsyncExitStack()
        self.name = name
        self.gateways: dict[str, AsyncGateway] = {}

    async def __aenter__(self) -> Self:
        for organisation in MSP_IDS:
            profile = ConnectionProfile.load(self._folder.organisation(organisation) / "connection.json")
            gateway = AsyncGateway.from_profile(profile, organisation, "issuer")
            self.gateways[organisation] = await self._stack.enter_async_context(gateway)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def at(self, organisation: str, chaincode: str = "") -> AsyncContract:
        """The contract, called by an organisation's issuer through the organisation's own peer."""
        return self.gateways[organisation].get_network(CHANNEL).get_contract(chaincode or self.name)

    async def wait_until_it_runs(self) -> None:
        """The peers dial the service by and by: wait until all of them answer."""
        for msp_id in MSP_IDS.values():
            await eventually(lambda msp_id=msp_id: self.at("City").evaluate("Get", "x", organizations=[msp_id]))

    async def put(self, collection: str, key: str, value: str, organizations: Sequence[str] = ("CityMSP",)) -> None:
        """Have the city's issuer write a private key, endorsed by these organisations."""
        transient = {"value": value.encode()}
        await self.at("City").submit("PutPrivate", collection, key, transient=transient, organizations=organizations)

    async def read(self, organisation: str, *args: str) -> str:
        """Run a function at an organisation's own peer."""
        answer = await self.at(organisation).evaluate(*args, organizations=[MSP_IDS[organisation]])
        return answer.decode()

    async def block(self, tx_id: str) -> bytes:
        """The block of a transaction."""
        return await self.at("City", "qscc").evaluate("GetBlockByTxID", CHANNEL, tx_id)

    async def pass_blocks(self, count: int) -> None:
        """Make blocks, of nothing in particular."""
        for number in range(count):
            await self.at("City").submit("Put", "passing", str(number), organizations=["CityMSP"])


def endorsers(transaction: AsyncTransaction) -> set[str]:
    """Whose endorsements a transaction has, by MSP id."""
    return {
        identities_pb2.SerializedIdentity.FromString(one.endorser).mspid for one in transaction.content.endorsements
    }


def sets_of(transaction: AsyncTransaction) -> dict[str, NamespaceSet]:
    """What a transaction reads and writes."""
    return read_write_set.decode(transaction.content.response.result)


async def eventually(attempt: Callable[[], Awaitable[Any]], accepted: Callable[[Any], bool] = lambda _: True) -> Any:
    """Try until an answer comes that is accepted: peers learn of things by and by."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                if accepted(answer := await attempt()):
                    return answer
            except EvaluateError:
                pass
            await asyncio.sleep(0.05)
