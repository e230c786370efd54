"""The network's process is killed at any moment under load, again and again: nothing that it acknowledged is lost."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest
from fabric_protos.peer import transaction_pb2

from network import control
from network.errors import StartError
from network.folder import Folder
from network.lock import holder
from network.process_end import Ended, Process
from node_client import FileCheckpointer, MemoryCheckpointer
from node_client.gateway.deliver import BlockAndPrivateData
from tests.chain import Placed, check_chain
from tests.conftest import Commands
from tests.scenarios.deploying import Service, deploy, free_address, served, unused_name
from tests.scenarios.load import BLOCK_STREAMS, PATIENCE, Record, Session, digest

pytestmark = pytest.mark.embedded

IN_FLIGHT = 12
MOST_TOLD = 30  # transactions told before a kill
SAMPLE = 20  # transactions looked up after each restart
VALID, DUPLICATE = int(transaction_pb2.VALID), int(transaction_pb2.DUPLICATE_TXID)
FOLLOWED = (("City", "registry"), ("Nishitetsu", "counter"), ("TriValley", "registry"))


@pytest.fixture
def counter(request: pytest.FixtureRequest, own_network: Folder, tmp_path: Path) -> Iterator[Service]:
    """The counter contract on a network of its own; its service goes on when the network is killed."""
    home = tmp_path / "home"
    home.mkdir()
    service = deploy(request, Commands(own_network, home), unused_name("counter"), free_address())
    with served(service, "tests.scenarios.counter"):
        yield service


async def test_nothing_acknowledged_is_lost(counter: Service, tmp_path: Path) -> None:
    await kill_again_and_again(counter, tmp_path, kills=5)


@pytest.mark.slow
async def test_nothing_acknowledged_is_lost_in_a_hundred_kills(counter: Service, tmp_path: Path) -> None:
    await kill_again_and_again(counter, tmp_path, kills=100)


def test_a_network_whose_making_is_killed_can_be_made_again(tmp_path: Path) -> None:
    kill_while_it_is_made(tmp_path, random.SystemRandom().uniform(0.1, 1.5))


@pytest.mark.slow
def test_a_network_whose_making_is_killed_at_any_moment_can_be_made_again(tmp_path: Path) -> None:
    for number in range(20):
        place = tmp_path / str(number)
        place.mkdir()
        kill_while_it_is_made(place, 0.1 + number / 12)


def kill_while_it_is_made(place: Path, after: float) -> None:
    """Kill `network up` and the network's process so many seconds after the command; then the command works."""
    folder = Folder.at(place / "net")
    variables = {**os.environ, "CERTLEDGER_DIR": str(folder.path)}
    command = [sys.executable, "-P", "-c", "from cli.main import main; main()", "network", "up", "--ports", "auto"]
    with subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as making:
        with suppress(subprocess.TimeoutExpired):
            making.wait(after)
        started = psutil.Process(making.pid).children(recursive=True) if making.poll() is None else []
        making.kill()
    # The network's process outlives the command, when it was started already.
    pid = holder(folder.embedded / "lock")
    for one in {*(child.pid for child in started), *([pid] if pid else [])}:
        with suppress(Ended), Process(one) as process:
            process.send(signal.SIGKILL)
            assert process.wait(PATIENCE)
    commands = Commands(folder, place)
    ports = [] if folder.exists else ["--ports", "auto"]
    commands.ok("network", "up", *ports)
    try:
        commands.ok("issue", commands.document("a").name)
        assert commands("verify", "a").status == 0
    finally:
        control.down(folder)


async def kill_again_and_again(counter: Service, tmp_path: Path, *, kills: int) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - shown when the test fails
    chance, record = random.Random(seed), Record()
    for number in range(kills):
        if number % 5 == 2:
            await kill_while_it_starts(counter.folder, chance)
        await asyncio.to_thread(control.up, counter.folder)
        await one_life(counter, record, chance, tmp_path)
    await asyncio.to_thread(control.up, counter.folder)
    await check_everything(counter, record, tmp_path)


async def one_life(counter: Service, record: Record, chance: random.Random, tmp_path: Path) -> None:
    """From a start to the next kill."""
    process = network_process(counter.folder)
    async with Session(counter.folder, record, counter.name) as session, asyncio.timeout(PATIENCE):
        await check_after_restart(session, record, chance)
        await session.until_chaincode_runs()
        await session.settle()
        working = [asyncio.create_task(session.work(chance)) for _ in range(IN_FLIGHT)]
        following = follow(session, counter.name, tmp_path)
        await session.told_more(chance.randrange(MOST_TOLD))
        await asyncio.sleep(chance.random() / 20)  # any moment between two blocks
        with ExitStack() as stack:
            started = (process, *process.children(recursive=True))
            ends = [stack.enter_context(Process(one.pid)) for one in started]
            process.kill()
            await asyncio.gather(*working, *following)
            for one in ends:
                assert await asyncio.to_thread(one.wait, PATIENCE), "chaincode outlives its network"


async def kill_while_it_starts(folder: Folder, chance: random.Random) -> None:
    starting = asyncio.create_task(asyncio.to_thread(control.up, folder))
    pid = await asyncio.to_thread(first_holder, folder.embedded / "lock")
    await asyncio.sleep(chance.random())
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    with suppress(StartError):  # it was killed before it served
        await starting


