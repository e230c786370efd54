"""The gateway's messages, made from and turned into plain values."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import proposal_pb2, transaction_pb2

from node_client.protocol.codec import parse
from node_client.protocol.transaction import validation_code_name


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


def proposed_transaction(transaction_id: str, proposal: bytes, signature: bytes, organizations: Sequence[str]) -> bytes:
    """A proposal as clients exchange it, signed or not."""
    return gateway_pb2.ProposedTransaction(
        transaction_id=transaction_id,
        proposal=signed_proposal(proposal, signature),
        endorsing_organizations=organizations,
    ).SerializeToString()


def proposed_transaction_parts(data: bytes) -> tuple[bytes, bytes, tuple[str, ...]]:
    """A proposal's bytes, its signature and its endorsing organisations. Raises ProtocolError."""
    message = parse(gateway_pb2.ProposedTransaction, data, "proposed transaction")
    return message.proposal.proposal_bytes, message.proposal.signature, tuple(message.endorsing_organizations)


def prepared_transaction(transaction_id: str, payload: bytes, signature: bytes) -> bytes:
    """A transaction as clients exchange it, signed or not."""
    return gateway_pb2.PreparedTransaction(
        transaction_id=transaction_id, envelope=common_pb2.Envelope(payload=payload, signature=signature)
    ).SerializeToString()


def prepared_transaction_parts(data: bytes) -> tuple[bytes, bytes]:
    """A transaction's payload and its signature. Raises ProtocolError."""
    message = parse(gateway_pb2.PreparedTransaction, data, "prepared transaction")
    return message.envelope.payload, message.envelope.signature


def evaluate_request(
    channel: str, transaction_id: str, proposal: bytes, signature: bytes, organizations: Sequence[str]
) -> gateway_pb2.EvaluateRequest:
    """A query; with organisations, only their peers run it."""
    return gateway_pb2.EvaluateRequest(
        transaction_id=transaction_id,
        channel_id=channel,
        proposed_transaction=signed_proposal(proposal, signature),
        target_organizations=organizations,
    )


def endorse_request(
    channel: str, transaction_id: str, proposal: bytes, signature: bytes, organizations: Sequence[str]
) -> gateway_pb2.EndorseRequest:
    """A proposal to be endorsed; with organisations, by exactly those."""
    return gateway_pb2.EndorseRequest(
        transaction_id=transaction_id,
        channel_id=channel,
        proposed_transaction=signed_proposal(proposal, signature),
        endorsing_organizations=organizations,
    )


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


def signed_commit_status_parts(data: bytes) -> tuple[bytes, bytes]:
    """A commit status request and its signature. Raises ProtocolError."""
    message = parse(gateway_pb2.SignedCommitStatusRequest, data, "signed commit status request")
    return message.request, message.signature


def status(transaction_id: str, response: gateway_pb2.CommitStatusResponse) -> Status:
    """How a transaction ended."""
    return Status(transaction_id, response.block_number, response.result, validation_code_name(response.result))


def seek_position(start_block: int | None) -> ab_pb2.SeekPosition:
    """Where a stream begins; without a start block, with the next block."""
    if start_block is None:
        return ab_pb2.SeekPosition(next_commit=ab_pb2.SeekNextCommit())
    return ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=start_block))


def events_request(
    channel: str, chaincode: str, identity: bytes, start_block: int | None, after_transaction_id: str
) -> bytes:
    """The bytes to sign when asking for chaincode events; without a start block, from the next block on."""
    return gateway_pb2.ChaincodeEventsRequest(
        channel_id=channel,
        chaincode_id=chaincode,
        identity=identity,
        start_position=seek_position(start_block),
        after_transaction_id=after_transaction_id,
    ).SerializeToString()


def signed_events(request: bytes, signature: bytes) -> gateway_pb2.SignedChaincodeEventsRequest:
    """The request with its signature."""
    return gateway_pb2.SignedChaincodeEventsRequest(request=request, signature=signature)


def signed_events_parts(data: bytes) -> tuple[bytes, bytes]:
    """An events request and its signature. Raises ProtocolError."""
    message = parse(gateway_pb2.SignedChaincodeEventsRequest, data, "signed chaincode events request")
    return message.request, message.signature


def events(response: gateway_pb2.ChaincodeEventsResponse) -> Iterator[ChaincodeEvent]:
    """The events of one block."""
    for event in response.events:
        yield ChaincodeEvent(response.block_number, event.tx_id, event.chaincode_id, event.event_name, event.payload)
