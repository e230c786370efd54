"""Making, starting, stopping and asking after the network of a folder."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from network.channel_config import first_block
from network.crypto import create_organisation, create_user
from network.errors import NetworkError, StartError
from network.folder import Folder
from network.lock import holder
from network.ports import chosen_ports
from network.profiles import write_profiles
from network.topology import CHANNEL, Organisation, default_configtx, read_topology, with_ports
from network.trust import write_trust

STOP_PATIENCE = 15.0  # seconds that the network has to end before it is killed


@dataclass(frozen=True)
class OrganisationStatus:
    """One organisation's part of the network.

    Attributes:
        peer: the peer's address.
        mutual_tls_peer: where it demands a client's TLS certificate.
        height: None when the peer does not answer.
    """

    name: str
    msp_id: str
    peer: str
    mutual_tls_peer: str
    orderer: str
    height: int | None


@dataclass(frozen=True)
class NetworkStatus:
    """What the network does now."""

    running: bool
    pid: int | None
    organisations: tuple[OrganisationStatus, ...]


def up(folder: Folder, *, ports: str = "") -> bool:
    """Start the network of a folder, making it when it is not there, and wait until it serves.

    Args:
        ports: `auto` for free ports, or a number that becomes the first of four for each organisation; only for a new
            network.

    Returns:
        Whether it was started; false when it ran already.

    Raises:
        NetworkError: it could not be made or did not come up.
    """
    created = not folder.exists
    if created:
        create(folder, ports=ports)
    elif ports:
        raise NetworkError(
            "the network has been made already, and its ports with it", "leave --ports out, or use another --dir"
        )
    if holder(_lock(folder)) is not None:
        return False
    try:
        _start(folder)
    except StartError:
        if created and holder(_lock(folder)) is None:
            folder.remove()  # it holds nothing yet, and the next attempt may want other ports
        raise
    return True


def create(folder: Folder, *, ports: str = "") -> None:
    """Make a network's folder: keys, the channel's first block, profiles. Raises NetworkError."""
    text = default_configtx()
    if ports:
        text = with_ports(text, chosen_ports(read_topology(text), ports))
    topology = read_topology(text)

    def fill(path: Path) -> None:
        for organisation in topology.organisations:
            create_organisation(path / organisation.name, organisation)
        (path / "configtx.yaml").write_text(text, encoding="utf-8")
        block = first_block(topology.profile, CHANNEL, path)
        (path / "channel.block").write_bytes(block)
        write_trust(path / "trust.json", block)

    folder.make(fill)
    write_profiles(folder, topology)


def add_identity(folder: Folder, organisation: str, name: str, role: str) -> Organisation:
    """Make another identity in an organisation, with a profile for it. Raises NetworkError."""
    topology = folder.topology()
    found = topology.organisation(organisation)
    try:
        create_user(folder.organisation(found.name), name, role)
        write_profiles(folder, topology)
    except OSError as error:
        raise NetworkError(f"the identity cannot be written: {error}") from error
    return found


def down(folder: Folder, *, purge: bool = False) -> bool:
    """Stop the network; with `purge`, remove its folder as well.

    Returns:
        Whether it was running.
    """
    folder.require()
    pid = holder(_lock(folder))
    if pid:
        _stop(folder, pid)
    if purge:
        folder.remove()
    return pid is not None


def status(folder: Folder) -> NetworkStatus:
    """Whether the network runs, and how far every organisation's peer is."""
    topology = folder.topology()
    pid = holder(_lock(folder))
    return NetworkStatus(
        running=pid is not None,
        pid=pid,
        organisations=tuple(
            OrganisationStatus(
                one.name,
                one.msp_id,
                one.peer,
                one.mutual_tls_peer,
                one.orderer,
                _height(folder, one) if pid is not None else None,
            )
            for one in topology.organisations
        ),
    )


def logs(folder: Folder) -> list[Path]:
    """The network's log files: its own first, then the chaincodes'."""
    folder.require()
    own = folder.embedded / "embedded.log"
    return [path for path in (own, *sorted(folder.embedded.glob("chaincode-*.log"))) if path.exists()]


def _height(folder: Folder, organisation: Organisation) -> int | None:
    # Imported here: starting and stopping a network needs no client.
    from fabric_protos.common import ledger_pb2

    from node_client import ConnectionProfile, FabricError, Gateway

    profile = ConnectionProfile.load(folder.organisation(organisation.name) / "connection.json")
    try:
        with Gateway.from_profile(profile, organisation.name, "admin") as gateway:
            answer = gateway.get_network(CHANNEL).get_contract("qscc").evaluate("GetChainInfo", CHANNEL)
            return ledger_pb2.BlockchainInfo.FromString(answer).height
    except FabricError:
        return None


def _lock(folder: Folder) -> Path:
    return folder.embedded / "lock"


def _start(folder: Folder) -> None:
    log = folder.embedded / "embedded.log"
    reader, writer = os.pipe()
    try:
        folder.embedded.mkdir(exist_ok=True)
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "network.embedded", str(folder.path), "--ready-fd", str(writer)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(writer,),
                start_new_session=True,
                cwd=folder.path,
            )
    except OSError as error:
        os.close(reader)
        raise StartError(f"the network cannot be started: {error}") from error
    finally:
        os.close(writer)
    # The network outlives this call; should it end before this process does, somebody must have waited for it.
    Thread(target=process.wait, daemon=True).start()
    with os.fdopen(reader, encoding="utf-8") as pipe:
        # The line comes when the network serves; the pipe ends without one when its process does.
        line = pipe.readline()
    if not line:
        code = process.wait()
        raise StartError(f"the network ended while it started (status {code})", f"its log is {log}")
    answer = json.loads(line)
    if not answer["ok"]:
        process.wait()
        raise StartError(answer["message"], answer.get("nextStep", ""))


def _stop(folder: Folder, pid: int) -> None:
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_PATIENCE
    while holder(_lock(folder)) == pid:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            deadline = float("inf")
        time.sleep(0.02)
