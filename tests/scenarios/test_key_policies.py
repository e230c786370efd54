"""Keys with endorsement policies of their own. The same on real Fabric."""

import asyncio

import pytest

from node_client import CommitError
from tests.scenarios.vaults import Vault, endorsers, eventually, sets_of

TRIVALLEY = "OR('TriValleyMSP.peer')"
CENTRES = "AND('NishitetsuMSP.peer','TriValleyMSP.peer')"


async def endorsed_by(vault: Vault, *args: str, through: str = "City") -> set[str]:
    """Whose endorsements a gateway collects for a transaction, which is then committed."""
    transaction = await vault.at(through).new_proposal(*args).endorse()
    await (await transaction.submit()).require_valid()
    return endorsers(transaction)


async def code_of(vault: Vault, *args: str, organizations: list[str], transient: str = "") -> str:
    """The code of a transaction that these organisations endorse."""
    try:
        await vault.at("City").submit(
            *args, organizations=organizations, transient={"value": transient.encode()} if transient else {}
        )
    except CommitError as error:
        return error.code
    return "VALID"


async def test_a_key_with_a_policy_is_endorsed_by_it_alone(vault: Vault) -> None:
    key = "guarded"
    assert await endorsed_by(vault, "PutGuarded", key, "1", CENTRES) == {"CityMSP"}
    await eventually(lambda: vault.at("City").evaluate("Guarded", key), lambda told: told == b"true")
    assert await endorsed_by(vault, "Put", key, "2") == {"NishitetsuMSP", "TriValleyMSP"}
    assert await code_of(vault, "Put", key, "3", organizations=["CityMSP", "TriValleyMSP"]) == (
        "ENDORSEMENT_POLICY_FAILURE"
    )
    assert await code_of(vault, "Delete", key, organizations=["CityMSP"]) == "ENDORSEMENT_POLICY_FAILURE"
    assert await vault.at("City").evaluate("Get", key) == b"2"


async def test_a_policy_is_changed_by_those_whom_it_names(vault: Vault) -> None:
    key = "handed over"
    await endorsed_by(vault, "PutGuarded", key, "1", TRIVALLEY)
    assert await code_of(vault, "Guard", key, "OR('CityMSP.peer')", organizations=["CityMSP"]) == (
        "ENDORSEMENT_POLICY_FAILURE"
    )
    assert await endorsed_by(vault, "Guard", key, "OR('NishitetsuMSP.peer')") == {"TriValleyMSP"}
    assert await endorsed_by(vault, "Put", key, "2", through="TriValley") == {"NishitetsuMSP"}
    assert await vault.at("City").evaluate("Get", key) == b"2"


async def test_a_deleted_key_has_no_policy_left(vault: Vault) -> None:
    key = "deleted with its policy"
    await endorsed_by(vault, "PutGuarded", key, "1", TRIVALLEY)
    assert await endorsed_by(vault, "Delete", key) == {"TriValleyMSP"}
    assert await endorsed_by(vault, "Put", key, "2") == {"CityMSP"}
    assert await vault.at("City").evaluate("Guarded", key) == b"false"


async def test_the_policy_is_part_of_what_a_transaction_writes(vault: Vault) -> None:
    transaction = await vault.at("City").new_proposal("PutGuarded", "seen", "1", TRIVALLEY).endorse()
    part = sets_of(transaction)[vault.name]
    assert set(part.metadata_writes["seen"]) == {"VALIDATION_PARAMETER"}
    assert part.writes["seen"].value == b"1"
    assert not part.reads


async def test_in_the_block_that_changes_its_policy_a_key_is_not_written_any_more(vault: Vault) -> None:
    """Whether the change is valid is not known when the block's endorsements are judged."""
    for attempt in range(50):
        key = f"changing {attempt}"
        await endorsed_by(vault, "PutGuarded", key, "1", TRIVALLEY)
        change = await vault.at("City").new_proposal("Guard", key, "OR('CityMSP.peer')").endorse()
        writes = [await vault.at("City").new_proposal("Put", key, value).endorse() for value in "23"]
        assert endorsers(change) == endorsers(writes[0]) == {"TriValleyMSP"}
        commits = [await one.submit() for one in (change, *writes)]
        first, *rest = await asyncio.gather(*(one.status() for one in commits))
        assert first.name == "VALID"
        if all(one.block_number == first.block_number for one in rest):
            assert [one.name for one in rest] == ["ENDORSEMENT_POLICY_FAILURE"] * 2
            assert await vault.at("City").evaluate("Get", key) == b"1"
            return
    pytest.fail("three transactions never came into one block")


async def test_private_keys_have_policies_too(vault: Vault) -> None:
    await vault.put("pair", "guarded", "1")
    assert await endorsed_by(vault, "GuardPrivate", "pair", "guarded", TRIVALLEY) == {"CityMSP"}
    for organisation in ("City", "Nishitetsu"):  # the policy is public, the value is not
        await eventually(
            lambda one=organisation: vault.read(one, "GuardedPrivate", "pair", "guarded"), lambda told: told == "true"
        )
    assert await code_of(vault, "PutPrivate", "pair", "guarded", organizations=["CityMSP"], transient="2") == (
        "ENDORSEMENT_POLICY_FAILURE"
    )
    assert await vault.read("City", "GetPrivate", "pair", "guarded") == "1"
    assert await code_of(vault, "PutPrivate", "pair", "guarded", organizations=["TriValleyMSP"], transient="2") == (
        "VALID"
    )
    await eventually(lambda: vault.read("City", "GetPrivate", "pair", "guarded"), lambda told: told == "2")
