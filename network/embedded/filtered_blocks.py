"""Filtered blocks: which transactions are in a block, how they ended, and the names of their events.

Source: Fabric's `core/peer/deliverevents.go` (`toFilteredBlock`, `toFilteredActions`).
"""

from fabric_protos.common import common_pb2
from fabric_protos.peer import (
    chaincode_event_pb2,
    events_pb2,
    proposal_pb2,
    proposal_response_pb2,
    transaction_pb2,
)

from node_client.protocol.codec import parse
from node_client.protocol.errors import ProtocolError


def filtered_block(block: common_pb2.Block) -> events_pb2.FilteredBlock:
    """What a block filters to. Events are there without payloads, those of invalid transactions as well.

    Raises:
        ProtocolError: a transaction in the block cannot be read as far as needed.
    """
    found = events_pb2.FilteredBlock(number=block.header.number)
    codes = block.metadata.metadata[common_pb2.TRANSACTIONS_FILTER]
    for place, data in enumerate(block.data.data):
        try:
            envelope = parse(common_pb2.Envelope, data, "envelope")
        except ProtocolError:
            continue
        payload = parse(common_pb2.Payload, envelope.payload, "payload")
        if not payload.HasField("header"):
            continue
        header = parse(common_pb2.ChannelHeader, payload.header.channel_header, "channel header")
        found.channel_id = header.channel_id
        transaction = found.filtered_transactions.add(
            txid=header.tx_id,
            type=header.type,
            tx_validation_code=codes[place],
        )
        if header.type == common_pb2.ENDORSER_TRANSACTION:
            transaction.transaction_actions.CopyFrom(_actions(payload.data))
    return found


def _actions(data: bytes) -> events_pb2.FilteredTransactionActions:
    found = events_pb2.FilteredTransactionActions()
    for one in parse(transaction_pb2.Transaction, data, "transaction").actions:
        action = parse(transaction_pb2.ChaincodeActionPayload, one.payload, "action payload")
        if not action.HasField("action"):
            continue
        response = parse(
            proposal_response_pb2.ProposalResponsePayload,
            action.action.proposal_response_payload,
            "proposal response payload",
        )
        chaincode_action = parse(proposal_pb2.ChaincodeAction, response.extension, "chaincode action")
        event = parse(chaincode_event_pb2.ChaincodeEvent, chaincode_action.events, "chaincode event")
        if event.chaincode_id:
            found.chaincode_actions.add(
                chaincode_event=chaincode_event_pb2.ChaincodeEvent(
                    chaincode_id=event.chaincode_id, tx_id=event.tx_id, event_name=event.event_name
                )
            )
    return found
