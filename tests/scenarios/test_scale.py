"""Many certificates: in flight at a time, and on the ledger. What is measured on the way is printed (`-s`).

What a question costs is asserted as the processor time of the network, which other programs hardly change, with a
margin that only work in proportion to the ledger would leave.
"""

import asyncio
import gc
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from network import control
from network.folder import Folder
from network.topology import CHANNEL
from node_client import AsyncGateway, ConnectionProfile, Pipeline
from node_client.certificates._async.client import AsyncRegistryClient
from node_client.certificates.issuing import Issuer, Request
from node_client.certificates.issuing_all import Progress, issue_all
from node_client.certificates.register import Register
from node_client.certificates.trust import Trust
from node_client.gateway._async.network import AsyncNetwork
from node_client.protocol.proposal import new_nonce
from tests.filling import fill

MEGABYTE = 1 << 20
MANY, IN_FLIGHT, WARM = 10_000, 64, 2_000
VERY_MANY = 100_000
ALONE = "7" * 32  # the first certificate's id
PAGE = 100
FIRST, MIDDLE, LAST = "", "8" + "0" * 31, "ff" + "0" * 30  # bookmarks


def tell(*values: object) -> None:
    """Show a figure, where `-s` lets tests show something."""
    print(*values, flush=True)  # noqa: T201


class Memory:
    """The memory of a network's processes and of this one."""

    def __init__(self, folder: Folder) -> None:
        pid = control.status(folder).pid
        assert pid
        network = psutil.Process(pid)
        self._processes = {"client": psutil.Process(), "network": network}
        self._processes |= {f"chaincode {one.pid}": one for one in network.children()}
        self.begin = self.now()

    def now(self) -> dict[str, int]:
        gc.collect()
        return {name: one.memory_info().rss for name, one in self._processes.items()}

    def growth(self) -> dict[str, float]:
        """Megabytes since the beginning."""
        now = self.now()
        return {name: round((now[name] - self.begin[name]) / MEGABYTE, 1) for name in now}


@dataclass(frozen=True)
class Cost:
    """What a question costs, in milliseconds: the median time to its answer, and processor time of the network."""

    median: float
    processor: float

    def is_like(self, other: "Cost") -> bool:
        return self.processor <= 2 * other.processor + 2


class Processor:
    """The processor time of a network's processes."""

    def __init__(self, folder: Folder) -> None:
        pid = control.status(folder).pid
        assert pid
        network = psutil.Process(pid)
        self._processes = [network, *network.children()]

    def seconds(self) -> float:
        return sum(one.cpu_times().user + one.cpu_times().system for one in self._processes)

    async def cost(self, operation: Callable[[], Awaitable[object]], count: int = 50) -> Cost:
        times = []
        before = self.seconds()
        for _ in range(count):
            begun = time.perf_counter()
            await operation()
            times.append(time.perf_counter() - begun)
        processor = (self.seconds() - before) / count
        return Cost(round(1000 * statistics.median(times), 1), round(1000 * processor, 1))


def gateway(folder: Folder) -> AsyncGateway:
    profile = ConnectionProfile.load(folder.organisation("City") / "connection.json")
    return AsyncGateway.from_profile(profile, "City", "issuer")


def registry(folder: Folder, network: AsyncNetwork) -> AsyncRegistryClient:
    return AsyncRegistryClient(network, Trust.from_bytes((folder.path / "trust.json").read_bytes()))


async def listed(client: AsyncRegistryClient) -> list[str]:
    """The ids of all certificates on the ledger."""
    found: list[str] = []
    bookmark = ""
    while True:
        page, bookmark = await client.list_certificates(500, bookmark)
        found += [record.certificate_id for record in page]
        if not bookmark:
            return found


@pytest.mark.slow
async def test_ten_thousand_certificates_are_issued_with_flat_memory(own_network: Folder, tmp_path: Path) -> None:
    documents = [tmp_path / f"d{number}" for number in range(MANY)]
    for document in documents:
        document.write_bytes(os.urandom(16))
    (tmp_path / "receipts").mkdir()
    requests = [Request(document=document, folder=tmp_path / "receipts") for document in documents]
    issued: dict[str, str] = {}
    memory: Memory | None = None
    warm: dict[str, float] = {}

    def done(progress: Progress) -> None:
        nonlocal memory, warm
        assert not hasattr(progress.result, "error"), progress.result
        issued[progress.request.document.name] = progress.result.certificate_id
        if len(issued) == WARM:
            memory = Memory(own_network)
        elif memory and len(issued) % 2000 == 0:
            tell(len(issued), memory.growth())

    begun = time.perf_counter()
    async with gateway(own_network) as client:
        register_path = own_network.organisation("City") / "register.db"
        with Register(register_path) as register:
            network = client.get_network(CHANNEL)
            known = registry(own_network, network)
            async with Pipeline(network, in_flight=IN_FLIGHT) as pipeline:
                issuer = Issuer(client, known, register, pipeline)
                left = await issue_all(issuer, requests, in_flight=IN_FLIGHT, done=done, stop=asyncio.Event())
        tell(f"{MANY / (time.perf_counter() - begun):.0f} certificates a second, receipts included")
        assert not left
        assert sorted(await listed(known)) == sorted(issued.values())
    assert len(list((tmp_path / "receipts").iterdir())) == MANY
    assert memory
    growth = memory.growth()
    assert max(growth.values()) < 20, growth


