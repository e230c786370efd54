"""Transactions: an endorsed proposal in an envelope. Source: Fabric's `protoutil/txutils.go`."""

from collections.abc import Sequence
from dataclasses import dataclass

from fabric_protos.common import common_pb2
from fabric_protos.peer import (
    chaincode_event_pb2,
    chaincode_pb2,
    proposal_pb2,
    proposal_response_pb2,
    transaction_pb2,
)

from node_client.protocol.codec import parse, parse_exact
from node_client.protocol.errors import ProtocolError
from node_client.protocol.proposal import Proposal, parse_headers


@dataclass(frozen=True)
class Endorsement:
    """An endorser's signature over the response payload and itself."""

    endorser: bytes
    signature: bytes


@dataclass(frozen=True)
class ChaincodeEvent:
    """An event that a transaction sets."""

    chaincode: str
    transaction_id: str
    name: str
    payload: bytes


@dataclass(frozen=True)
class ResponsePayload:
    """What endorsers sign: the proposal's hash, and what simulating it came to.

    Attributes:
        data: the bytes that are signed, followed by the endorser's identity.
        result: the read-write set.
    """

    data: bytes
    proposal_hash: bytes
    chaincode: str
    chaincode_version: str
    status: int
    message: str
    payload: bytes
    result: bytes
    event: ChaincodeEvent | None


@dataclass(frozen=True)
class Transaction:
    """A transaction, taken apart.

    Attributes:
        data: the payload's bytes, which the submitter signs.
        proposal: what was endorsed.
        response: what the endorsers signed.
    """

    data: bytes
    proposal: Proposal
    response: ResponsePayload
    endorsements: tuple[Endorsement, ...]


def build_response_payload(
    *,
    proposal_hash: bytes,
    chaincode: str,
    chaincode_version: str,
    status: int,
    message: str,
    payload: bytes,
    result: bytes,
    event: bytes,
) -> bytes:
    """What an endorser signs, followed by its identity (`GetBytesProposalResponsePayload`)."""
    action = proposal_pb2.ChaincodeAction(
        results=result,
        events=event,
        response=proposal_response_pb2.Response(status=status, message=message, payload=payload),
        chaincode_id=chaincode_pb2.ChaincodeID(name=chaincode, version=chaincode_version),
    )
    return proposal_response_pb2.ProposalResponsePayload(
        proposal_hash=proposal_hash, extension=action.SerializeToString()
    ).SerializeToString()


def build_event(event: ChaincodeEvent) -> bytes:
    """An event as the response payload carries it."""
    return chaincode_event_pb2.ChaincodeEvent(
        chaincode_id=event.chaincode, tx_id=event.transaction_id, event_name=event.name, payload=event.payload
    ).SerializeToString()


def assemble(proposal: Proposal, response_payload: bytes, endorsements: Sequence[Endorsement]) -> bytes:
    """The payload of the transaction that an endorsed proposal becomes, ready to be signed."""
    action = transaction_pb2.ChaincodeActionPayload(
        chaincode_proposal_payload=proposal.payload,
        action=transaction_pb2.ChaincodeEndorsedAction(
            proposal_response_payload=response_payload,
            endorsements=[
                proposal_response_pb2.Endorsement(endorser=one.endorser, signature=one.signature)
                for one in endorsements
            ],
        ),
    )
    transaction = transaction_pb2.Transaction(
        actions=[
            transaction_pb2.TransactionAction(header=proposal.signature_header, payload=action.SerializeToString())
        ]
    )
    return common_pb2.Payload(
        header=common_pb2.Header.FromString(proposal.header), data=transaction.SerializeToString()
    ).SerializeToString()


def envelope(payload: bytes, signature: bytes) -> bytes:
    """A signed payload as it is submitted: `common.Envelope`."""
    return common_pb2.Envelope(payload=payload, signature=signature).SerializeToString()


def open_envelope(data: bytes) -> tuple[bytes, bytes]:
    """The payload and the signature in an envelope. Raises ProtocolError."""
    message = parse(common_pb2.Envelope, data, "envelope")
    return message.payload, message.signature


def parse_response_payload(data: bytes) -> ResponsePayload:
    """Take apart what endorsers sign. Raises ProtocolError."""
    message = parse(proposal_response_pb2.ProposalResponsePayload, data, "proposal response payload")
    action = parse(proposal_pb2.ChaincodeAction, message.extension, "chaincode action")
    return ResponsePayload(
        data=data,
        proposal_hash=message.proposal_hash,
        chaincode=action.chaincode_id.name,
        chaincode_version=action.chaincode_id.version,
        status=action.response.status,
        message=action.response.message,
        payload=action.response.payload,
        result=action.results,
        event=_event(action.events),
    )


def _event(data: bytes) -> ChaincodeEvent | None:
    if not data:
        return None
    found = parse(chaincode_event_pb2.ChaincodeEvent, data, "chaincode event")
    return ChaincodeEvent(found.chaincode_id, found.tx_id, found.event_name, found.payload)


def parse_transaction(payload: bytes, *, known: Proposal | None = None) -> Transaction:
    """Take apart a transaction's payload, in which every message must be the encoding of its own content.

    Args:
        known: a proposal that was taken apart before; where the transaction has its very bytes, it is taken as it is,
            unless it had transient data, which are in no transaction.

    Raises:
        ProtocolError: it is not well formed, or has not exactly one action of its own creator.
    """
    message = parse_exact(common_pb2.Payload, payload, "payload")
    transaction = parse_exact(transaction_pb2.Transaction, message.data, "transaction")
    if len(transaction.actions) != 1:
        raise ProtocolError("a transaction has exactly one action")
    action = parse_exact(transaction_pb2.ChaincodeActionPayload, transaction.actions[0].payload, "action payload")
    header = message.header.SerializeToString()
    if known and not known.transient and (header, action.chaincode_proposal_payload) == (known.header, known.payload):
        proposal = known
    else:
        proposal = parse_headers(header, action.chaincode_proposal_payload)
    if transaction.actions[0].header != message.header.signature_header:
        raise ProtocolError("the action was made by another than the transaction's creator")
    return Transaction(
        data=payload,
        proposal=proposal,
        response=parse_response_payload(action.action.proposal_response_payload),
        endorsements=tuple(Endorsement(one.endorser, one.signature) for one in action.action.endorsements),
    )


def results_of(envelope: bytes) -> bytes:
    """The read-write set in an envelope, whatever else is in it. Raises ProtocolError."""
    return _action(envelope).results


def event_of(envelope: bytes) -> ChaincodeEvent | None:
    """The event in an envelope, whatever else is in it. Raises ProtocolError."""
    return _event(_action(envelope).events)


def _action(envelope: bytes) -> proposal_pb2.ChaincodeAction:
    """What endorsers say that came of a proposal (`GetActionFromEnvelope`)."""
    payload = parse(common_pb2.Payload, open_envelope(envelope)[0], "payload")
    transaction = parse(transaction_pb2.Transaction, payload.data, "transaction")
    if not transaction.actions:
        raise ProtocolError("a transaction without an action")
    action = parse(transaction_pb2.ChaincodeActionPayload, transaction.actions[0].payload, "action payload").action
    response = parse(
        proposal_response_pb2.ProposalResponsePayload, action.proposal_response_payload, "proposal response payload"
    )
    return parse(proposal_pb2.ChaincodeAction, response.extension, "chaincode action")


def validation_code_name(code: int) -> str:
    """A validation code's name; of one that is not known, its number."""
    found = transaction_pb2.TxValidationCode.DESCRIPTOR.values_by_number.get(code)
    return str(code) if found is None else str(found.name)
