"""Blocks as they are committed: whole, filtered, and with private data."""

import time

import grpc
import pytest
from fabric_protos.common import common_pb2
from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import chaincode_event_pb2, events_pb2

from node_client import EventsError, MemoryCheckpointer, Resume
from tests.unit.node_client.both import entered, following, take
from tests.unit.node_client.fake_peer import Failure, block

AT_ONCE = Resume(delay=0.001, longest_delay=0.01)
LOST = Failure(grpc.StatusCode.UNAVAILABLE, "the peer is going down")


def whole(number):
    return events_pb2.DeliverResponse(block=block(number))


def seek(received):
    return ab_pb2.SeekInfo.FromString(received.request.data)


async def test_blocks_come_as_they_are(peer, connect):
    peer.streams = [[whole(4), whole(5)]]
    async with (
        entered(connect()) as gateway,
        entered(gateway.get_network("certificates").block_events(start_block=4)) as blocks,
    ):
        first, second = await take(blocks, 2)
    assert (first.number, second.number) == (4, 5)
    assert first.encode() == block(4).SerializeToString()
    (asked,) = peer.calls("Deliver")
    assert (seek(asked).start.specified.number, seek(asked).stop.specified.number) == (4, 2**64 - 1)
    assert seek(asked).behavior == ab_pb2.SeekInfo.BLOCK_UNTIL_READY
    header = common_pb2.ChannelHeader.FromString(asked.request.header.channel_header)
    assert (header.type, header.channel_id) == (common_pb2.DELIVER_SEEK_INFO, "certificates")
    assert abs(header.timestamp.seconds - time.time()) < 60


async def test_without_a_start_the_next_block_is_asked_for(peer, connect):
    peer.streams = [[whole(4)]]
    async with (
        entered(connect()) as gateway,
        entered(gateway.get_network("certificates").block_events()) as blocks,
    ):
        await take(blocks, 1)
    assert seek(peer.calls("Deliver")[0]).start.WhichOneof("Type") == "next_commit"


async def test_filtered_blocks_say_how_transactions_ended(peer, connect):
    happened = chaincode_event_pb2.ChaincodeEvent(chaincode_id="registry", tx_id="a", event_name="CertificateIssued")
    peer.streams = [
        [
            events_pb2.DeliverResponse(
                filtered_block=events_pb2.FilteredBlock(
                    channel_id="certificates",
                    number=8,
                    filtered_transactions=[
                        events_pb2.FilteredTransaction(
                            txid="a",
                            type=common_pb2.ENDORSER_TRANSACTION,
                            transaction_actions=events_pb2.FilteredTransactionActions(
                                chaincode_actions=[events_pb2.FilteredChaincodeAction(chaincode_event=happened)]
                            ),
                        ),
                        events_pb2.FilteredTransaction(txid="b", tx_validation_code=11),
                    ],
                )
            )
        ]
    ]
    async with (
        entered(connect()) as gateway,
        entered(gateway.get_network("certificates").filtered_block_events(start_block=8)) as blocks,
    ):
        (found,) = await take(blocks, 1)
    assert peer.calls("DeliverFiltered")
    assert (found.channel, found.number) == ("certificates", 8)
    valid, conflicting = found.transactions
    assert (valid.transaction_id, valid.successful, valid.name, valid.type) == ("a", True, "VALID", 3)
    assert [(one.event_name, one.block_number) for one in valid.events] == [("CertificateIssued", 8)]
    assert (conflicting.successful, conflicting.name, conflicting.events) == (False, "MVCC_READ_CONFLICT", ())


async def test_private_data_come_with_their_block(peer, connect):
    private = rwset_pb2.TxPvtReadWriteSet(ns_pvt_rwset=[rwset_pb2.NsPvtReadWriteSet(namespace="registry")])
    answer = events_pb2.BlockAndPrivateData(block=block(4), private_data_map={0: private})
    peer.streams = [[events_pb2.DeliverResponse(block_and_private_data=answer)]]
    async with (
        entered(connect()) as gateway,
        entered(gateway.get_network("certificates").block_and_private_data_events(start_block=4)) as blocks,
    ):
        (found,) = await take(blocks, 1)
    assert peer.calls("DeliverWithPrivateData")
    assert (found.block.number, found.private) == (4, {0: private.SerializeToString()})


async def test_blocks_resume_with_the_next_one(peer, connect):
    peer.streams = [[whole(4), LOST], [whole(5)]]
    async with (
        entered(connect()) as gateway,
        entered(gateway.get_network("certificates").block_events(start_block=4, resume=AT_ONCE)) as blocks,
    ):
        found = await take(blocks, 2)
    assert [one.number for one in found] == [4, 5]
    assert [seek(one).start.specified.number for one in peer.calls("Deliver")] == [4, 5]


async def test_blocks_go_on_after_a_checkpoint(peer, connect):
    peer.streams = [[whole(7)]]
    checkpointer = MemoryCheckpointer()
    checkpointer.checkpoint_block(6)
    async with (
        entered(connect()) as gateway,
        entered(gateway.get_network("certificates").block_events(checkpoint=checkpointer)) as blocks,
    ):
        await take(blocks, 1)
    assert seek(peer.calls("Deliver")[0]).start.specified.number == 7


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (common_pb2.FORBIDDEN, "PERMISSION_DENIED"),
        (common_pb2.NOT_FOUND, "NOT_FOUND"),
        (common_pb2.BAD_REQUEST, "INVALID_ARGUMENT"),
    ],
)
async def test_a_status_in_place_of_a_block_is_an_error(peer, connect, status, code):
    peer.streams = [[events_pb2.DeliverResponse(status=status)]]
    async with (
        entered(connect()) as gateway,
        entered(gateway.get_network("certificates").block_events(resume=AT_ONCE, start_block=1)) as blocks,
    ):
        with pytest.raises(EventsError, match=common_pb2.Status.Name(status)) as caught:
            await following(blocks)
    assert caught.value.code == code
    assert len(peer.calls("Deliver")) == 1


async def test_an_answer_of_another_kind_is_an_error(peer, connect):
    peer.streams = [[whole(4)]]
    async with (
        entered(connect()) as gateway,
        entered(gateway.get_network("certificates").filtered_block_events(resume=AT_ONCE, start_block=1)) as blocks,
    ):
        with pytest.raises(EventsError, match="answered with block"):
            await following(blocks)
