"""What is acknowledged was synced before: by the network, by `network up`, by `issue`, by checkpoints.

Killing processes shows nothing of this (`test_crashes`), for the system keeps what they wrote.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fabric_protos.peer.lifecycle import lifecycle_pb2

from chaincode.registry.model.ids import new_id
from network import control
from network.folder import Folder
from network.topology import CHANNEL
from node_client import AsyncGateway, CommitStatusError, ConnectionProfile, EndorseError
from node_client.admin._async.lifecycle import AsyncLifecycle
from node_client.gateway._async.network import AsyncNetwork
from node_client.protocol.chaincode_package import service_package
from tests.conftest import Commands
from tests.scenarios.batches import given
from tests.tracing import CALLS, attached, calls, everything, lost, now, require_strace, traced

pytestmark = pytest.mark.embedded

SYNC = "fsync,fdatasync"
# Made anew at every start, or of use only while the process lives.
PASSING = ("*.log", "*/lock", "*-shm", "*/embedded/chaincode")
PATIENCE = 60.0
CLIENT = "node_client.certificates._async.client:AsyncRegistryClient"
TRANSACTION = "node_client.gateway._async.transaction:AsyncTransaction"
# Runs a command that says so, and waits for a line, before a step.
HELD_BEFORE = """
import sys
from importlib import import_module

module, owner, name = sys.argv.pop(1).split(":")
target = getattr(import_module(module), owner)
step = getattr(target, name)

async def hold(*args, **kwargs):
    print("held", flush=True)
    input()
    return await step(*args, **kwargs)

