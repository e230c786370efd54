"""The official clients follow chaincode events."""

from collections.abc import Sequence
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest

from tests.interop.conftest import Client
from tests.interop.programs import Failure

CANCELLED, DEADLINE_EXCEEDED = 1, 4  # whichever end notices first that the time is over


def put(client: Client, count: int) -> tuple[int, list[str], list[str]]:
    """Put some keys one after the other: the first one's block, the payloads of the events, the transactions' ids."""
    stem = token_hex(4)
    done = [client("submitAsync", "Put", f"{stem}-{place}", "x") for place in range(count)]
    block = done[0]["status"]["blockNumber"]
    return block, [f"{stem}-{place}=x" for place in range(count)], [one["transactionId"] for one in done]


def payloads(events: Sequence[dict[str, Any]]) -> list[str]:
    return [event["payload"] for event in events]


def test_events_are_replayed_from_a_block_on(client: Client) -> None:
    block, expected, transaction_ids = put(client, 4)
    events = client("events", kind="chaincode", startBlock=block, count=4)
    assert payloads(events) == expected
    assert [event["transactionId"] for event in events] == transaction_ids
    assert [event["block"] for event in events] == list(range(block, block + 4))
    assert {event["chaincode"] for event in events} == {client.service.name}
    assert {event["name"] for event in events} == {"Put"}


def test_other_chaincodes_events_do_not_show(client: Client) -> None:
    block, _, _ = put(client, 1)
    with pytest.raises(Failure) as caught:
        client("events", kind="chaincode", chaincode="registry", startBlock=block, count=1, seconds=0.5)
    assert caught.value.kind == "GatewayError"
    assert caught.value.code in (CANCELLED, DEADLINE_EXCEEDED)


def test_without_a_start_only_new_events_come(client: Client) -> None:
    block, _, _ = put(client, 1)
    key = token_hex(8)
    event = client("fromNow", "Put", key, "now", kind="chaincode")
    assert event["payload"] == f"{key}=now"
    assert event["block"] > block


def test_a_checkpointer_in_memory_goes_on_where_it_was(client: Client) -> None:
    block, expected, _ = put(client, 6)
    found = client("resumed", kind="chaincode", startBlock=block, counts=[1, 2, 3])
    assert [payloads(part) for part in found] == [expected[:1], expected[1:3], expected[3:]]


def test_a_checkpointer_in_a_file_goes_on_where_it_was(client: Client, tmp_path: Path) -> None:
    block, expected, _ = put(client, 5)
    file = str(tmp_path / "checkpoint.json")
    found = client("resumed", kind="chaincode", startBlock=block, counts=[2, 3], file=file)
    assert [payloads(part) for part in found] == [expected[:2], expected[2:]]


def test_a_checkpoint_in_the_middle_of_a_block_skips_what_was_seen(client: Client) -> None:
    keys = [token_hex(8) for _ in range(12)]
    before, _, _ = put(client, 1)
    client("submitAll", "Put", calls=[[key, "together"] for key in keys])
    first, *rest = client("resumed", kind="chaincode", startBlock=before + 1, counts=[1] * 12)
    together = [first, *rest]
    assert len({event["transactionId"] for (event,) in together}) == 12
    assert {event["payload"] for (event,) in together} == {f"{key}=together" for key in keys}
    assert len({event["block"] for (event,) in together}) < 12  # some shared a block


def test_events_of_invalid_transactions_do_not_show(client: Client) -> None:
    key = token_hex(8)
    with pytest.raises(Failure):
        client("submit", "Put", key, "invalid", organisations=["CityMSP"])
    done = client("submitAsync", "Put", key, "valid")
    start = done["status"]["blockNumber"] - 1
    events = client("events", kind="chaincode", startBlock=start, count=1)
    assert payloads(events) == [f"{key}=valid"]
