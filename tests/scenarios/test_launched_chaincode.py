"""Chaincode of type `python`, which peers build and launch by our external builder. The same on real Fabric."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from network.folder import Folder
from node_client import ConnectionProfile, FabricError, Gateway
from node_client.gateway._sync.contract import Contract
from tests.conftest import Commands
from tests.scenarios.deploying import patiently, unused_name
from tests.wheels import wheel

# Adds with what the package requires, and tells where that is from.
ADDING = {"adding.py": "def add(a, b):\n    return a + b\n"}
CONTRACT = """
import adding
from chaincode.contract import Context, Contract, ContractChaincode, evaluate
from chaincode.shim import main


class Sums(Contract):
    @evaluate
    async def sum(self, context: Context, a: int, b: int) -> int:
        return adding.add(a, b)

    @evaluate
    async def where(self, context: Context) -> str:
        return adding.__file__


main(ContractChaincode(Sums()))
"""


def source(home: Path, files: dict[str, str]) -> Path:
    """A folder with a contract."""
    home.mkdir()
    for name, text in files.items():
        (home / name).write_text(text)
    return home


@contextmanager
def contract(network: Folder, name: str) -> Iterator[Contract]:
    profile = ConnectionProfile.load(network.organisation("City") / "connection.json")
    with Gateway.from_profile(profile, "City", "issuer") as gateway:
        yield gateway.get_network("certificates").get_contract(name)


@pytest.fixture(scope="module")
def name(network: Folder, tmp_path_factory: pytest.TempPathFactory) -> str:
    name, home = unused_name("launched"), tmp_path_factory.mktemp("launched")
    files = {
        "launch.json": '{"module": "counting"}',
        "counting.py": Path(__file__).with_name("counter.py").read_text(),
        "json.py": "raise SystemExit('the package has taken the place of the library')",
    }
    Commands(network, home).ok("chaincode", "deploy", name, "--source", source(home / "source", files))
    return name


@pytest.fixture
def counter(network: Folder, name: str) -> Iterator[Contract]:
    with contract(network, name) as found:
        yield found


def test_peers_launch_it_and_it_serves(counter: Contract) -> None:
    assert patiently(lambda: counter.submit("Add", "a", "2")) == b"2"
    assert counter.submit("Add", "a", "3") == b"5"


def test_peers_launch_it_again_when_it_has_ended(network: Folder, counter: Contract, name: str) -> None:
    patiently(lambda: counter.submit("Add", "b", "1"))
    processes = [one for one in psutil.process_iter(["cmdline"]) if runs(one, name, network)]
    assert len(processes) >= 2
    for one in processes:
        one.send_signal(signal.SIGKILL)
    psutil.wait_procs(processes, timeout=60)
    assert patiently(lambda: counter.submit("Add", "b", "1")) == b"2"


def test_a_new_version_takes_the_place_of_the_old_one(network: Folder, commands: Commands) -> None:
    name = unused_name("upgraded")
    folder = source(commands.home / "sums", {"launch.json": '{"module": "sums"}', "sums.py": CONTRACT})
    for version in ("1", "2"):
        (folder / "adding.py").write_text(f"def add(a, b):\n    return {version}\n")
        commands.ok("chaincode", "deploy", name, "--source", folder, "--version", version)
        with contract(network, name) as sums:
            patiently(lambda sums=sums, expected=version: answers(sums, expected), AssertionError)

    def ended() -> None:
        assert not [one for one in psutil.process_iter(["cmdline"]) if runs(one, name, network)]

    patiently(ended, AssertionError)


def answers(sums: Contract, expected: str) -> None:
    try:
        assert sums.evaluate("Sum", "1", "1", organizations=["CityMSP"]).decode() == expected
    except FabricError as error:
        raise AssertionError(str(error)) from error  # the new version is not there yet


def runs(process: psutil.Process, name: str, network: Folder) -> bool:
    """Whether a process is this chaincode's, beside a peer of this network: its command names where it was built."""
    built = f"{name}_1-"
    return any(
        argument.startswith(str(network.path)) and built in argument for argument in process.info["cmdline"] or ()
    )


def test_it_runs_with_what_it_requires_from_wheels_in_the_package(network: Folder, commands: Commands) -> None:
    name = unused_name("sums")
    files = {"launch.json": '{"module": "sums"}', "sums.py": CONTRACT, "requirements.txt": "adding\n"}
    folder = source(commands.home / "sums", files)
    wheel(folder / "wheels", "adding", ADDING)
    commands.ok("chaincode", "deploy", name, "--source", folder)
    with contract(network, name) as sums:
        assert patiently(lambda: sums.evaluate("Sum", "2", "3")) == b"5"
        where = sums.evaluate("Where").decode()
    assert where.startswith(str(network.path))
    assert "site-packages" in where


@pytest.mark.parametrize(
    ("changed", "status", "words"),
    [
        ({"requirements.txt": "subtracting\n"}, 69, "No matching distribution found for subtracting"),
        ({"requirements.txt": f"adding==1.0 --hash=sha256:{'0' * 64}\n"}, 69, "DO NOT MATCH THE HASHES"),
    ],
)
def test_why_a_package_cannot_be_built_is_told_by_the_command(
    commands: Commands, changed: dict[str, str], status: int, words: str
) -> None:
    name = unused_name("unbuilt")
    folder = source(commands.home / "sums", {"launch.json": '{"module": "sums"}', "sums.py": CONTRACT, **changed})
    wheel(folder / "wheels", "adding", ADDING)
    package = commands.home / "package.tar.gz"
    (made,) = commands.ok("chaincode", "package", package, "--label", f"{name}_1", "--source", folder)
    refused = commands("chaincode", "install", package, "--profile", "city-admin", "--json")
    assert refused.status == 9
    message = refused.records[0]["error"]["message"]
    assert f"exit status {status}" in message
    assert words in message
    (told,) = commands.ok("chaincode", "status", "--profile", "city-admin")
    assert made["packageId"] not in [one["packageId"] for one in told["installed"]]


def test_a_contract_that_ends_at_once_is_told_to_its_caller(network: Folder, commands: Commands) -> None:
    name = unused_name("ending")
    folder = source(commands.home / "ending", {"launch.json": '{"module": "e"}', "e.py": "raise SystemExit(7)\n"})
    commands.ok("chaincode", "deploy", name, "--source", folder)
    with contract(network, name) as ending:
        refused = patiently(lambda: refusal(ending), AssertionError)
    assert "could not launch chaincode" in refused


def refusal(called: Contract) -> str:
    with pytest.raises(FabricError) as caught:
        called.evaluate("Anything")
    assert "exit status 7" in str(caught.value)  # before that, the peers do not know it yet
    return str(caught.value)
