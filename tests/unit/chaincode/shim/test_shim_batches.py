"""Writes that are collected and sent together."""

from typing import Any

from fabric_protos.peer import chaincode_shim_pb2 as PB  # noqa: N812

from chaincode.shim.requests import PeerFeatures
from tests.unit.chaincode.scripted_peer import StubPeer

POLICY = "VALIDATION_PARAMETER"


def batches(peer: StubPeer) -> list[list[Any]]:
    assert {kind for kind, _ in peer.asked} <= {"WRITE_BATCH_STATE"}
    return [list(PB.WriteBatchState.FromString(payload).rec) for _, payload in peer.asked]


async def test_a_batch_holds_every_kind_of_write_until_it_is_flushed() -> None:
    peer = StubPeer(features=PeerFeatures(write_batch=100))
    stub, record = peer.stub, PB.WriteRecord
    stub.start_write_batch()
    await stub.put_state("a", b"1")
    await stub.delete_state("b")
    await stub.put_private_data("c", "a", b"2")
    await stub.delete_private_data("c", "b")
    await stub.purge_private_data("c", "d")
    await stub.set_state_validation_parameter("a", b"p")
    await stub.set_private_data_validation_parameter("c", "a", b"q")
    assert not peer.asked
    await stub.flush()
    (records,) = batches(peer)
    assert records == [
        record(type=record.PUT_STATE, key="a", value=b"1"),
        record(type=record.DEL_STATE, key="b"),
        record(type=record.PUT_STATE, collection="c", key="a", value=b"2"),
        record(type=record.DEL_STATE, collection="c", key="b"),
        record(type=record.PURGE_PRIVATE_DATA, collection="c", key="d"),
        record(type=record.PUT_STATE_METADATA, key="a", metadata=PB.StateMetadata(metakey=POLICY, value=b"p")),
        record(
            type=record.PUT_STATE_METADATA,
            collection="c",
            key="a",
            metadata=PB.StateMetadata(metakey=POLICY, value=b"q"),
        ),
    ]


async def test_the_last_write_of_a_key_counts_whatever_its_kind() -> None:
    peer = StubPeer(features=PeerFeatures(write_batch=100))
    stub, record = peer.stub, PB.WriteRecord
    stub.start_write_batch()
    await stub.put_private_data("c", "k", b"a secret")
    await stub.put_state("k", b"1")
    await stub.put_state("k", b"2")
    await stub.purge_private_data("c", "k")
    await stub.flush()
    (records,) = batches(peer)
    assert records == [
        record(type=record.PURGE_PRIVATE_DATA, collection="c", key="k"),
        record(type=record.PUT_STATE, key="k", value=b"2"),
    ]


async def test_batches_have_the_size_that_the_peer_takes() -> None:
    peer = StubPeer(features=PeerFeatures(write_batch=100))
    peer.stub.start_write_batch()
    for number in range(250):
        await peer.stub.put_state(f"{number:03}", b"x")
    await peer.stub.flush()
    assert [[record.key for record in batch] for batch in batches(peer)] == [
        [f"{number:03}" for number in part] for part in (range(100), range(100, 200), range(200, 250))
    ]


async def test_after_a_flush_writes_are_single_again() -> None:
    peer = StubPeer(features=PeerFeatures(write_batch=100))
    stub = peer.stub
    stub.start_write_batch()
    stub.start_write_batch()  # a batch that has begun goes on
    await stub.flush()
    await stub.flush()
    assert not peer.asked
    await stub.put_state("a", b"1")
    assert [kind for kind, _ in peer.asked] == ["PUT_STATE"]


async def test_an_old_peer_gets_single_writes() -> None:
    peer = StubPeer()
    peer.stub.start_write_batch()
    await peer.stub.put_state("a", b"1")
    await peer.stub.purge_private_data("c", "a")
    await peer.stub.flush()
    assert [kind for kind, _ in peer.asked] == ["PUT_STATE", "PURGE_PRIVATE_DATA"]
