"""The official clients, each in a program of its own, and a contract of ours for them to call."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from network.folder import Folder
from tests.conftest import Commands
from tests.interop.programs import Program
from tests.interop.services import on_the_channel, wait_until_it_runs
from tests.interop.tools import java_program, npm_project, require
from tests.scenarios.deploying import Service, served

CLIENTS = ("node", "java")


@pytest.fixture(scope="session")
def office(network: Folder, tmp_path_factory: pytest.TempPathFactory) -> Commands:
    """Commands on the shared network, for fixtures that several modules use."""
    return Commands(network, tmp_path_factory.mktemp("interop"))


@pytest.fixture(scope="session")
def profiles(office: Commands) -> Path:
    """A folder with what `certledger network profile ORG` prints, as ORG.json, for every organisation."""
    folder = office.home / "profiles"
    folder.mkdir()
    for organisation in office.folder.topology().organisations:
        result = office("network", "profile", organisation.name)
        assert result.status == 0, result
        (folder / f"{organisation.name}.json").write_text(result.output, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def contract(request: pytest.FixtureRequest, office: Commands) -> Iterator[Service]:
    """Our contract, on the channel and answering at every organisation's peer."""
    service = on_the_channel(request, office, "interop")
    with served(service, "tests.interop.contract"):
        wait_until_it_runs(service)
        yield service


@pytest.fixture(scope="session")
def node_client(profiles: Path) -> Iterator[Program]:
    """The official Node client."""
    folder = npm_project("node_client")
    command = [require("node", 20), "main.js", str(profiles)]
    with Program(command, cwd=folder, log=profiles.parent / "node-client.log") as program:
        yield program


@pytest.fixture(scope="session")
def java_client(profiles: Path) -> Iterator[Program]:
    """The official Java client."""
    command = [*java_program("java_client"), "interop.Main", str(profiles)]
    with Program(command, cwd=profiles, log=profiles.parent / "java-client.log") as program:
        yield program


@dataclass(frozen=True)
class Client:
    """An official client and the contract that it calls, as the city's issuer unless said otherwise."""

    program: Program
    service: Service

    def __call__(self, operation: str, function: str = "", *arguments: str, **options: object) -> object:
        """Carry out an operation of the client's program, mostly a call of one of the contract's functions."""
        request = {
            "as": {"organisation": "City", "user": "issuer"},
            "chaincode": self.service.name,
            "function": function,
            "arguments": list(arguments),
            **options,
        }
        return self.program(operation, **request)


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest, contract: Service) -> Client:
    """Either official client: what a test says holds for both."""
    return Client(request.getfixturevalue(f"{request.param}_client"), contract)
