"""Blocks that real Fabric v3.1.5 made, filtered."""

from pathlib import Path

import pytest
from fabric_protos.common import common_pb2
from fabric_protos.peer import (
    chaincode_event_pb2,
    events_pb2,
    proposal_pb2,
    proposal_response_pb2,
    transaction_pb2,
)

from network.embedded.filtered_blocks import filtered_block
from node_client.protocol.errors import ProtocolError

VECTORS = Path(__file__).parents[3] / "vectors" / "fabric"
Code = transaction_pb2.TxValidationCode


def recorded(number: int) -> common_pb2.Block:
    return common_pb2.Block.FromString((VECTORS / f"block{number}.pb").read_bytes())


def transaction(*, type: int = common_pb2.ENDORSER_TRANSACTION, data: bytes = b"", tx_id: str = "id") -> bytes:
    header = common_pb2.ChannelHeader(type=type, channel_id="channel", tx_id=tx_id)
    payload = common_pb2.Payload(
        header=common_pb2.Header(channel_header=header.SerializeToString()), data=data
    ).SerializeToString()
    return common_pb2.Envelope(payload=payload).SerializeToString()


def with_event(event: chaincode_event_pb2.ChaincodeEvent) -> bytes:
    action = proposal_pb2.ChaincodeAction(events=event.SerializeToString())
    response = proposal_response_pb2.ProposalResponsePayload(extension=action.SerializeToString())
    endorsed = transaction_pb2.ChaincodeEndorsedAction(proposal_response_payload=response.SerializeToString())
    payload = transaction_pb2.ChaincodeActionPayload(action=endorsed).SerializeToString()
    actions = [transaction_pb2.TransactionAction(payload=payload)]
    return transaction_pb2.Transaction(actions=actions).SerializeToString()


def block(*envelopes: bytes, codes: bytes = b"") -> common_pb2.Block:
    metadata = common_pb2.BlockMetadata(metadata=[b"", b"", codes or bytes(len(envelopes)), b"", b""])
    return common_pb2.Block(
        header=common_pb2.BlockHeader(number=7), data=common_pb2.BlockData(data=envelopes), metadata=metadata
    )


def test_configuration_block_names_the_channel_and_one_transaction() -> None:
    found = filtered_block(recorded(0))
    (one,) = found.filtered_transactions
    assert (found.channel_id, found.number) == ("certificates", 0)
    assert (one.type, one.tx_validation_code) == (common_pb2.CONFIG, Code.VALID)
    assert one.WhichOneof("Data") is None


def test_recorded_transactions_have_their_ids_codes_and_events() -> None:
    seen = 0
    for number in range(1, 8):
        source = recorded(number)
        found = filtered_block(source)
        assert found.number == number
        codes = [one.tx_validation_code for one in found.filtered_transactions]
        assert codes == list(source.metadata.metadata[common_pb2.TRANSACTIONS_FILTER])
        for one in found.filtered_transactions:
            assert one.type == common_pb2.ENDORSER_TRANSACTION
            assert one.WhichOneof("Data") == "transaction_actions"
            for action in one.transaction_actions.chaincode_actions:
                seen += 1
                assert action.chaincode_event.tx_id == one.txid
                assert action.chaincode_event.event_name
                assert action.chaincode_event.payload == b""
    assert seen


def test_events_of_invalid_transactions_are_there_without_payloads() -> None:
    event = chaincode_event_pb2.ChaincodeEvent(chaincode_id="cc", tx_id="id", event_name="Done", payload=b"secret")
    found = filtered_block(block(transaction(data=with_event(event)), codes=bytes([Code.MVCC_READ_CONFLICT])))
    (one,) = found.filtered_transactions
    assert one.tx_validation_code == Code.MVCC_READ_CONFLICT
    (action,) = one.transaction_actions.chaincode_actions
    event.ClearField("payload")
    assert action.chaincode_event == event


def test_transaction_without_event_has_no_actions() -> None:
    found = filtered_block(block(transaction(data=with_event(chaincode_event_pb2.ChaincodeEvent(event_name="x")))))
    assert found.filtered_transactions[0].transaction_actions == events_pb2.FilteredTransactionActions()
    assert found.filtered_transactions[0].WhichOneof("Data") == "transaction_actions"


def test_envelopes_without_header_are_left_out_and_the_others_keep_their_codes() -> None:
    found = filtered_block(
        block(
            b"\xff",
            b"",
            transaction(type=common_pb2.MESSAGE, tx_id="third"),
            codes=bytes([Code.BAD_PAYLOAD, Code.NIL_ENVELOPE, Code.UNKNOWN_TX_TYPE]),
        )
    )
    (one,) = found.filtered_transactions
    assert (one.txid, one.tx_validation_code, one.type) == ("third", Code.UNKNOWN_TX_TYPE, common_pb2.MESSAGE)
    assert one.WhichOneof("Data") is None


def test_unreadable_transaction_makes_the_block_unreadable() -> None:
    with pytest.raises(ProtocolError):
        filtered_block(block(transaction(data=b"\xff")))
