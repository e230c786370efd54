"""Contracts in other languages, each a service of its own that peers dial."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from node_client import ConnectionProfile, Gateway
from node_client.gateway._sync.contract import Contract
from tests.conftest import Commands
from tests.interop.tools import java_program, npm_project, require
from tests.scenarios.deploying import Service, define, deploy, free_address, patiently, unused_name

# For the city and Tri-Valley; an endorser gives the data to the other one before it answers.
COLLECTION = "pair"
COLLECTIONS = json.dumps(
    [
        {
            "name": COLLECTION,
            "policy": "OR('CityMSP.member','TriValleyMSP.member')",
            "requiredPeerCount": 1,
            "maxPeerCount": 1,
            "memberOnlyRead": True,
        }
    ]
)


@dataclass(frozen=True)
class Tls:
    """A service's TLS: files of its key and certificate, and of the authority whose clients it lets in."""

    key: Path
    certificate: Path
    client_roots: Path


@contextmanager
def node_service(service: Service, log: Path, tls: Tls | None = None) -> Iterator[None]:
    """The contract of node_shim, served by `fabric-chaincode-node server`."""
    folder = npm_project("node_shim")
    tool = folder / "node_modules" / ".bin" / "fabric-chaincode-node"
    options = ["--chaincode-address", service.address, "--chaincode-id", service.package_id]
    if tls:
        options += ["--chaincode-tls-key-file", str(tls.key), "--chaincode-tls-cert-file", str(tls.certificate)]
        options += ["--chaincode-tls-client-cacert-file", str(tls.client_roots)]
    with _running([require("node", 20), str(tool), "server", *options], {}, folder, log):
        yield


@contextmanager
def java_service(service: Service, log: Path, tls: Tls | None = None) -> Iterator[None]:
    """The contract of java_shim, served by the shim's `NettyChaincodeServer`."""
    variables = {"CHAINCODE_SERVER_ADDRESS": service.address, "CHAINCODE_ID": service.package_id}
    if tls:
        variables["CHAINCODE_TLS_KEY"] = str(tls.key)
        variables["CHAINCODE_TLS_CERT"] = str(tls.certificate)
        variables["CHAINCODE_CLIENT_CA_CERT"] = str(tls.client_roots)
    with _running([*java_program("java_shim"), "interop.Main"], variables, log.parent, log):
        yield


SERVICES = {"node": node_service, "java": java_service}


@contextmanager
def _running(command: Sequence[str], variables: Mapping[str, str], cwd: Path, log: Path) -> Iterator[None]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=cwd, env={**os.environ, **variables}, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def on_the_channel(request: pytest.FixtureRequest, commands: Commands, stem: str) -> Service:
    """Put a contract on the channel as its writer would, and upgrade it to one with private data collections."""
    service = deploy(request, commands, unused_name(stem), free_address())
    return define(commands.folder, service.name, service.address, collections=COLLECTIONS)


def wait_until_it_runs(service: Service) -> None:
    """Peers dial a service by and by, and hear of each other's chaincode: wait until all three endorse everywhere."""
    organisations = service.folder.topology().organisations
    everyone = [one.msp_id for one in organisations]
    for one in organisations:
        with gateway(service, one.name, "admin") as connected:
            contract = connected.get_network("certificates").get_contract(service.name)
            proposal = contract.new_proposal("org.hyperledger.fabric:GetMetadata", organizations=everyone)
            patiently(proposal.endorse)


def gateway(service: Service, organisation: str = "City", user: str = "issuer") -> Gateway:
    """Our own client at an organisation's gateway."""
    profile = ConnectionProfile.load(service.folder.organisation(organisation) / "connection.json")
    return Gateway.from_profile(profile, organisation, user)


@dataclass(frozen=True)
class Store:
    """The contract `store` as our own client calls it; its results are JSON.

    Attributes:
        language: what it is written in, `node` or `java`.
    """

    language: str
    service: Service
    contract: Contract

    def submit(self, function: str, *arguments: str, **options: Any) -> Any:
        return _read(self.contract.submit(function, *arguments, **options))

    def evaluate(self, function: str, *arguments: str, **options: Any) -> Any:
        return _read(self.contract.evaluate(function, *arguments, **options))


def _read(result: bytes) -> Any:
    return json.loads(result) if result else None