@pytest.mark.slow
@pytest.mark.embedded  # whose blocks are made without clients
async def test_a_hundred_thousand_certificates_cost_no_more_to_ask_than_a_few(tmp_path: Path) -> None:
    folder = Folder.at(tmp_path / "net")
    control.up(folder, ports="auto")
    try:
        await issue_one(folder)
        control.down(folder)
        small = await start_and_ask(folder)
        control.down(folder)
        await fill(folder, VERY_MANY)
        large = await start_and_ask(folder)
        assert large.memory - small.memory < 20
        assert large.start <= 2 * small.start + 0.5
        assert len(small.costs) == 5
        costlier = {what: (small.costs[what], cost) for what, cost in large.costs.items() if what in small.costs}
        costlier = {what: (few, many) for what, (few, many) in costlier.items() if not many.is_like(few)}
        assert not costlier
        pages = [large.costs[f"{which} page of {PAGE}"] for which in ("first", "middle", "last")]
        assert all(one.is_like(other) for one in pages for other in pages), pages
        memory = Memory(folder)
        async with gateway(folder) as client:
            network = client.get_network(CHANNEL)
            await replay(network, VERY_MANY)
            growth = memory.growth()
            assert growth["network"] < 20, growth
            assert len(set(await listed(registry(folder, network)))) == VERY_MANY + 1
    finally:
        control.down(folder)


@dataclass(frozen=True)
class Asked:
    """A network that has just started, and what questions cost it.

    Attributes:
        start: the processor time of its start, in seconds.
        memory: what it has after its start, in megabytes.
        costs: by question; a page's has its size in its name.
    """

    start: float
    memory: float
    costs: dict[str, Cost]


async def issue_one(folder: Folder) -> None:
    async with gateway(folder) as client:
        await client.get_network(CHANNEL).get_contract("registry").submit("IssueCertificate", ALONE, "0" * 64)


async def start_and_ask(folder: Folder) -> Asked:
    begun = time.perf_counter()
    control.up(folder)
    tell(f"up in {time.perf_counter() - begun:.2f} s")
    processor = Processor(folder)
    start, memory = processor.seconds(), Memory(folder).begin["network"] / MEGABYTE
    costs = {}
    async with gateway(folder) as client:
        known = registry(folder, client.get_network(CHANNEL))
        page, _ = await known.list_certificates(1, MIDDLE)
        certificate = page[0].certificate_id if page else ALONE
        costs["read"] = await processor.cost(lambda: known.read(certificate))
        costs["history"] = await processor.cost(lambda: known.history(certificate))
        costs["verify"] = await processor.cost(lambda: known.attest(certificate, new_nonce()))
        costs["one of a page"] = await processor.cost(lambda: known.list_certificates(1))
        costs["height"] = await processor.cost(client.get_network(CHANNEL).height)
        for name, bookmark in (("first", FIRST), ("middle", MIDDLE), ("last", LAST)):
            page, _ = await known.list_certificates(PAGE, bookmark)
            if len(page) == PAGE:
                costs[f"{name} page of {PAGE}"] = await processor.cost(
                    lambda bookmark=bookmark: known.list_certificates(PAGE, bookmark), 20
                )
    tell(f"{start:.2f} s of processor time to start, {memory:.0f} MB, {costs}")
    return Asked(start, memory, costs)


async def replay(network: AsyncNetwork, count: int) -> None:
    """Have all events given from the first block on, while others ask."""
    seen: set[str] = set()
    asked = 0

    async def others() -> None:
        nonlocal asked
        while True:
            await network.height()
            asked += 1

    asking = asyncio.create_task(others())
    begun = time.perf_counter()
    async for event in network.chaincode_events("registry", start_block=0):
        seen.add(event.transaction_id)
        if len(seen) > count:
            break
    tell(f"{count / (time.perf_counter() - begun):.0f} events a second; others were answered {asked} times")
    asking.cancel()
    assert asked > 10
