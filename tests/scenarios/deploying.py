"""Putting chaincode of the tests on whichever network they run on."""

import os
import random
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from network.folder import Folder
from network.ports import FREE
from network.topology import CHANNEL
from node_client import ConnectionProfile, FabricError, Gateway
from node_client.admin._sync.lifecycle import Lifecycle
from node_client.protocol.chaincode_package import package_id, service_package
from node_client.protocol.collection_config import encode_collections, read_collections
from node_client.protocol.lifecycle import ChaincodeDefinition
from node_client.protocol.policy_dsl import parse_policy
from tests.conftest import Commands

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 60.0
TWO_OF_THREE = "OutOf(2,'CityMSP.peer','NishitetsuMSP.peer','TriValleyMSP.peer')"

T = TypeVar("T")

_given: set[int] = set()


@dataclass(frozen=True)
class Service:
    """A chaincode on the channel, and where it serves."""

    folder: Folder
    name: str
    package_id: str
    address: str
    sequence: int


def unused_name(stem: str) -> str:
    """A chaincode's name that no earlier run of the tests has put on the channel."""
    return f"{stem}-{secrets.token_hex(4)}"


def free_address() -> str:
    """An address of this machine that nobody listens on now, and never the same twice.

    gRPC's servers share a port without a word. Outgoing connections take none of these while nobody listens yet.
    """
    while True:
        port = random.choice(FREE)
        with suppress(OSError), socket.socket() as one:
            one.bind(("127.0.0.1", port))
            if port not in _given:
                _given.add(port)
                return f"127.0.0.1:{port}"


def deploy(request: pytest.FixtureRequest, commands: Commands, name: str, address: str, policy: str = "") -> Service:
    """Put a chaincode on the channel: by the command, or on a network that is not the command's by the lifecycle."""
    if request.config.getoption("--network"):
        return define(commands.folder, name, address, policy=policy)
    options = ["--policy", policy] if policy else []
    (record,) = commands.ok("chaincode", "deploy", name, "--address", address, *options)
    return Service(commands.folder, name, record["packageId"], address, record["sequence"])


def define(
    folder: Folder,
    name: str,
    address: str,
    *,
    policy: str = "",
    version: str = "1",
    collections: str = "",
    init_required: bool = False,
    package: bytes | None = None,
    without: frozenset[str] = frozenset(),
) -> Service:
    """Put a chaincode on the channel through the lifecycle, as the organisations' admins would.

    Args:
        collections: its private data collections, in Fabric's JSON form.
        package: instead of the one that names the address.
        without: organisations that do not install the package, though they approve the definition.
    """
    label = f"{name}_1"
    package = package or service_package(label, address)
    organisations = folder.topology().organisations
    with ExitStack() as stack:
        admins = {}
        for one in organisations:
            profile = ConnectionProfile.load(folder.organisation(one.name) / "connection.json")
            gateway = stack.enter_context(Gateway.from_profile(profile, one.name, "admin"))
            admins[one.name] = Lifecycle(gateway, CHANNEL)
        first = next(iter(admins.values()))
        committed = first.committed(name)
        sequence = committed.definition.sequence + 1 if committed else 1
        definition = ChaincodeDefinition(
            name=name,
            version=version,
            sequence=sequence,
            policy=parse_policy(policy) if policy else b"",
            collections=encode_collections(read_collections(collections)) if collections else b"",
            init_required=init_required,
        )
        for organisation, admin in admins.items():
            if organisation not in without:
                admin.install(package)
            admin.approve(definition, "" if organisation in without else package_id(label, package))
        # Every peer must have heard of every approval before they can come to the same result.
        patiently(lambda: first.commit(definition, [one.msp_id for one in organisations]))
    return Service(folder, name, package_id(label, package), address, sequence)


def define_apart(folder: Folder, name: str) -> dict[str, Service]:
    """Put a chaincode on the channel that every organisation runs as a service of its own, and any two endorse.

    Returns:
        The organisations' services, by their names.
    """
    services = {}
    with ExitStack() as stack:
        admins = {}
        definition = ChaincodeDefinition(name=name, version="1", sequence=1, policy=parse_policy(TWO_OF_THREE))
        for organisation in (one.name for one in folder.topology().organisations):
            profile = ConnectionProfile.load(folder.organisation(organisation) / "connection.json")
            gateway = stack.enter_context(Gateway.from_profile(profile, organisation, "admin"))
            admin = admins[organisation] = Lifecycle(gateway, CHANNEL)
            address = free_address()
            package = service_package(f"{name}_1", address)
            identifier = package_id(f"{name}_1", package)
            admin.install(package)
            admin.approve(definition, identifier)
            services[organisation] = Service(folder, name, identifier, address, 1)
        patiently(lambda: admins["City"].commit(definition, [one.msp_id for one in folder.topology().organisations]))
    return services


def patiently(attempt: Callable[[], T], failure: type[Exception] = FabricError) -> T:
    """Try until it succeeds: peers hear of each other and of new chaincode by and by."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return attempt()
        except failure:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@contextmanager
def served(
    service: Service, module: str, variables: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a chaincode as a service, as `python -m MODULE`."""
    environment = {
        **os.environ,
        "CHAINCODE_ID": service.package_id,
        "CHAINCODE_SERVER_ADDRESS": service.address,
        "CHAINCODE_TLS_DISABLED": "true",
        **(variables or {}),
    }
    process = subprocess.Popen([sys.executable, "-m", module], cwd=ROOT, env=environment)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
