"""One organisation's chaincode is killed under load: the others go on, and it endorses again when it is back.

The same on real Fabric.
"""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from typing import Self

from chaincode.registry.model.ids import new_id
from network.folder import Folder
from network.topology import CHANNEL
from node_client import AsyncGateway
from node_client.gateway._async.contract import AsyncContract
from tests.scenarios.deploying import define_apart, served, unused_name
from tests.scenarios.seeking import profile_of
from tests.scenarios.vaults import MSP_IDS, endorsers, eventually

COUNTER = "tests.scenarios.counter"
VICTIM, OTHERS = "Nishitetsu", {"CityMSP", "TriValleyMSP"}
AT_A_TIME, ENOUGH = 8, 40  # transactions
PATIENCE = 120.0


class Load:
    """Transactions without end, several at a time; every one must become valid. Use it in `async with`.

    Attributes:
        now: what is going on, which the test sets.
        endorsed: by what was going on when they were begun, whose endorsements the transactions have.
    """

    def __init__(self, contract: AsyncContract, now: str) -> None:
        self._contract = contract
        self.now = now
        self.endorsed: dict[str, list[set[str]]] = {}
        self._ends = False
        self._done = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._workers = [asyncio.create_task(self._work()) for _ in range(AT_A_TIME)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ends = True
        await asyncio.gather(*self._workers)

    async def _work(self) -> None:
        try:
            while not self._ends:
                now = self.now
                transaction = await self._contract.new_proposal("Add", new_id(), "1").endorse()
                status = await (await transaction.submit()).status()
                assert status.successful
                self.endorsed.setdefault(now, []).append(endorsers(transaction))
                self._done.set()
        finally:
            self._ends = True  # one that failed is enough
            self._done.set()

    async def until(self, reached: Callable[[list[set[str]]], bool]) -> None:
        """Wait until the transactions that were begun now satisfy this."""
        async with asyncio.timeout(PATIENCE):
            while not reached(self.endorsed.get(self.now, [])):
                assert not self._ends
                self._done.clear()
                await self._done.wait()


async def test_the_others_go_on_while_it_is_away(network: Folder) -> None:
    services = await asyncio.to_thread(define_apart, network, unused_name("killed"))

    def enough(endorsed: list[set[str]]) -> bool:
        return len(endorsed) >= ENOUGH and any(MSP_IDS[VICTIM] in one for one in endorsed)

    with ExitStack() as stack:
        running = {name: stack.enter_context(served(service, COUNTER)) for name, service in services.items()}
        gateway = AsyncGateway.from_profile(profile_of(network, "City"), "City", "issuer")
        async with gateway:
            contract = gateway.get_network(CHANNEL).get_contract(services["City"].name)
            for msp_id in MSP_IDS.values():
                await eventually(lambda msp_id=msp_id: contract.evaluate("Who", organizations=[msp_id]))
            async with Load(contract, "all are there") as load:
                await load.until(enough)
                load.now = "one dies"
                running[VICTIM].kill()
                await asyncio.to_thread(running[VICTIM].wait)
                load.now = "one is dead"
                await load.until(lambda endorsed: len(endorsed) >= ENOUGH)
                load.now = "it is started again"
                stack.enter_context(served(services[VICTIM], COUNTER))
                await load.until(enough)
    assert all(one == OTHERS for one in load.endorsed["one is dead"])
