"""The network's process is killed between endorsement and commit: no organisation loses its private data."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import psutil
import pytest

from network import control
from network.folder import Folder
from tests.scenarios.deploying import define, free_address, served, unused_name
from tests.scenarios.vaults import ANYONE, Vault, collections, eventually

pytestmark = pytest.mark.embedded

PATIENCE = 60.0


@pytest.fixture
async def own_vault(own_network: Folder) -> AsyncIterator[tuple[Folder, str]]:
    """A vault on a network of its own; its service goes on when the network is killed."""
    service = define(own_network, unused_name("vault"), free_address(), policy=ANYONE, collections=collections())
    async with AsyncExitStack() as stack:
        stack.enter_context(served(service, "tests.scenarios.vault"))
        yield own_network, service.name


async def kill_and_start(folder: Folder) -> None:
    pid = control.status(folder).pid
    assert pid
    process = psutil.Process(pid)
    process.kill()
    await asyncio.to_thread(process.wait, PATIENCE)
    await asyncio.to_thread(control.up, folder)


async def test_private_data_outlive_a_kill_between_endorsement_and_commit(own_vault: tuple[Folder, str]) -> None:
    folder, name = own_vault
    collections_of = {
        "pair": ("City", "TriValley"),  # each has it since the endorsement
        "quiet": ("City", "TriValley"),  # the endorser has it alone, until the commit
        "_implicit_org_CityMSP": ("City",),
    }
    async with Vault(folder, name) as vault:
        await vault.wait_until_it_runs()
        endorsed = []
        for collection in collections_of:
            transient = {"value": collection.encode()}
            proposal = vault.at("City").new_proposal(
                "PutPrivate", collection, "k", transient=transient, organizations=["CityMSP"]
            )
            endorsed.append((await proposal.endorse()).serialized)
        await kill_and_start(folder)
    async with Vault(folder, name) as vault:
        await vault.wait_until_it_runs()
        for data in endorsed:
            transaction = vault.gateways["City"].new_transaction(data)
            assert (await (await transaction.submit()).status()).successful
        for collection, organisations in collections_of.items():
            for organisation in organisations:
                assert await vault.read(organisation, "GetPrivate", collection, "k") == collection
        await kill_and_start(folder)
    async with Vault(folder, name) as vault:
        await vault.wait_until_it_runs()
        for collection, organisations in collections_of.items():
            for organisation in organisations:
                await eventually(
                    lambda one=organisation, collection=collection: vault.read(one, "GetPrivate", collection, "k"),
                    lambda told, collection=collection: told == collection,
                )


async def test_what_was_never_submitted_is_seen_by_nobody(own_vault: tuple[Folder, str]) -> None:
    folder, name = own_vault
    async with Vault(folder, name) as vault:
        await vault.wait_until_it_runs()
        transient = {"value": b"v"}
        await vault.at("City").new_proposal("PutPrivate", "pair", "k", transient=transient).endorse()
        await kill_and_start(folder)
    async with Vault(folder, name) as vault:
        await vault.wait_until_it_runs()
        for organisation in ("City", "TriValley"):
            assert await vault.read(organisation, "GetPrivate", "pair", "k") == "-"
            assert await vault.read(organisation, "GetHash", "pair", "k") == ""
