"""A disk that is full, or cannot be written: said clearly, nothing acknowledged is lost, and it goes on with space."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chaincode.registry.model.ids import new_id
from network import control
from network.folder import Folder
from network.topology import CHANNEL
from node_client import AsyncGateway, CommitStatusError, ConnectionProfile, SubmitError
from node_client.gateway._async.network import AsyncNetwork
from node_client.gateway._async.transaction import AsyncTransaction
from node_client.protocol.block import parse_block
from tests.chain import check_chain
from tests.conftest import Commands, certledger
from tests.disks import MEGABYTE, disk, full, read_only, require_disks

PATIENCE = 60.0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk on which a network fits, and not much more."""
    require_disks()
    with disk(tmp_path / "disk", 32 * MEGABYTE) as place:
        yield place


@pytest.fixture
def small_network(small_disk: Path) -> Iterator[Folder]:
    """A network on a disk of its own: to unmount it needs that nothing of the network is left."""
    folder = Folder.at(small_disk / "net")
    control.up(folder, ports="auto")
    try:
        yield folder
    finally:
        control.down(folder)


def gateway(folder: Folder) -> AsyncGateway:
    profile = ConnectionProfile.load(folder.organisation("City") / "connection.json")
    return AsyncGateway.from_profile(profile, "City", "issuer")


async def endorsed(network: AsyncNetwork) -> AsyncTransaction:
    proposal = network.get_contract("registry").new_proposal("IssueCertificate", new_id(), new_id() * 2)
    return await proposal.endorse()


async def acknowledge(transaction: AsyncTransaction, told: dict[str, int]) -> None:
    status = await (await transaction.submit()).require_valid()
    told[transaction.transaction_id] = status.block_number


async def until_full(network: AsyncNetwork, told: dict[str, int]) -> AsyncTransaction:
    """Issue until the disk takes no more. Returns the transaction that waits for space."""
    while True:
        transaction = await endorsed(network)
        commit = await transaction.submit()
        try:
            told[transaction.transaction_id] = (await commit.require_valid()).block_number
        except CommitStatusError as error:
            if error.code != "UNAVAILABLE" or "database or disk is full" not in error.message:
                raise
            return transaction


async def until_written(network: AsyncNetwork, transaction: AsyncTransaction, height: int) -> None:
    async for event in network.chaincode_events("registry", start_block=height, timeout=PATIENCE):
        assert event.transaction_id == transaction.transaction_id
        return


async def check_ledger(network: AsyncNetwork, told: dict[str, int]) -> None:
    qscc = network.get_contract("qscc")
    blocks = [
        parse_block(await qscc.evaluate("GetBlockByNumber", CHANNEL, str(number)))
        for number in range(await network.height())
    ]
    placed = {one.tx_id: one.block for one in check_chain(blocks)}
    assert {tx_id: placed[tx_id] for tx_id in told} == told


@pytest.mark.embedded
async def test_a_full_disk_stops_the_network_with_a_reason_and_it_goes_on_by_itself(
    small_network: Folder, tmp_path: Path
) -> None:
    told: dict[str, int] = {}
    async with gateway(small_network) as client:
        network = client.get_network(CHANNEL)
        await acknowledge(await endorsed(network), told)
        with full(small_network.path.parent):
            waiting = await until_full(network, told)
            height = await network.height()
            refused = await endorsed(network)
            with pytest.raises(SubmitError, match="SERVICE_UNAVAILABLE, info=.*disk is full") as caught:
                await refused.submit()
            assert caught.value.code == "UNAVAILABLE"
            assert caught.value.details[0].msp_id == "CityMSP"
            assert await network.height() == height  # what is there is read as ever
            status = await asyncio.to_thread(certledger, "network", "status", cwd=tmp_path, folder=small_network)
            assert status.status == 0
            assert "it takes no transactions: the ledger cannot be used: database or disk is full" in status.output
            assert len(set(told.values())) >= 1
        await until_written(network, waiting, height)
        assert (await network.commit_status(waiting.transaction_id)).name == "VALID"
        told[waiting.transaction_id] = height
        await acknowledge(refused, told)
        await asyncio.gather(*[acknowledge(await endorsed(network), told) for _ in range(20)])
        await check_ledger(network, told)
    status = await asyncio.to_thread(certledger, "network", "status", "--json", cwd=tmp_path, folder=small_network)
    assert status.records[0]["trouble"] is None


@pytest.mark.embedded
@pytest.mark.slow
async def test_killed_on_a_full_disk_it_loses_nothing_acknowledged(small_network: Folder, tmp_path: Path) -> None:
    told: dict[str, int] = {}
    async with gateway(small_network) as client:
        with full(small_network.path.parent):
            await until_full(client.get_network(CHANNEL), told)
            pid = control.status(small_network).pid
            assert pid
            os.kill(pid, signal.SIGKILL)
            # It may start as far as reading goes, or say why not.
            up = await asyncio.to_thread(certledger, "network", "up", "--json", cwd=tmp_path, folder=small_network)
            assert up.status == 0 or "full" in up.records[0]["error"]["message"] or "space" in up.messages, up
    control.up(small_network)
    async with gateway(small_network) as client:
        await acknowledge(await endorsed(client.get_network(CHANNEL)), told)
        await check_ledger(client.get_network(CHANNEL), told)


