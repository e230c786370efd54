"""Chaincode of type `python`, which Fabric's peers launch by our external builder."""

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from network.folder import Folder
from node_client import ConnectionProfile, Gateway
from node_client.gateway._sync.contract import Contract
from node_client.protocol.chaincode_package import chaincode_package
from tests.scenarios.deploying import define, patiently, unused_name

pytestmark = pytest.mark.fabric


@pytest.fixture(scope="module")
def name(network: Folder) -> str:
    name = unused_name("launched")
    code = {
        "launch.json": b'{"module": "counting"}',
        "counting.py": Path(__file__).with_name("counter.py").read_bytes(),
        "json.py": b"raise SystemExit('the package has taken the place of the library')",
    }
    define(network, name, "", package=chaincode_package(f"{name}_1", "python", code))
    return name


@pytest.fixture
def counter(network: Folder, name: str) -> Iterator[Contract]:
    profile = ConnectionProfile.load(network.organisation("City") / "connection.json")
    with Gateway.from_profile(profile, "City", "issuer") as gateway:
        yield gateway.get_network("certificates").get_contract(name)


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


def runs(process: psutil.Process, name: str, network: Folder) -> bool:
    """Whether a process is this chaincode's, beside a peer of this network: its command names where it was built."""
    built = f"{name}_1-"
    return any(
        argument.startswith(str(network.path)) and built in argument for argument in process.info["cmdline"] or ()
    )
