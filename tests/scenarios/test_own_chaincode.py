"""Chaincode of an integrator's own, deployed as a service, called by the client library."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fabric_protos.peer.lifecycle import lifecycle_pb2

from network.folder import Folder
from node_client import AsyncGateway, CommitError, ConnectionProfile, EndorseError, EvaluateError, Gateway
from node_client.gateway._async.contract import AsyncContract
from tests.conftest import Commands
from tests.scenarios.deploying import Service, deploy, unused_name


@pytest.fixture
async def counter(counter_service: Service) -> AsyncIterator[AsyncContract]:
    async with _gateway(counter_service.folder, "City") as gateway:
        contract = gateway.get_network("certificates").get_contract(counter_service.name)
        await _until_it_runs(contract)
        yield contract


def _gateway(folder: Folder, organisation: str, user: str = "issuer") -> AsyncGateway:
    profile = ConnectionProfile.load(folder.organisation(organisation) / "connection.json")
    return AsyncGateway.from_profile(profile, organisation, user)


async def _until_it_runs(contract: AsyncContract) -> None:
    """The peers dial the service by and by: wait until all three of them answer."""
    async with asyncio.timeout(60):
        while True:
            try:
                for msp_id in ("CityMSP", "NishitetsuMSP", "TriValleyMSP"):
                    await contract.evaluate("Who", organizations=[msp_id])
                return
            except EvaluateError:
                await asyncio.sleep(0.05)


async def test_state_history_and_deletion(counter: AsyncContract) -> None:
    assert await counter.submit("Add", "a", "2") == b"2"
    assert await counter.submit("Add", "a", "3") == b"5"
    await counter.submit("Forget", "a")
    assert json.loads(await counter.evaluate("History", "a")) == ["deleted", "5", "2"]
    assert json.loads(await counter.evaluate("Names", "a", "a\0")) == []


async def test_ranges_are_in_byte_order(counter: AsyncContract) -> None:
    names = ["r-1", "r-10", "r-2", "r-é", "r-漢", "r-𠮷"]
    for name in names:
        await counter.submit("Add", name, "1")
    assert json.loads(await counter.evaluate("Names", "r-", "r-\U0010ffff")) == sorted(names, key=str.encode)


async def test_contracts_refusal_writes_nothing(counter: AsyncContract) -> None:
    with pytest.raises(EndorseError) as caught:
        await counter.submit("Fail", "a reason")
    assert caught.value.refusal == "NO: a reason"
    assert json.loads(await counter.evaluate("Names", "failed", "failee")) == []


async def test_broken_contract_says_so_and_goes_on(counter: AsyncContract) -> None:
    with pytest.raises(EndorseError) as caught:
        await counter.submit("BreakDown")
    assert "INTERNAL" in caught.value.refusal
    with pytest.raises(EvaluateError):
        await counter.evaluate("NoSuchFunction")
    with pytest.raises(EndorseError):
        await counter.submit("Add", "x", "many")
    assert await counter.submit("Add", "still there", "1") == b"1"


async def test_results_that_differ_are_not_endorsed(counter: AsyncContract) -> None:
    with pytest.raises(EndorseError) as caught:
        await counter.submit("Differ")
    assert "ProposalResponsePayloads do not match" in str(caught.value)


async def test_of_two_writes_of_one_key_one_is_valid(counter: AsyncContract) -> None:
    first, second = [await counter.new_proposal("Add", "same", "1").endorse() for _ in range(2)]
    commits = await asyncio.gather(first.submit(), second.submit())
    statuses = await asyncio.gather(*(commit.status() for commit in commits))
    assert sorted(status.name for status in statuses) == ["MVCC_READ_CONFLICT", "VALID"]
    assert await counter.submit("Add", "same", "0") == b"1"


async def test_phantom(counter: AsyncContract) -> None:
    await counter.submit("Add", "p-1", "1")
    transaction = await counter.new_proposal("AddAll", "p-").endorse()
    await counter.submit("Add", "p-2", "1")
    commit = await transaction.submit()
    with pytest.raises(CommitError) as caught:
        await commit.require_valid()
    assert caught.value.code == "PHANTOM_READ_CONFLICT"


async def test_same_transaction_twice(counter: AsyncContract) -> None:
    transaction = await counter.new_proposal("Add", "twice", "1").endorse()
    for _ in range(2):
        commit = await transaction.submit()
        assert (await commit.status()).successful
    assert await counter.submit("Add", "twice", "0") == b"1"


async def test_transient_and_creator(counter: AsyncContract, counter_service: Service) -> None:
    assert await counter.evaluate("Transient", "k", transient={"k": b"secret"}) == b"secret"
    async with _gateway(counter_service.folder, "TriValley", "auditor") as gateway:
        contract = gateway.get_network("certificates").get_contract(counter_service.name)
        assert json.loads(await contract.evaluate("Who")) == {"mspId": "TriValleyMSP", "role": "auditor"}


async def test_events_come_in_order(counter: AsyncContract, counter_service: Service) -> None:
    async with _gateway(counter_service.folder, "Nishitetsu", "auditor") as gateway:
        network = gateway.get_network("certificates")
        height = await network.height()
        for amount in range(5):
            await counter.submit("Add", "event", str(amount))
        seen = []
        async with network.chaincode_events(counter_service.name, start_block=height) as events:
            async for event in events:
                seen.append((event.event_name, event.payload.decode()))
                if len(seen) == 5:
                    break
    assert seen == [("Added", f"event={total}") for total in (0, 1, 3, 6, 10)]


def test_upgrade(request: pytest.FixtureRequest, network: Folder, tmp_path: Path) -> None:
    commands, name = Commands(network, tmp_path), unused_name("upgraded")
    for sequence in (1, 2):
        service = deploy(request, commands, name, "localhost:1", "AND('CityMSP.peer','TriValleyMSP.peer')")
        assert service.sequence == sequence


def test_collections_and_initialisation_are_part_of_the_definition(commands: Commands, network: Folder) -> None:
    name, file = unused_name("private"), commands.home / "collections_config.json"
    policy = "OR('CityMSP.member','NishitetsuMSP.member')"
    file.write_text(json.dumps([{"name": "office", "policy": policy, "requiredPeerCount": 0, "maxPeerCount": 1}]))
    arguments = ["chaincode", "deploy", name, "--address", "localhost:1", "--init-required", "--collections"]
    commands.ok(*arguments, file)
    profile = ConnectionProfile.load(network.organisation("City") / "connection.json")
    with Gateway.from_profile(profile, "City", "admin") as gateway:
        asked = lifecycle_pb2.QueryChaincodeDefinitionArgs(name=name).SerializeToString()
        lifecycle = gateway.get_network("certificates").get_contract("_lifecycle")
        defined = lifecycle_pb2.QueryChaincodeDefinitionResult.FromString(
            lifecycle.evaluate("QueryChaincodeDefinition", asked)
        )
    (collection,) = defined.collections.config
    assert collection.static_collection_config.name == "office"
    assert defined.init_required

    file.write_text('[{"name": "office"}]')
    assert commands(*arguments, file).status == 2
    assert commands(*arguments, commands.home / "missing.json").status == 2
