"""What becomes of transactions when their chaincode is defined anew, asks to be initialised, or has met them before.

The same on real Fabric.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from fabric_protos.peer import chaincode_pb2, proposal_pb2

from network.folder import Folder
from network.topology import CHANNEL
from node_client import EndorseError
from node_client.gateway._async.proposal import AsyncProposal
from node_client.gateway._async.transaction import AsyncTransaction
from node_client.protocol.block import parse_block
from node_client.protocol.transaction import open_envelope, parse_transaction
from tests.scenarios.deploying import Service, define, free_address, served, unused_name
from tests.scenarios.vaults import ANYONE, Vault, endorsers, eventually, sets_of

CITY = ["CityMSP"]


@asynccontextmanager
async def vault_of(folder: Folder, **definition: Any) -> AsyncIterator[tuple[Vault, Service]]:
    """A vault of a definition of its own."""
    async with AsyncExitStack() as stack:
        service = define(folder, unused_name("defined"), free_address(), policy=ANYONE, **definition)
        stack.enter_context(served(service, "tests.scenarios.vault"))
        yield await stack.enter_async_context(Vault(folder, service.name)), service


def initialising(proposal: AsyncProposal) -> AsyncProposal:
    """The same proposal as the chaincode's initialisation."""
    message = proposal_pb2.Proposal.FromString(proposal.data)
    payload = proposal_pb2.ChaincodeProposalPayload.FromString(message.payload)
    invocation = chaincode_pb2.ChaincodeInvocationSpec.FromString(payload.input)
    invocation.chaincode_spec.input.is_init = True
    payload.input = invocation.SerializeToString()
    message.payload = payload.SerializeToString()
    data = message.SerializeToString()
    return AsyncProposal(proposal._session, proposal._transport, data, proposal.organizations)


async def endorsed(proposal: AsyncProposal) -> AsyncTransaction | None:
    """The endorsed transaction; None while the chaincode is not there yet."""
    try:
        return await proposal.endorse()
    except EndorseError:
        return None


async def refusal(proposal: AsyncProposal) -> str:
    with pytest.raises(EndorseError) as caught:
        await proposal.endorse()
    return str(caught.value)


async def test_a_chaincode_that_asks_for_it_is_initialised_once_a_version(network: Folder) -> None:
    async with vault_of(network, init_required=True) as (vault, service):

        def put() -> AsyncProposal:
            return vault.at("City").new_proposal("Put", "k", "v", organizations=CITY)

        first = f"chaincode '{vault.name}' has not been initialized for this version, must call as init first"
        await eventually(lambda: refusal(put()), lambda told: first in told)
        transaction = await eventually(lambda: endorsed(initialising(put())), lambda found: found is not None)
        write = sets_of(transaction)[vault.name].writes["\0\U0010ffffinitialized"]
        assert write.value == b"1"
        assert (await (await transaction.submit()).status()).successful
        assert (await (await (await put().endorse()).submit()).status()).successful
        told = await refusal(initialising(put()))
        assert f"chaincode '{vault.name}' is already initialized but called as init" in told
        define(network, vault.name, service.address, policy=ANYONE, version="2", init_required=True)
        await eventually(lambda: refusal(put()), lambda told: first in told)
        transaction = await initialising(put()).endorse()
        assert (await (await transaction.submit()).status()).successful


async def test_of_two_initialisations_one_counts(network: Folder) -> None:
    async with vault_of(network, init_required=True) as (vault, _):
        first, second = (vault.at("City").new_proposal("Put", "k", one, organizations=CITY) for one in "12")
        one = await eventually(lambda: endorsed(initialising(first)), lambda found: found is not None)
        other = await initialising(second).endorse()
        statuses = [await (await transaction.submit()).status() for transaction in (one, other)]
        assert [status.name for status in statuses] == ["VALID", "MVCC_READ_CONFLICT"]


async def test_what_was_endorsed_under_an_earlier_definition_is_not_valid(network: Folder) -> None:
    async with vault_of(network) as (vault, service):
        await vault.wait_until_it_runs()
        transaction = await vault.at("City").new_proposal("Put", "k", "v").endorse()
        define(network, vault.name, service.address, policy=ANYONE)
        assert (await (await transaction.submit()).status()).name == "MVCC_READ_CONFLICT"
        again = await eventually(
            lambda: endorsed(vault.at("City").new_proposal("Put", "k", "w")), lambda found: found is not None
        )
        assert (await (await again.submit()).status()).successful


async def test_a_new_policy_counts_from_its_definition_on(network: Folder) -> None:
    async with vault_of(network) as (vault, service):
        await vault.wait_until_it_runs()
        assert endorsers(await vault.at("City").new_proposal("Put", "k", "v").endorse()) == {"CityMSP"}
        define(network, vault.name, service.address, policy="AND('CityMSP.peer','NishitetsuMSP.peer')")

        await eventually(
            lambda: endorsed(vault.at("City").new_proposal("Put", "k", "v")),
            lambda found: found is not None and endorsers(found) == {"CityMSP", "NishitetsuMSP"},
        )


async def codes_of(vault: Vault, transaction: AsyncTransaction, number: int) -> list[int]:
    """The codes that a transaction has in a block."""
    block = parse_block(await vault.at("City", "qscc").evaluate("GetBlockByNumber", CHANNEL, str(number)))
    found = []
    for envelope, code in zip(block.envelopes, block.validation_codes, strict=True):
        content = parse_transaction(open_envelope(envelope)[0])
        if content.proposal.transaction_id == transaction.transaction_id:
            found.append(code)
    return found


VALID, DUPLICATE = 0, 9


async def test_a_transaction_counts_once_however_often_it_is_sent(vault: Vault) -> None:
    transaction = await vault.at("City").new_proposal("Put", "sent again", "1", organizations=CITY).endorse()
    number = (await (await transaction.submit()).status()).block_number
    status = await (await transaction.submit()).status()
    assert (status.name, status.block_number) == ("VALID", number)
    last = await vault.at("City").new_proposal("Put", "afterwards", "1", organizations=CITY).endorse()
    after = (await (await last.submit()).status()).block_number
    codes = [await codes_of(vault, transaction, one) for one in range(number, after + 1)]
    assert codes[0] == [VALID]
    assert [DUPLICATE] in codes[1:]


async def test_nor_does_it_count_twice_in_one_block(vault: Vault) -> None:
    for attempt in range(50):
        transaction = await vault.at("City").new_proposal("Put", f"twice {attempt}", "1", organizations=CITY).endorse()
        await asyncio.gather(*(transaction.submit() for _ in range(3)))
        number = (await (await transaction.submit()).status()).block_number
        codes = await codes_of(vault, transaction, number)
        assert codes[0] == VALID
        assert set(codes[1:]) <= {DUPLICATE}
        if len(codes) > 1:
            return
    pytest.fail("a transaction never came twice into one block")


async def test_a_proposal_is_not_run_again_when_its_transaction_is_there(vault: Vault) -> None:
    proposal = vault.at("City").new_proposal("Put", "run again", "1", organizations=CITY)
    assert (await (await (await proposal.endorse()).submit()).status()).successful
    assert f"duplicate transaction found [{proposal.transaction_id}]" in await refusal(proposal)
