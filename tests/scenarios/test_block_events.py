"""Block events by the client library: whole blocks, filtered ones, with private data; replayed and gone on with."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any, TypeVar

import pytest
from fabric_protos.ledger.rwset import rwset_pb2

from chaincode.ledger.read_write_set import decode_private
from network.authority import Authority
from network.folder import Folder
from network.topology import CHANNEL
from node_client import AsyncGateway, ConnectionProfile, FileCheckpointer, Identity, KeySigner, MemoryCheckpointer
from node_client.admin._async.lifecycle import AsyncLifecycle
from node_client.gateway._async.network import AsyncNetwork
from node_client.protocol.lifecycle import ChaincodeDefinition
from node_client.protocol.transaction import open_envelope, parse_transaction
from tests.scenarios.deploying import unused_name

DEADLINE = 60.0
T = TypeVar("T")


def gateway_of(folder: Folder, organisation: str, user: str, *, mutual_tls: bool = False) -> AsyncGateway:
    profile = ConnectionProfile.load(folder.organisation(organisation) / "connection.json")
    return AsyncGateway.from_profile(profile, organisation, user, mutual_tls=mutual_tls)


@pytest.fixture
async def channel(network: Folder) -> AsyncIterator[AsyncNetwork]:
    async with gateway_of(network, "City", "issuer") as gateway:
        yield gateway.get_network(CHANNEL)


async def issue(channel: AsyncNetwork) -> tuple[str, int]:
    """Have something committed. Returns its transaction id and block."""
    contract = channel.get_contract("registry")
    proposal = contract.new_proposal("IssueCertificate", secrets.token_hex(16), secrets.token_hex(32))
    commit = await (await proposal.endorse()).submit()
    status = await commit.status()
    assert status.successful
    return status.transaction_id, status.block_number


async def first(stream: AsyncIterator[T], wanted: Callable[[T], bool]) -> T:
    """The first event that is wanted; those before it are passed over."""
    async with asyncio.timeout(DEADLINE):
        async for event in stream:
            if wanted(event):
                return event
    raise AssertionError("the stream has ended")


async def test_blocks_are_replayed_from_the_first_one_as_a_chain(channel: AsyncNetwork) -> None:
    transaction_id, number = await issue(channel)
    blocks = []
    async with channel.block_events(start_block=0) as stream:
        async for block in stream:
            blocks.append(block)
            if block.number == number:
                break
    assert [block.number for block in blocks] == list(range(number + 1))
    assert all(after.previous_hash == before.hash for before, after in pairwise(blocks))
    last = blocks[-1]
    found = {parse_transaction(open_envelope(one)[0]).proposal.transaction_id for one in last.envelopes}
    assert transaction_id in found
    assert len(last.validation_codes) == len(last.envelopes)


async def test_filtered_block_names_the_transaction_and_its_event_without_payload(channel: AsyncNetwork) -> None:
    transaction_id, number = await issue(channel)
    async with channel.filtered_block_events(start_block=number) as stream:
        block = await first(stream, lambda _: True)
    assert (block.channel, block.number) == (CHANNEL, number)
    one = next(one for one in block.transactions if one.transaction_id == transaction_id)
    assert (one.successful, one.name, one.type) == (True, "VALID", 3)
    (event,) = one.events
    assert (event.chaincode_name, event.event_name, event.payload) == ("registry", "CertificateIssued", b"")
    assert (event.transaction_id, event.block_number) == (transaction_id, number)


async def test_new_blocks_come_as_they_are_committed(channel: AsyncNetwork) -> None:
    async with channel.filtered_block_events() as stream:
        waiting = asyncio.ensure_future(first(stream, lambda block: bool(block.transactions)))
        ids = set()
        while not waiting.done():
            ids.add((await issue(channel))[0])
        seen = await waiting
        assert any(one.transaction_id in ids for one in seen.transactions)


async def test_blocks_go_on_after_a_checkpoint(channel: AsyncNetwork, tmp_path: Any) -> None:
    path = tmp_path / "checkpoint.json"
    _, number = await issue(channel)
    checkpoint = FileCheckpointer(path)
    async with channel.block_events(start_block=number, checkpoint=checkpoint) as stream:
        block = await first(stream, lambda _: True)
        checkpoint.checkpoint_block(block.number)
    await issue(channel)
    async with channel.block_events(start_block=0, checkpoint=FileCheckpointer(path)) as stream:
        assert (await first(stream, lambda _: True)).number == number + 1


async def test_private_data_come_to_who_holds_them(network: Folder) -> None:
    name = unused_name("approved")
    definition = ChaincodeDefinition(name=name, version="1", sequence=1)
    async with gateway_of(network, "City", "admin") as city, gateway_of(network, "TriValley", "admin") as other:
        start = await city.get_network(CHANNEL).height()
        await AsyncLifecycle(city, CHANNEL).approve(definition, "")
        expected = f"namespaces/fields/{name}#1/"

        async def private_sets(gateway: AsyncGateway) -> dict[tuple[int, int], list[rwset_pb2.NsPvtReadWriteSet]]:
            """What the organisation is given of the blocks up to the one with the approval."""
            end = await city.get_network(CHANNEL).height()
            found = {}
            async with gateway.get_network(CHANNEL).block_and_private_data_events(start_block=start) as stream:
                async for event in stream:
                    for place, data in event.private.items():
                        sets = rwset_pb2.TxPvtReadWriteSet.FromString(data)
                        assert sets.data_model == rwset_pb2.TxReadWriteSet.KV
                        found[event.block.number, place] = list(sets.ns_pvt_rwset)
                    if event.block.number == end - 1:
                        return found
            raise AssertionError("the stream has ended")

        def approvals(found: dict[tuple[int, int], list[rwset_pb2.NsPvtReadWriteSet]]) -> list[tuple[str, str]]:
            return [
                (one.namespace, collection.collection_name)
                for sets in found.values()
                for one in sets
                for collection in one.collection_pvt_rwset
                if any(key.startswith(expected) for key in decode_private(collection.rwset))
            ]

        assert approvals(await private_sets(city)) == [("_lifecycle", "_implicit_org_CityMSP")]
        assert approvals(await private_sets(other)) == []


async def test_events_of_a_chaincode_are_replayed_and_gone_on_with(channel: AsyncNetwork) -> None:
    issued = [(await issue(channel))[0] for _ in range(4)]
    _, number = await issue(channel)
    start = (await channel.commit_status(issued[0])).block_number
    checkpoint = MemoryCheckpointer()
    seen = []
    async with channel.chaincode_events("registry", start_block=start, checkpoint=checkpoint) as stream:
        async for event in stream:
            seen.append(event.transaction_id)
            checkpoint.checkpoint(event)
            if event.transaction_id == issued[1]:
                break
    async with channel.chaincode_events("registry", start_block=0, checkpoint=checkpoint) as stream:
        async for event in stream:
            seen.append(event.transaction_id)
            if event.block_number == number:
                break
    assert [one for one in seen if one in issued] == issued


async def test_after_a_transaction_that_is_nowhere_events_begin_at_the_start_block(channel: AsyncNetwork) -> None:
    """It is never passed, and so nothing comes; what is asked for next does come, on another stream."""
    _, number = await issue(channel)
    async with channel.chaincode_events("registry", start_block=number, after_transaction_id="nowhere") as stream:
        nothing = asyncio.ensure_future(first(stream, lambda _: True))
        await issue(channel)
        async with channel.chaincode_events("registry", start_block=number) as other:
            await first(other, lambda event: event.block_number > number)
        assert not nothing.done()
        nothing.cancel()


async def test_chaincode_events_go_on_when_the_certificate_has_expired(network: Folder, channel: AsyncNetwork) -> None:
    """Fabric's gateway looks once: only block events end."""
    city = network.organisation("City")
    pair = Authority.load(city / "ca" / "ca.key", city / "ca" / "ca.crt").issue_identity(
        "reader-77", unit="client", lifetime=timedelta(seconds=3)
    )
    ends = time.time() + 3
    endpoint = ConnectionProfile.load(city / "connection.json").endpoint("City")
    async with AsyncGateway(endpoint, Identity("CityMSP", pair.certificate), KeySigner.from_pem(pair.key)) as gateway:
        _, number = await issue(channel)
        async with gateway.get_network(CHANNEL).chaincode_events("registry", start_block=number) as stream:
            await first(stream, lambda _: True)
            await asyncio.sleep(max(0.0, ends - time.time()))  # nothing but the clock ends a certificate
            transaction_id, _ = await issue(channel)
            assert await first(stream, lambda event: event.transaction_id == transaction_id)


async def test_streams_of_a_client_with_a_certificate_are_bound_to_it(network: Folder) -> None:
    async with gateway_of(network, "City", "auditor", mutual_tls=True) as gateway:
        channel = gateway.get_network(CHANNEL)
        for stream in (
            channel.block_events(start_block=0),
            channel.filtered_block_events(start_block=0),
            channel.block_and_private_data_events(start_block=0),
        ):
            async with stream:
                assert await first(stream, lambda _: True)