setattr(target, name, hold)
from cli.main import main
main()
"""


@pytest.fixture(autouse=True)
def strace() -> None:
    require_strace()


@pytest.fixture(scope="module")
def traced_network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    """A network whose process these tests trace, one after the other."""
    require_strace()
    folder = Folder.at(tmp_path_factory.mktemp("traced") / "net")
    control.up(folder, ports="auto")
    try:
        yield folder
    finally:
        control.down(folder)


def kept(paths: set[Path]) -> list[Path]:
    """Those that must be there after a crash."""

    def is_passing(path: Path) -> bool:
        return any(part.match(pattern) for part in (path, *path.parents) for pattern in PASSING)

    return sorted(path for path in paths if not is_passing(path))


def process_of(folder: Folder) -> int:
    pid = control.status(folder).pid
    assert pid
    return pid


def gateway(folder: Folder) -> AsyncGateway:
    profile = ConnectionProfile.load(folder.organisation("City") / "connection.json")
    return AsyncGateway.from_profile(profile, "City", "issuer")


async def issue(network: AsyncNetwork) -> int:
    """Issue a certificate. Returns its block."""
    proposal = network.get_contract("registry").new_proposal("IssueCertificate", new_id(), new_id() * 2)
    commit = await (await proposal.endorse()).submit()
    return (await commit.require_valid()).block_number


async def test_every_block_is_synced_once_before_its_transactions_are_acknowledged(
    traced_network: Folder, tmp_path: Path
) -> None:
    log = traced_network.embedded / "ledger.db-wal"
    told: dict[int, float] = {}

    async def acknowledged(network: AsyncNetwork) -> None:
        block = await issue(network)
        told.setdefault(block, now())

    async with gateway(traced_network) as client:
        network = client.get_network(CHANNEL)
        await issue(network)
        with attached(process_of(traced_network), "-e", f"trace={SYNC}", trace=tmp_path / "trace"):
            for count in (1, 1, 1, 20, 20):
                await asyncio.gather(*(acknowledged(network) for _ in range(count)))
    synced = [call.ended for call in calls(tmp_path / "trace") if call.opened == log]
    assert len(synced) == len(told)
    for moment, (block, acknowledgement) in zip(synced, sorted(told.items()), strict=True):
        assert moment <= acknowledgement, block


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (SYNC, "EIO", "disk I/O error"),
        ("pwrite64", "EROFS", "disk I/O error"),
        ("pwrite64", "ENOSPC", "database or disk is full"),
    ],
    ids=["syncing fails", "read-only", "full"],
)
async def test_nothing_is_acknowledged_while_the_log_cannot_be_written(
    traced_network: Folder, tmp_path: Path, call: str, error: str, message: str
) -> None:
    log = traced_network.embedded / "ledger.db-wal"
    failing = ("-e", f"trace={call}", "-e", f"inject={call}:error={error}", "-P", str(log))
    async with gateway(traced_network) as client:
        network = client.get_network(CHANNEL)
        await issue(network)
        height = await network.height()
        proposal = network.get_contract("registry").new_proposal("IssueCertificate", new_id(), new_id() * 2)
        transaction = await proposal.endorse()
        with attached(process_of(traced_network), *failing, trace=tmp_path / "trace"):
            commit = await transaction.submit()
            with pytest.raises(CommitStatusError, match=f"the ledger cannot be used: {message}"):
                await commit.status()
            assert await network.height() == height
        # It goes on by itself.
        async for event in network.chaincode_events("registry", start_block=height, timeout=PATIENCE):
            assert event.transaction_id == transaction.transaction_id
            break
        status = await commit.status()
        assert (status.name, status.block_number) == ("VALID", height)


async def test_an_installed_package_is_synced_before_that_is_told(traced_network: Folder, tmp_path: Path) -> None:
    before = everything(traced_network.path)
    profile = ConnectionProfile.load(traced_network.organisation("City") / "connection.json")
    async with AsyncGateway.from_profile(profile, "City", "admin") as client:
        with attached(process_of(traced_network), "-e", f"trace={CALLS}", trace=tmp_path / "trace"):
            await AsyncLifecycle(client, CHANNEL).install(service_package("label_1", "127.0.0.1:1"))
            told = now()
    assert any("label_1" in path.name for path in everything(traced_network.path) - before)
    assert kept(lost(tmp_path / "trace", traced_network.path, told, before)) == []


async def test_private_data_is_synced_before_its_endorsement_is_given(traced_network: Folder, tmp_path: Path) -> None:
    """An approval is private data of the organisation: nobody could recover it, were it lost before it is committed."""
    store = traced_network.embedded / "transient" / "CityMSP.db-wal"
    failing = ("-e", f"trace={SYNC}", "-e", f"inject={SYNC}:error=EIO", "-P", str(store))
    approval = lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs(sequence=1, name="other", version="1")
    argument = approval.SerializeToString()
    profile = ConnectionProfile.load(traced_network.organisation("City") / "connection.json")
    async with AsyncGateway.from_profile(profile, "City", "admin") as client:
        lifecycle = client.get_network(CHANNEL).get_contract("_lifecycle")

        async def endorse() -> None:
            function = "ApproveChaincodeDefinitionForMyOrg"
            await lifecycle.new_proposal(function, argument, organizations=["CityMSP"]).endorse()

        process = process_of(traced_network)
        refused = pytest.raises(EndorseError, match="disk I/O error")
        with attached(process, *failing, trace=tmp_path / "failing"), refused:
            await endorse()
        before = everything(traced_network.path)
        with attached(process, "-e", f"trace={CALLS}", trace=tmp_path / "trace"):
            await endorse()
            told = now()
    assert store in {call.opened for call in calls(tmp_path / "trace")}
    assert kept(lost(tmp_path / "trace", traced_network.path, told, before)) == []


def test_a_new_network_is_synced_before_up_returns(tmp_path: Path) -> None:
    folder = Folder.at(tmp_path / "made" / "net")
    trace = tmp_path / "trace"
    program = "from cli.main import main; main()"
    command = traced(
        [sys.executable, "-P", "-c", program, "network", "up", "--ports", "auto", "--dir", folder.path], trace
    )
    tracer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert tracer.stdout is not None
        assert "the network serves" in tracer.stdout.readline()
        told = now()
    finally:
        control.down(folder)
        tracer.communicate()
    assert (folder.path / "profiles" / "current").exists()
    assert kept(lost(trace, tmp_path / "made", told, {tmp_path})) == []


def test_a_new_identity_is_synced_before_that_is_told(traced_network: Folder, tmp_path: Path) -> None:
    before, name = everything(traced_network.path), f"clerk-{new_id()[:8]}"
    program = (
        "import sys; from pathlib import Path; from network import control; from network.folder import Folder;"
        "control.add_identity(Folder.at(Path(sys.argv[1])), 'City', sys.argv[2], 'issuer')"
    )
    command = [sys.executable, "-P", "-c", program, traced_network.path, name]
    subprocess.run(traced(command, tmp_path / "trace"), check=True)
    assert kept(lost(tmp_path / "trace", traced_network.path, now(), before)) == []


def test_register_and_receipt_are_synced_before_a_certificate_is_reported(
    traced_network: Folder, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    commands = Commands(traced_network, home)
    document = commands.document("a")
    before = everything(commands.folder.path) | everything(commands.home)
    program = "from cli.main import main; main()"
    command = [sys.executable, "-P", "-c", program, "issue", document.name, "--json", "--out", "new/folder"]
    tracer = subprocess.Popen(
        traced(command, tmp_path / "trace"),
        cwd=commands.home,
        env={**os.environ, "CERTLEDGER_DIR": str(commands.folder.path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert tracer.stdout is not None
    record = json.loads(tracer.stdout.readline())
    told = now()
    tracer.communicate()
    assert record["status"] == "issued"
    for folder in (commands.folder.organisation("City"), commands.home):
        assert kept(lost(tmp_path / "trace", folder, told, before)) == []


@pytest.mark.parametrize("sync", [1, 2], ids=["prepared", "endorsed"])
def test_nothing_is_submitted_that_the_register_has_not_synced(
    traced_network: Folder, tmp_path: Path, sync: int
) -> None:
    """The statement and its salt, then the signed envelope: each is on the disk, or `issue` ends there."""
    home = tmp_path / "home"
    home.mkdir()
    commands = Commands(traced_network, home)
    commands.ok("issue", commands.document("first").name)
    before = control.status(traced_network).organisations[0].height
    register = traced_network.organisation("City") / "register.db"
    program = "from cli.main import main; main()"
    options = ["-f", "-o", os.devnull, "-e", f"trace={SYNC}", "-e", f"inject={SYNC}:error=EIO:when={sync}+"]
    command = ["strace", *options, "-P", f"{register}-wal", sys.executable, "-P", "-c", program]
    done = subprocess.run(
        [*command, "issue", commands.document("second").name, "--json"],
        cwd=home,
        env={**os.environ, "CERTLEDGER_DIR": str(traced_network.path)},
        capture_output=True,
        check=False,
    )
    (record,) = [json.loads(line) for line in done.stdout.splitlines()][:1]
    assert record["error"]["code"] == "bad-register"
    assert control.status(traced_network).organisations[0].height == before
    assert not (home / "second.receipt.json").exists()
    (issued,) = commands.ok("issue", "second")  # the disk is well again
    assert len(commands.ok("history", issued["certificateId"])) == 1


@pytest.mark.parametrize("step", [f"{CLIENT}:endorse_anchor", f"{TRANSACTION}:submit"])
def test_salts_and_the_envelope_are_synced_before_a_batch_is_sent(
    traced_network: Folder, tmp_path: Path, step: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    commands = Commands(traced_network, home)
    source = given(commands, 20)
    register = traced_network.organisation("City")
    before = everything(register)
    arguments = ["anchor", source.path.name, "--jobs", "1", "--json"]
    tracer = subprocess.Popen(
        traced([sys.executable, "-P", "-c", HELD_BEFORE, step, *arguments], tmp_path / "trace"),
        cwd=home,
        env={**os.environ, "CERTLEDGER_DIR": str(traced_network.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    )
    assert tracer.stdout is not None
    assert tracer.stdout.readline() == b"held\n"
    about_to_send = now()
    output, _ = tracer.communicate(b"\n")
    assert kept(lost(tmp_path / "trace", register, about_to_send, before)) == []
    assert [json.loads(line)["size"] for line in output.splitlines()] == [20]


def test_a_checkpoint_is_synced_before_it_is_reported(tmp_path: Path) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    program = (
        "import sys; from pathlib import Path; from node_client import FileCheckpointer;"
        "one = FileCheckpointer(Path(sys.argv[1]));"
        "[one.checkpoint_block(number) for number in range(3)]"
    )
    command = [sys.executable, "-P", "-c", program, folder / "checkpoint"]
    subprocess.run(traced(command, tmp_path / "trace"), check=True)
    assert lost(tmp_path / "trace", folder, now(), {folder}) == set()
    synced = [call for call in calls(tmp_path / "trace") if call.name == "fsync"]
    assert len(synced) == 6  # file and folder, each time
    assert (folder / "checkpoint").exists()
