"""Chaincode that several scenarios call."""

from collections.abc import AsyncIterator, Iterator

import pytest

from network.folder import Folder
from tests.conftest import Commands
from tests.scenarios.deploying import Service, define, deploy, free_address, served, unused_name
from tests.scenarios.vaults import ANYONE, CENTRES, Vault, collections


@pytest.fixture(scope="session")
def counter_service(
    request: pytest.FixtureRequest, network: Folder, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The counter contract, on the channel and running."""
    commands = Commands(network, tmp_path_factory.mktemp("deploy"))
    service = deploy(request, commands, unused_name("counter"), free_address())
    with served(service, "tests.scenarios.counter"):
        yield service


@pytest.fixture(scope="session")
def vault_service(network: Folder) -> Iterator[Service]:
    """The vault contract, which any organisation endorses, on the channel and running."""
    service = define(network, unused_name("vault"), free_address(), policy=ANYONE, collections=collections())
    with served(service, "tests.scenarios.vault"):
        yield service


@pytest.fixture(scope="session")
def second_service(network: Folder) -> Iterator[Service]:
    """The vault contract again, as a chaincode that both data centres must endorse."""
    service = define(network, unused_name("second"), free_address(), policy=CENTRES)
    with served(service, "tests.scenarios.vault"):
        yield service


@pytest.fixture
async def vault(vault_service: Service) -> AsyncIterator[Vault]:
    """The vault, and every organisation's issuer."""
    async with Vault(vault_service.folder, vault_service.name) as vault:
        await vault.wait_until_it_runs()
        yield vault
