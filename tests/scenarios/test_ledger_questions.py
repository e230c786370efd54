"""A peer asked for its ledger: how far it is, a block by number, hash or transaction, a transaction by its id."""

from collections.abc import Iterator

import pytest

from network.folder import Folder
from network.topology import CHANNEL
from node_client import Gateway, ProposalError
from node_client.admin._async.ledger import AsyncLedger
from node_client.admin._sync.ledger import Ledger
from node_client.gateway._async.gateway import AsyncGateway
from node_client.protocol.block import parse_block
from tests.scenarios.seeking import profile_of, write_something
from tests.scenarios.vaults import Vault

NONE = "0" * 64


@pytest.fixture
def ledger(network: Folder) -> Iterator[Ledger]:
    """The city's peer, asked by its auditor."""
    with Gateway.from_profile(profile_of(network, "City"), "City", "auditor") as gateway:
        yield Ledger(gateway, CHANNEL)


def test_a_block_is_found_by_number_hash_and_transaction(network: Folder, ledger: Ledger) -> None:
    before = ledger.info()
    tx_id = write_something(network)
    after = ledger.info()
    assert after.height > before.height
    found = ledger.block_of_transaction(tx_id)
    assert found is not None
    assert before.height <= found.number < after.height
    assert ledger.block(found.number) == ledger.block_by_hash(found.hash) == found
    newest, one_before = ledger.block_by_hash(after.hash), ledger.block_by_hash(after.previous_hash)
    assert newest is not None
    assert one_before is not None
    assert (newest.number, one_before.number) == (after.height - 1, after.height - 2)
    assert newest.previous_hash == one_before.hash


def test_the_first_block_is_the_channels(network: Folder, ledger: Ledger) -> None:
    first = ledger.block(0)
    assert first is not None
    wanted = parse_block((network.path / "channel.block").read_bytes())
    assert (first.header_bytes, first.envelopes) == (wanted.header_bytes, wanted.envelopes)


def test_a_transaction_is_told_with_how_it_ended(network: Folder, ledger: Ledger) -> None:
    tx_id = write_something(network)
    found, block = ledger.transaction(tx_id), ledger.block_of_transaction(tx_id)
    assert found is not None
    assert block is not None
    assert (found.code, found.name) == (0, "VALID")
    assert found.envelope in block.envelopes


async def test_a_transaction_that_was_not_valid_is_there_too(network: Folder, vault: Vault) -> None:
    await vault.put("pair", "asked", "1")
    proposal = vault.at("City").new_proposal("Reveal", "pair", "asked", organizations=["CityMSP"])
    transaction = await proposal.endorse()
    await vault.put("pair", "asked", "2")
    assert not (await (await transaction.submit()).status()).successful
    async with AsyncGateway.from_profile(profile_of(network, "City"), "City", "auditor") as gateway:
        found = await AsyncLedger(gateway, CHANNEL).transaction(transaction.transaction_id)
    assert found is not None
    assert (found.code, found.name) == (11, "MVCC_READ_CONFLICT")


def test_what_is_not_there_is_none(ledger: Ledger) -> None:
    assert ledger.block(ledger.info().height + 1000) is None
    assert ledger.block_by_hash(bytes(32)) is None
    assert ledger.block_of_transaction(NONE) is None
    assert ledger.transaction(NONE) is None


def test_a_refusal_is_an_error_not_nothing(network: Folder) -> None:
    with Gateway.from_profile(profile_of(network, "City"), "City", "auditor") as gateway:
        with pytest.raises(ProposalError, match="[Ii]nvalid syntax|block number"):
            Ledger(gateway, CHANNEL).block(-1)
        with pytest.raises(ProposalError, match="nobodys"):
            Ledger(gateway, "nobodys").info()
