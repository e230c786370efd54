"""A launched contract that hangs does not outlive its peer, however that ends. The same on real Fabric."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from network import control
from network.folder import Folder
from node_client import ConnectionProfile, FabricError, Gateway
from tests.conftest import Commands
from tests.scenarios.deploying import patiently

CONTRACT = """
import time
from chaincode.contract import Context, Contract, ContractChaincode, evaluate
from chaincode.shim import main


class Hanging(Contract):
    @evaluate
    async def hang(self, context: Context, flag: str) -> str:
        open(flag, "x").close()
        time.sleep(1000)
        return ""


main(ContractChaincode(Hanging()))
"""


@pytest.mark.parametrize("killed", [True, False], ids=["killed", "stopped"])
def test_it_ends_with_the_peer_that_launched_it(own_network: Folder, tmp_path: Path, killed: bool) -> None:
    source, flag = tmp_path / "source", tmp_path / "hangs"
    source.mkdir()
    (source / "launch.json").write_text('{"module": "hanging"}')
    (source / "hanging.py").write_text(CONTRACT)
    Commands(own_network, tmp_path).ok("chaincode", "deploy", "hanging", "--source", source)
    profile = ConnectionProfile.load(own_network.organisation("City") / "connection.json")

    with Gateway.from_profile(profile, "City", "issuer") as gateway, ThreadPoolExecutor() as pool:
        contract = gateway.get_network("certificates").get_contract("hanging")
        called = pool.submit(contract.evaluate, "Hang", str(flag), organizations=["CityMSP"])
        patiently(flag.stat, FileNotFoundError)
        (launched,) = [one for one in psutil.process_iter() if runs(one, own_network)]
        if killed:
            os.kill(launched.ppid(), signal.SIGKILL)  # the peer, or the process that is all peers
        else:
            control.down(own_network)
        _, alive = psutil.wait_procs([launched], timeout=60)
        assert not alive
        with pytest.raises(FabricError):
            called.result()


def runs(process: psutil.Process, network: Folder) -> bool:
    """Whether a process is the contract beside the city's peer: its command names where it was built."""
    with suppress(psutil.Error):
        built = [one.removeprefix(str(network.path)) for one in process.cmdline() if one.startswith(str(network.path))]
        return any("city" in one.lower() and "hanging_1-" in one for one in built)
    return False
