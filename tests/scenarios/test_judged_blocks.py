"""Whole blocks with what can go wrong in them, judged anew: the codes and commit hashes must be those of the peers.

The same on real Fabric, whose peers then are the ones who wrote them.
"""

import asyncio
from collections.abc import Iterator

import pytest
from fabric_protos.peer import transaction_pb2

from chaincode.ledger.hashed_set import key_hash
from network import configuration
from network.folder import Folder
from network.topology import CHANNEL
from node_client import ConnectionProfile, Gateway
from node_client.gateway._async.transaction import AsyncTransaction
from node_client.protocol.block import Block, is_config_block
from node_client.protocol.config_edits import with_batch_timeout
from tests.chain import check_chain
from tests.conftest import running_network
from tests.scenarios.deploying import define, free_address, served, unused_name
from tests.scenarios.vaults import Vault, eventually, sets_of

OWN = "_implicit_org_CityMSP"
CITY, BOTH = ["CityMSP"], ["CityMSP", "TriValleyMSP"]
VALUE = {"value": b"private"}


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    with running_network(tmp_path_factory.mktemp("judged") / "net") as folder:
        yield folder


def read(folder: Folder) -> list[Block]:
    profile = ConnectionProfile.load(folder.organisation("City") / "connection.json")
    with Gateway.from_profile(profile, "City", "auditor") as gateway:
        network = gateway.get_network(CHANNEL)
        height = network.height()
        with network.block_events(start_block=0) as events:
            return [next(events) for _ in range(height)]


async def code(transaction: AsyncTransaction) -> str:
    status = await (await transaction.submit()).status()
    return transaction_pb2.TxValidationCode.Name(status.code)


async def test_codes_and_commit_hashes_are_those_of_the_peers(folder: Folder) -> None:
    service = define(folder, unused_name("judged"), free_address())
    with served(service, "tests.scenarios.vault"):
        async with Vault(folder, service.name) as vault:

            async def endorsed(*call: str, organizations: list[str]) -> AsyncTransaction:
                proposal = vault.at("City").new_proposal(*call, transient=VALUE, organizations=organizations)
                return await proposal.endorse()

            for organisation in ("City", "TriValley"):
                await eventually(lambda one=organisation: vault.read(one, "Get", "k"), lambda told: told is not None)
            first = await endorsed("PutPrivate", OWN, "p", organizations=CITY)
            assert await code(first) == "VALID"
            twice = [await endorsed("Double", OWN, "p", organizations=CITY) for _ in range(2)]
            assert [await code(one) for one in twice] == ["VALID", "MVCC_READ_CONFLICT"]
            assert await code(await endorsed("Put", "k", "1", organizations=CITY)) == "ENDORSEMENT_POLICY_FAILURE"
            good = await endorsed("Put", "k", "1", organizations=BOTH)
            assert await code(good) == "VALID"
            await good.submit()
            city = folder.topology().organisation("City")
            await asyncio.to_thread(configuration.change, folder, city, lambda one: with_batch_timeout(one, 123000000))
            assert await code(await endorsed("Put", "k", "2", organizations=BOTH)) == "VALID"
            hashes = sets_of(first)[vault.name].collections[OWN].writes
            assert set(hashes) == {key_hash("p")}
    blocks = await asyncio.to_thread(read, folder)
    chain = check_chain(blocks)  # no finding: what the peers wrote is what judging them anew comes to
    names = [
        transaction_pb2.TxValidationCode.Name(transaction_pb2.TxValidationCode.ValueType(one.code)) for one in chain
    ]
    assert {"VALID", "MVCC_READ_CONFLICT", "ENDORSEMENT_POLICY_FAILURE", "DUPLICATE_TXID"} == set(names)
    assert [one.tx_id for one, text in zip(chain, names, strict=True) if text == "DUPLICATE_TXID"] == [
        good.transaction_id
    ]
    assert sum(is_config_block(block) for block in blocks) == 2