def first_holder(lock: Path) -> int:
    """The process that takes the lock next."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if pid := holder(lock):
            return pid
        time.sleep(0.005)
    raise AssertionError("the network did not start")


def network_process(folder: Folder) -> psutil.Process:
    pid = control.status(folder).pid
    assert pid
    return psutil.Process(pid)


def follow(session: Session, counter: str, tmp_path: Path) -> list[asyncio.Task[None]]:
    """Follow events and blocks, each stream from its own checkpoint's file on."""
    following = []
    for organisation, kind in FOLLOWED:
        chaincode = counter if kind == "counter" else kind
        checkpointer = FileCheckpointer(tmp_path / f"{organisation}-{kind}.checkpoint")
        following.append(asyncio.create_task(session.follow(organisation, chaincode, checkpointer)))
    for kind in BLOCK_STREAMS:
        checkpointer = FileCheckpointer(tmp_path / f"{kind}.checkpoint")
        following.append(asyncio.create_task(session.follow_blocks(kind, checkpointer)))
    return following


async def check_after_restart(session: Session, record: Record, chance: random.Random) -> None:
    """Every peer is as far as the last transaction that was told; the newest and some others are as they were told."""
    heights = set((await session.heights()).values())
    assert len(heights) == 1
    assert heights.pop() > max((block for block, _ in record.told.values()), default=0)
    newest = list(record.told)[-IN_FLIGHT:]
    for tx_id in {*newest, *chance.sample(list(record.told), min(SAMPLE, len(record.told)))}:
        status = await session.networks["TriValley"].commit_status(tx_id, timeout=1)
        assert (status.block_number, int(status.code)) == record.told[tx_id]


async def check_everything(counter: Service, record: Record, tmp_path: Path) -> None:
    async with Session(counter.folder, record, counter.name) as session, asyncio.timeout(PATIENCE):
        await session.until_chaincode_runs()
        await session.settle()
        blocks = await session.blocks("Nishitetsu")
        assert set((await session.heights()).values()) == {len(blocks)}
        chain = check_chain(blocks)
        check_transactions(chain, record)
        await check_certificates(session, chain, record)
        await check_counters(session, counter.name, chain, record)
        await check_events(session, counter.name, chain, record, tmp_path, len(blocks))
        await check_blocks(session, record, len(blocks))


def check_transactions(chain: list[Placed], record: Record) -> None:
    assert not record.unknown
    first: dict[str, Placed] = {}
    for one in chain:
        if one.tx_id in first:
            assert one.code == DUPLICATE  # an envelope that was sent again
        first.setdefault(one.tx_id, one)
    assert {tx_id: (first[tx_id].block, first[tx_id].code) for tx_id in record.told} == record.told
    assert sum(code == VALID for _, code in record.told.values()) > len(record.told) // 2


async def check_certificates(session: Session, chain: list[Placed], record: Record) -> None:
    """Every certificate is there once, written by its own transaction."""
    listed, bookmark = Counter[str](), ""
    registry = session.contract("registry")
    while True:
        page = json.loads(await registry.evaluate("ListCertificates", "100", bookmark))
        listed.update(row["certificateId"] for row in page["records"])
        bookmark = page["bookmark"]
        if not bookmark:
            break
    valid = {one.tx_id for one in chain if one.code == VALID}
    wanted = {certificate: tx_id for tx_id, certificate in record.certificates.items() if tx_id in valid}
    assert listed == Counter(wanted.keys())  # of the told ones as of those that were told to nobody
    for certificate in list(wanted)[:: max(1, len(wanted) // 50)]:
        (entry,) = json.loads(await registry.evaluate("GetCertificateHistory", certificate))
        assert entry["transactionId"] == wanted[certificate]


async def check_counters(session: Session, counter: str, chain: list[Placed], record: Record) -> None:
    """Every counter is the sum of what valid transactions added to it."""
    sums: Counter[str] = Counter()
    for one in chain:
        if one.code == VALID and one.tx_id in record.amounts:
            name, amount = record.amounts[one.tx_id]
            sums[name] += amount
    for name in [name for name in sums if name.startswith("shared")] + list(sums)[:20]:
        history = json.loads(await session.contract(counter).evaluate("History", name))
        assert int(history[0]) == sums[name]


async def check_events(
    session: Session, counter: str, chain: list[Placed], record: Record, tmp_path: Path, height: int
) -> None:
    """Every stream of events gave every event of its chaincode once, in the chain's order."""
    wanted = {}
    for organisation, kind in FOLLOWED:
        chaincode = counter if kind == "counter" else kind
        wanted[f"{organisation} {chaincode}"] = [
            (one.block, one.tx_id, one.event[1]) for one in chain if one.event and one.event[0] == chaincode
        ]
    following = follow(session, counter, tmp_path)
    await session.until_followed({name: len(events) for name, events in wanted.items()})
    await session.blocks_followed(height)
    for task in following:
        task.cancel()
    await asyncio.gather(*following, return_exceptions=True)
    assert record.events == wanted


async def check_blocks(session: Session, record: Record, height: int) -> None:
    """Every stream of blocks gave every block once and in order, with all that a stream over all of them gives."""
    assert set(record.blocks) == set(BLOCK_STREAMS)
    with_private_data = 0
    for kind, kept in record.blocks.items():
        assert [number for number, _ in kept] == list(range(height))
        async with session.block_stream(kind, MemoryCheckpointer()) as stream:
            for followed in kept:
                event = await anext(stream)
                assert digest(event) == followed
                with_private_data += isinstance(event, BlockAndPrivateData) and bool(event.private)
    assert with_private_data  # the organisation's approvals are private data
