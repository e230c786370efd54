"""The official clients follow blocks: whole, filtered, and with the private data that the client may see."""

from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from secrets import token_hex

import pytest
from fabric_protos.common import common_pb2
from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from fabric_protos.peer import events_pb2, transaction_pb2

from node_client import ConnectionProfile, Gateway
from node_client.admin._sync.ledger import Ledger
from node_client.protocol.block import data_hash, header_bytes
from tests.interop.conftest import Client
from tests.interop.programs import Failure
from tests.interop.services import COLLECTION

CANCELLED, DEADLINE_EXCEEDED = 1, 4  # whichever end notices first that the time is over
VALID = transaction_pb2.VALID
SECRET = b"for members only"


def height(client: Client) -> int:
    done = client("submitAsync", "Count", token_hex(8))
    return int(done["status"]["blockNumber"]) + 1


def blocks(events: Sequence[str]) -> list[common_pb2.Block]:
    return [common_pb2.Block.FromString(bytes.fromhex(one)) for one in events]


def filtered(events: Sequence[str]) -> list[events_pb2.FilteredBlock]:
    return [events_pb2.FilteredBlock.FromString(bytes.fromhex(one)) for one in events]


def with_private_data(events: Sequence[str]) -> list[events_pb2.BlockAndPrivateData]:
    return [events_pb2.BlockAndPrivateData.FromString(bytes.fromhex(one)) for one in events]


def test_blocks_are_a_chain_from_the_first_one_on(client: Client) -> None:
    count = min(height(client), 30)
    found = blocks(client("events", kind="block", startBlock=0, count=count))
    assert [block.header.number for block in found] == list(range(count))
    first = common_pb2.Block.FromString((client.service.folder.path / "channel.block").read_bytes())
    assert (found[0].header, found[0].data) == (first.header, first.data)
    for before, block in pairwise(found):
        header = before.header
        expected = sha256(header_bytes(header.number, header.previous_hash, header.data_hash)).digest()
        assert block.header.previous_hash == expected
        assert block.header.data_hash == data_hash(block.data.data)
        codes = block.metadata.metadata[common_pb2.TRANSACTIONS_FILTER]
        assert len(codes) == len(block.data.data)


def test_a_block_is_the_one_that_qscc_gives(client: Client) -> None:
    number = height(client) - 1
    (event,) = client("events", kind="block", startBlock=number, count=1)
    folder = client.service.folder.organisation("City")
    with Gateway.from_profile(ConnectionProfile.load(folder / "connection.json"), "City", "admin") as gateway:
        found = Ledger(gateway, "certificates").block(number)
    assert found is not None
    assert common_pb2.Block.FromString(found.encode()) == blocks([event])[0]


@pytest.mark.parametrize("kind", ["block", "filtered", "private"])
def test_without_a_start_only_new_blocks_come(client: Client, kind: str) -> None:
    before = height(client)
    event = client("fromNow", "Count", token_hex(8), kind=kind)
    number = {
        "block": lambda: blocks([event])[0].header.number,
        "filtered": lambda: filtered([event])[0].number,
        "private": lambda: with_private_data([event])[0].block.header.number,
    }[kind]()
    assert number >= before


@pytest.mark.parametrize("kind", ["block", "filtered", "private"])
@pytest.mark.parametrize("keeping", ["memory", "file"])
def test_a_checkpointer_goes_on_with_the_next_block(client: Client, kind: str, keeping: str, tmp_path: Path) -> None:
    last = height(client) - 1
    start = last - 3
    options = {"file": str(tmp_path / "checkpoint.json")} if keeping == "file" else {}
    parts = client("resumed", kind=kind, startBlock=start, counts=[1, 2, 1], **options)
    events = [event for part in parts for event in part]
    if kind == "block":
        numbers = [block.header.number for block in blocks(events)]
    elif kind == "filtered":
        numbers = [block.number for block in filtered(events)]
    else:
        numbers = [one.block.header.number for one in with_private_data(events)]
    assert numbers == list(range(start, last + 1))


def test_a_stream_waits_for_the_next_block(client: Client) -> None:
    with pytest.raises(Failure) as caught:
        client("events", kind="block", startBlock=height(client), count=1, seconds=0.5)
    assert caught.value.kind == "GatewayError"
    assert caught.value.code in (CANCELLED, DEADLINE_EXCEEDED)


def test_filtered_blocks_name_transactions_and_hide_what_they_did(client: Client) -> None:
    key = token_hex(8)
    valid = client("submitAsync", "Put", key, "hidden")
    with pytest.raises(Failure) as caught:
        client("submit", "Put", key, "hidden", organisations=["CityMSP"])
    number = valid["status"]["blockNumber"]
    first, second = filtered(client("events", kind="filtered", startBlock=number, count=2))
    assert (first.channel_id, first.number) == ("certificates", number)
    (transaction,) = first.filtered_transactions
    assert transaction.txid == valid["transactionId"]
    assert transaction.type == common_pb2.ENDORSER_TRANSACTION
    assert transaction.tx_validation_code == VALID
    (action,) = transaction.transaction_actions.chaincode_actions
    assert action.chaincode_event.chaincode_id == client.service.name
    assert action.chaincode_event.tx_id == valid["transactionId"]
    assert action.chaincode_event.event_name == "Put"
    assert action.chaincode_event.payload == b""
    (refused,) = second.filtered_transactions
    assert refused.txid == caught.value.transaction_id
    assert refused.tx_validation_code == transaction_pb2.ENDORSEMENT_POLICY_FAILURE
    assert b"hidden" not in first.SerializeToString()


def test_the_first_block_is_filtered_to_a_configuration(client: Client) -> None:
    (first,) = filtered(client("events", kind="filtered", startBlock=0, count=1))
    (transaction,) = first.filtered_transactions
    assert transaction.type == common_pb2.CONFIG
    assert transaction.tx_validation_code == VALID


def put_private(client: Client, collection: str, organisations: list[str]) -> tuple[str, int]:
    """Write a private value: its key, and the block's number."""
    key, transient = token_hex(8), {"value": SECRET.decode()}
    done = client("submitAsync", "PutPrivate", collection, key, transient=transient, organisations=organisations)
    assert done["status"]["successful"], done
    return key, done["status"]["blockNumber"]


@pytest.mark.parametrize(
    ("collection", "organisations", "readers"),
    [
        ("_implicit_org_CityMSP", ["CityMSP"], ["City"]),
        (COLLECTION, ["CityMSP", "TriValleyMSP"], ["City", "TriValley"]),
    ],
)
def test_private_data_come_with_their_block_to_members_only(
    client: Client, collection: str, organisations: list[str], readers: list[str]
) -> None:
    key, number = put_private(client, collection, organisations)
    for reader in ("City", "Nishitetsu", "TriValley"):
        who = {"organisation": reader, "user": "auditor"}
        (found,) = with_private_data(client("events", kind="private", startBlock=number, count=1, **{"as": who}))
        assert found.block.header.number == number
        assert SECRET not in found.block.SerializeToString()
        if reader not in readers:
            assert not found.private_data_map
            continue
        assert list(found.private_data_map) == [0]
        private = found.private_data_map[0]
        assert private.data_model == rwset_pb2.TxReadWriteSet.KV
        (namespace,) = private.ns_pvt_rwset
        assert namespace.namespace == client.service.name
        (part,) = namespace.collection_pvt_rwset
        assert part.collection_name == collection
        (write,) = kv_rwset_pb2.KVRWSet.FromString(part.rwset).writes
        assert (write.key, write.value) == (key, SECRET)
