"""Chaincode that several scenarios call."""

from collections.abc import Iterator

import pytest

from network.folder import Folder
from tests.conftest import Commands
from tests.scenarios.deploying import Service, deploy, free_address, served, unused_name


@pytest.fixture(scope="session")
def counter_service(
    request: pytest.FixtureRequest, network: Folder, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The counter contract, on the channel and running."""
    commands = Commands(network, tmp_path_factory.mktemp("deploy"))
    service = deploy(request, commands, unused_name("counter"), free_address())
    with served(service, "tests.scenarios.counter"):
        yield service