@pytest.mark.embedded
@pytest.mark.slow
async def test_stopped_on_a_full_disk_it_ends_and_can_be_started_again(small_network: Folder) -> None:
    told: dict[str, int] = {}
    async with gateway(small_network) as client:
        with full(small_network.path.parent):
            await until_full(client.get_network(CHANNEL), told)
            assert await asyncio.to_thread(control.down, small_network)
    control.up(small_network)
    async with gateway(small_network) as client:
        await check_ledger(client.get_network(CHANNEL), told)


@pytest.mark.embedded
def test_a_full_disk_is_said_of_the_register_and_the_same_command_issues_afterwards(
    small_network: Folder, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    commands = Commands(small_network, home)
    commands.ok("issue", commands.document("first").name)
    before = commands.ok("list")
    with full(small_network.path.parent):
        names = [commands.document(f"d{number}").name for number in range(40)]
        result = commands("issue", *names, "--json")
        assert result.status in (2, 11)
        errors = [record["error"] for record in result.records if "error" in record]
        assert errors
        assert {error["code"] for error in errors} <= {"bad-register", "outcome-unknown"}
        assert any("full" in error["message"] for error in errors)
        assert "full" in result.messages
    issued = commands.ok("issue", *names)
    assert {record["status"] for record in issued} == {"issued"}
    assert len(commands.ok("list")) == len(before) + len(names)
    for name in names[:: len(names) // 4]:
        assert commands("verify", name).status == 0


def test_a_receipt_that_does_not_fit_is_written_afterwards(network: Folder, commands: Commands, tmp_path: Path) -> None:
    require_disks()
    with disk(tmp_path / "receipts", 64 * 1024) as out:
        names = [commands.document(f"d{number}").name for number in range(3)]
        with full(out):
            result = commands("issue", *names, "--out", out, "--json", "--in-flight", "1")
            assert result.status == 2
            (error, *_) = [record["error"] for record in result.records if "error" in record]
            assert error["code"] == "receipt-not-written"
            assert "No space left" in error["message"]
            assert [path.name for path in out.iterdir()] == ["filler"]
        issued = commands.ok("issue", *names, "--out", out)
        for name in names:
            assert commands("verify", name, "--receipt", out / f"{name}.receipt.json").status == 0
            (certificate,) = [record["certificateId"] for record in issued if record["file"] == name]
            assert len(commands.ok("history", certificate)) == 1


@contextmanager
def ended(folder: Folder) -> Iterator[Folder]:
    """A network that has ended afterwards, should it have come up."""
    try:
        yield folder
    finally:
        if folder.exists:
            control.down(folder)


@pytest.mark.embedded
def test_a_network_is_made_whole_or_not_at_all(tmp_path: Path) -> None:
    require_disks()
    for size in (16 * 1024, 256 * 1024, 800 * 1024, 1200 * 1024):
        with disk(tmp_path / f"disk{size}", size) as place, ended(Folder.at(place / "net")) as folder:
            result = certledger("network", "up", "--ports", "auto", "--json", cwd=tmp_path, folder=folder)
            assert result.status == 2, size
            error = result.records[0]["error"]
            assert error["code"] in ("bad-folder", "not-started")
            assert any(text in error["message"] for text in ("full", "No space left", "disk I/O error")), error
            assert error["nextStep"]
            assert list(place.iterdir()) == [], size


@pytest.mark.embedded
@pytest.mark.slow
def test_a_read_only_disk_is_said(small_disk: Path, tmp_path: Path) -> None:
    folder = Folder.at(small_disk / "net")
    with read_only(small_disk):
        result = certledger("network", "up", "--ports", "auto", "--json", cwd=tmp_path, folder=folder)
        assert (result.status, result.records[0]["error"]["code"]) == (2, "bad-folder")
        assert "Read-only" in result.records[0]["error"]["message"]
    control.up(folder, ports="auto")
    home = tmp_path / "home"
    home.mkdir()
    commands = Commands(folder, home)
    commands.ok("issue", commands.document("a").name)
    control.down(folder)
    with read_only(small_disk):
        up = commands("network", "up", "--json")
        assert up.status == 2
        assert "Read-only" in up.records[0]["error"]["message"]
        assert commands("network", "status", "--json").status == 10
        down = commands("network", "down", "--json")
        assert json.loads(down.output)["wasRunning"] is False
        issue = commands("issue", commands.document("b").name, "--json")
        assert (issue.status, issue.records[0]["error"]["code"]) == (2, "bad-register")
        assert commands("verify", "a", "--json").records[0]["verdict"] == "unconfirmed"
    control.up(folder)
    try:
        assert commands("verify", "a").status == 0
    finally:
        control.down(folder)
