"""The gateway's messages, made from and turned into plain values."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import proposal_pb2, transaction_pb2

from node_client.protocol.codec import parse
from node_client.protocol.proposal import parse_proposal
from node_client.protocol.transaction import parse_transaction


@dataclass(frozen=True)
class Status:
    """How a transaction ended.

    Attributes:
        code: the validation code; 0 is valid.
        name: the code's name, such as MVCC_READ_CONFLICT.
    """

    transaction_id: str
    block_number: int
    code: int
    name: str

    @property
    def successful(self) -> bool:
        """Whether the transaction is valid: its writes are on the ledger."""
        return self.code == transaction_pb2.VALID


@dataclass(frozen=True)
class ChaincodeEvent:
    """An event of a valid transaction."""

    block_number: int
    transaction_id: str
    chaincode_name: str
    event_name: str
    payload: bytes


def signed_proposal(proposal: bytes, signature: bytes) -> proposal_pb2.SignedProposal:
    """A proposal with its signature."""
    return proposal_pb2.SignedProposal(proposal_bytes=proposal, signature=signature)


def evaluate_request(proposal: bytes, signature: bytes, organizations: Sequence[str]) -> gateway_pb2.EvaluateRequest:
    """A query; with organisations, only their peers run it."""
    parsed = parse_proposal(proposal)
    return gateway_pb2.EvaluateRequest(
        transaction_id=parsed.transaction_id,
        channel_id=parsed.channel,
        proposed_transaction=signed_proposal(proposal, signature),
        target_organizations=organizations,
    )


def endorse_request(proposal: bytes, signature: bytes, organizations: Sequence[str]) -> gateway_pb2.EndorseRequest:
    """A proposal to be endorsed; with organisations, by exactly those."""
    parsed = parse_proposal(proposal)
    return gateway_pb2.EndorseRequest(
        transaction_id=parsed.transaction_id,
        channel_id=parsed.channel,
        proposed_transaction=signed_proposal(proposal, signature),
        endorsing_organizations=organizations,
    )


def endorsed_payload(response: gateway_pb2.EndorseResponse) -> bytes:
    """The transaction's payload, which the client signs."""
    return response.prepared_transaction.payload


def transaction_result(payload: bytes) -> tuple[str, str, bytes]:
    """Channel, transaction id and result of a transaction's payload."""
    transaction = parse_transaction(payload)
    return transaction.proposal.channel, transaction.proposal.transaction_id, transaction.response.payload


def submit_request(channel: str, transaction_id: str, payload: bytes, signature: bytes) -> gateway_pb2.SubmitRequest:
    """A transaction to be ordered."""
    return gateway_pb2.SubmitRequest(
        transaction_id=transaction_id,
        channel_id=channel,
        prepared_transaction=common_pb2.Envelope(payload=payload, signature=signature),
    )


def commit_status_request(channel: str, transaction_id: str, identity: bytes) -> bytes:
    """The bytes to sign when asking how a transaction ended."""
    return gateway_pb2.CommitStatusRequest(
        transaction_id=transaction_id, channel_id=channel, identity=identity
    ).SerializeToString()


def signed_commit_status(request: bytes, signature: bytes) -> gateway_pb2.SignedCommitStatusRequest:
    """The request with its signature."""
    return gateway_pb2.SignedCommitStatusRequest(request=request, signature=signature)


def commit_status_parts(request: bytes) -> tuple[str, str]:
    """Channel and transaction id of a commit status request."""
    message = parse(gateway_pb2.CommitStatusRequest, request, "commit status request")
    return message.channel_id, message.transaction_id


def status(transaction_id: str, response: gateway_pb2.CommitStatusResponse) -> Status:
    """How a transaction ended."""
    name = transaction_pb2.TxValidationCode.Name(response.result)
    return Status(transaction_id, response.block_number, response.result, name)


def events_request(
    channel: str, chaincode: str, identity: bytes, start_block: int | None, after_transaction_id: str
) -> bytes:
    """The bytes to sign when asking for chaincode events; without a start block, from the next block on."""
    position = ab_pb2.SeekPosition()
    if start_block is None:
        position.next_commit.SetInParent()
    else:
        position.specified.number = start_block
    return gateway_pb2.ChaincodeEventsRequest(
        channel_id=channel,
        chaincode_id=chaincode,
        identity=identity,
        start_position=position,
        after_transaction_id=after_transaction_id,
    ).SerializeToString()


def signed_events(request: bytes, signature: bytes) -> gateway_pb2.SignedChaincodeEventsRequest:
    """The request with its signature."""
    return gateway_pb2.SignedChaincodeEventsRequest(request=request, signature=signature)


def events(response: gateway_pb2.ChaincodeEventsResponse) -> Iterator[ChaincodeEvent]:
    """The events of one block."""
    for event in response.events:
        yield ChaincodeEvent(response.block_number, event.tx_id, event.chaincode_id, event.event_name, event.payload)
