"""Ranges, pages and rich queries, and what of them is checked at commit. The same on real Fabric."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from node_client import EndorseError, EvaluateError
from node_client.gateway._async.transaction import AsyncTransaction
from tests.scenarios.vaults import Vault, eventually, sets_of

CITY = ["CityMSP"]


async def fill(vault: Vault, prefix: str, count: int) -> None:
    await vault.at("City").submit("Fill", prefix, str(count), organizations=CITY)


async def page(vault: Vault, prefix: str, size: int, bookmark: str = "") -> dict[str, Any]:
    answer = await vault.at("City").evaluate("Page", prefix, str(size), bookmark, organizations=CITY)
    found: dict[str, Any] = json.loads(answer)
    return found


async def endorsed(vault: Vault, *args: str) -> AsyncTransaction:
    return await vault.at("City").new_proposal(*args, organizations=CITY).endorse()


async def code_after(vault: Vault, transaction: AsyncTransaction, *change: str) -> str:
    """The code of a transaction that is submitted when another one has been committed."""
    await vault.at("City").submit(*change, organizations=CITY)
    return (await (await transaction.submit()).status()).name


async def test_pages_follow_one_another(vault: Vault) -> None:
    await fill(vault, "paged-", 5)
    first = await page(vault, "paged-", 2)
    assert first == {"keys": ["paged-00000", "paged-00001"], "bookmark": "paged-00002"}
    second = await page(vault, "paged-", 2, first["bookmark"])
    assert second == {"keys": ["paged-00002", "paged-00003"], "bookmark": "paged-00004"}
    last = await page(vault, "paged-", 2, second["bookmark"])
    assert last == {"keys": ["paged-00004"], "bookmark": ""}
    assert (await page(vault, "paged-", 5))["bookmark"] == ""


@pytest.mark.parametrize(
    ("function", "told"),
    [
        ("PageAndPut", "Transaction has already performed a paginated query. Writes are not allowed"),
        ("PutAndPage", "Paginated queries are supported only in a read-only transaction"),
    ],
)
async def test_a_transaction_that_writes_reads_no_pages(vault: Vault, function: str, told: str) -> None:
    with pytest.raises(EndorseError) as caught:
        await endorsed(vault, function, "paged-", "written")
    assert told in str(caught.value)


@pytest.mark.parametrize("function", ["Query", "QueryPage"])
async def test_there_are_no_rich_queries(vault: Vault, function: str) -> None:
    with pytest.raises(EvaluateError) as caught:
        await vault.at("City").evaluate(function, '{"selector":{}}', organizations=CITY)
    assert "ExecuteQuery" in str(caught.value)
    assert "not supported for leveldb" in str(caught.value)


async def test_a_new_key_in_a_range_that_was_read_is_a_phantom(vault: Vault) -> None:
    await fill(vault, "counted-", 3)
    transaction = await endorsed(vault, "Count", "counted-", "phantom")
    assert transaction.result == b"3"
    assert await code_after(vault, transaction, "Put", "counted-00001a", "new") == "PHANTOM_READ_CONFLICT"


async def test_a_key_beside_the_range_is_none(vault: Vault) -> None:
    await fill(vault, "beside-", 3)
    transaction = await endorsed(vault, "Count", "beside-", "no phantom")
    assert await code_after(vault, transaction, "Put", "beside~", "new") == "VALID"


async def test_a_changed_key_of_a_range_is_a_phantom_and_a_deleted_one(vault: Vault) -> None:
    await fill(vault, "changed-", 3)
    changed = await endorsed(vault, "Count", "changed-", "k")
    assert await code_after(vault, changed, "Put", "changed-00001", "other") == "PHANTOM_READ_CONFLICT"
    deleted = await endorsed(vault, "Count", "changed-", "k")
    assert await code_after(vault, deleted, "Delete", "changed-00001") == "PHANTOM_READ_CONFLICT"


async def test_of_a_range_only_what_was_taken_is_checked(vault: Vault) -> None:
    """Rows come in batches of a hundred, of which all count that were fetched."""
    await fill(vault, "begun-", 250)
    transaction = await endorsed(vault, "First", "begun-", "begin")
    (query,) = sets_of(transaction)[vault.name].range_queries
    assert not query.exhausted
    assert await code_after(vault, transaction, "Put", "begun-00240", "other") == "VALID"
    again = await endorsed(vault, "First", "begun-", "begin")
    assert await code_after(vault, again, "Put", "begun-00000a", "new") == "PHANTOM_READ_CONFLICT"


async def test_of_many_rows_a_summary_is_kept(vault: Vault) -> None:
    await fill(vault, "summed-", 200)
    transaction = await endorsed(vault, "Count", "summed-", "sum")
    (query,) = sets_of(transaction)[vault.name].range_queries
    assert query.merkle is not None
    assert not query.reads
    assert await code_after(vault, transaction, "Put", "beside summed", "1") == "VALID"
    again = await endorsed(vault, "Count", "summed-", "sum")
    assert await code_after(vault, again, "Put", "summed-00100a", "1") == "PHANTOM_READ_CONFLICT"


async def test_a_key_that_was_read_and_written_meanwhile_is_a_conflict(vault: Vault) -> None:
    await vault.put("pair", "read", "1")
    transaction = await endorsed(vault, "Reveal", "pair", "read")
    await vault.put("pair", "read", "2")
    assert (await (await transaction.submit()).status()).name == "MVCC_READ_CONFLICT"


async def test_writes_that_read_nothing_never_conflict(vault: Vault) -> None:
    values: Sequence[str] = ("1", "2", "3")
    transactions = [await endorsed(vault, "Put", "blind", value) for value in values]
    for transaction in transactions:
        assert (await (await transaction.submit()).status()).name == "VALID"
    assert await eventually(lambda: vault.at("City").evaluate("Get", "blind")) == b"3"
