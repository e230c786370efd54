"""Chaincode that calls chaincode. The same on real Fabric."""

import asyncio
import json
from typing import Any

import pytest

from network.topology import CHANNEL
from node_client import CommitError, EvaluateError
from tests.scenarios.deploying import Service
from tests.scenarios.vaults import Vault, endorsers, eventually, sets_of


@pytest.fixture
async def second(second_service: Service, vault: Vault) -> str:
    """Another vault, which both data centres endorse."""
    await eventually(lambda: vault.at("City").evaluate("Call", second_service.name, "", '["Get", "x"]'))
    return second_service.name


async def call(vault: Vault, chaincode: str, *args: str, channel: str = "") -> dict[str, Any]:
    """What one chaincode is answered that calls another one."""
    answer = await vault.at("City").evaluate("Call", chaincode, channel, json.dumps(args), organizations=["CityMSP"])
    found: dict[str, Any] = json.loads(answer)
    return found


async def refusal(vault: Vault, chaincode: str, *args: str, channel: str = "") -> str:
    with pytest.raises(EvaluateError) as caught:
        await call(vault, chaincode, *args, channel=channel)
    return str(caught.value)


async def test_both_write_in_one_transaction_that_both_policies_endorse(vault: Vault, second: str) -> None:
    args = json.dumps(["Put", "inner", "1"])
    transaction = await vault.at("City").new_proposal("PutAndCall", "outer", second, args).endorse()
    assert endorsers(transaction) >= {"NishitetsuMSP", "TriValleyMSP"}
    sets = sets_of(transaction)
    assert sets[vault.name].writes["outer"].value == b"outer"
    assert sets[second].writes["inner"].value == b"1"
    # That both are defined as they are now is part of what the transaction read.
    assert {f"namespaces/fields/{name}/Sequence" for name in (vault.name, second)} <= set(sets["_lifecycle"].reads)
    assert transaction.content.response.chaincode == vault.name
    assert (await (await transaction.submit()).status()).successful
    assert await vault.at("City").evaluate("Get", "outer") == b"outer"
    assert await vault.at("City", second).evaluate("Get", "inner") == b"1"


async def test_the_called_ones_policy_counts_though_the_callers_is_satisfied(vault: Vault, second: str) -> None:
    args = json.dumps(["Put", "inner", "2"])
    with pytest.raises(CommitError) as caught:
        await vault.at("City").submit("PutAndCall", "outer", second, args, organizations=["CityMSP"])
    assert caught.value.code == "ENDORSEMENT_POLICY_FAILURE"


async def test_reading_another_ones_keys_needs_no_endorsement_of_it_but_the_gateway_asks_for_it(
    vault: Vault, second: str
) -> None:
    args = ("PutAndCall", "reader", second, '["Get", "inner"]')
    transaction = await vault.at("City").new_proposal(*args).endorse()
    assert endorsers(transaction) >= {"NishitetsuMSP", "TriValleyMSP"}
    await vault.at("City").submit(*args, organizations=["CityMSP"])


async def test_the_callers_event_is_the_transactions(vault: Vault, second: str) -> None:
    transaction = await vault.at("City").new_proposal("Call", second, "", '["Put", "told", "1"]').endorse()
    event = transaction.content.response.event
    assert event is not None
    assert (event.chaincode, event.name, event.payload) == (vault.name, "Called", second.encode())
    silent = await vault.at("City").new_proposal("PutAndCall", "k", second, '["Put", "told", "2"]').endorse()
    assert silent.content.response.event is None


async def test_a_refusal_is_an_answer_to_the_caller_who_may_go_on(vault: Vault, second: str) -> None:
    found = await call(vault, second, "Missing")
    assert found["status"] == 500
    assert "UNKNOWN_FUNCTION" in found["message"]
    args = ("PutAndCall", "after a refusal", second, '["PutPrivate", "none", "k"]')
    transaction = await vault.at("City").new_proposal(*args).endorse()
    assert transaction.result == b"500"
    assert (await (await transaction.submit()).status()).successful
    assert await vault.at("City").evaluate("Get", "after a refusal") == b"outer"


async def test_called_ones_do_not_see_what_the_caller_wrote(vault: Vault, second: str) -> None:
    await vault.at("City", second).submit("Put", "unseen", "old")
    found = await call(vault, second, "Get", "unseen")
    assert found == {"status": 200, "message": "", "payload": "old"}


async def test_the_same_channel_may_be_named(vault: Vault, second: str) -> None:
    assert (await call(vault, second, "Get", "x", channel=CHANNEL))["status"] == 200


async def test_chaincode_that_is_not_there(vault: Vault) -> None:
    told = await refusal(vault, "missing", "Get", "x")
    assert "INVOKE_CHAINCODE failed: transaction ID: " in told
    assert (
        "execute failed: invalid invocation: [channel certificates] failed to get chaincode container info for " in told
    )
    assert "missing: chaincode missing not found" in told


async def test_a_channel_that_is_not_there(vault: Vault, second: str) -> None:
    told = await refusal(vault, second, "Get", "x", channel="elsewhere")
    assert "Failed to get policy manager for channel [elsewhere]" in told


async def test_a_chaincode_does_not_call_itself(vault: Vault) -> None:
    told = await refusal(vault, vault.name, "Get", "x")
    assert "execute failed: error sending: txid: " in told
    assert f"({CHANNEL}) exists" in told


async def test_nor_does_a_called_one_call_back(vault: Vault, second: str) -> None:
    found = await call(vault, second, "Call", vault.name, "", '["Get", "x"]')
    assert found["status"] == 500
    assert f"({CHANNEL}) exists" in found["message"]


async def test_system_chaincodes(vault: Vault) -> None:
    found = await call(vault, "qscc", "GetChainInfo", CHANNEL)
    assert found == {
        "status": 500,
        "message": "Rejecting invoke of QSCC from another chaincode because of potential for deadlocks, original "
        f"invocation for '{vault.name}'",
        "payload": "",
    }
    found = await call(vault, "cscc", "GetChannels")
    assert found == {
        "status": 500,
        "message": f"Rejecting invoke of CSCC from another chaincode, original invocation for '{vault.name}'",
        "payload": "",
    }
    found = await call(vault, "_lifecycle", "NoSuchFunction", "")
    assert found["status"] == 500
    assert "Failed to authorize invocation due to failed ACL check" in found["message"]


async def test_calls_at_the_same_time_do_not_get_into_each_others_way(vault: Vault, second: str) -> None:
    found = await asyncio.gather(*(call(vault, second, "Get", f"k{number}") for number in range(20)))
    assert found == [{"status": 200, "message": "", "payload": "-"}] * 20


async def test_a_call_of_nobody(vault: Vault) -> None:
    told = await refusal(vault, "", "Get", "x")
    assert "failed to get chaincode container info for : chaincode  not found" in told
