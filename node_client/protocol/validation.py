"""Judging a block's transactions before their reads are compared.

Source: Fabric's `core/common/validation/msgvalidation.go`, `core/committer/txvalidator/v20/validator.go` and its
`plugindispatcher/dispatcher.go`. What a transaction read is judged after this, by `chaincode.ledger.mvcc`.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from fabric_protos.common import common_pb2
from fabric_protos.peer import (
    chaincode_event_pb2,
    policy_pb2,
    proposal_pb2,
    proposal_response_pb2,
    transaction_pb2,
)
from google.protobuf.message import Message

from chaincode.ledger import read_write_set
from chaincode.ledger.read_write_set import DuplicateNamespace, NamespaceSet
from node_client.protocol.block import Block
from node_client.protocol.codec import parse
from node_client.protocol.definitions import LIFECYCLE, read_definition
from node_client.protocol.errors import ProtocolError
from node_client.protocol.key_level import KeyLevelPolicies, NotEndorsed
from node_client.protocol.policy import SignedData, signers
from node_client.protocol.proposal import endorsed_proposal, proposal_hash, transaction_id
from node_client.protocol.transaction import Endorsement, ResponsePayload, Transaction, parse_response_payload

if TYPE_CHECKING:
    from chaincode.ledger.state import StateReader
    from node_client.protocol.config import ChannelConfig

logger = logging.getLogger(__name__)

Code = transaction_pb2.TxValidationCode
LIFECYCLE_POLICY = "/Channel/Application/LifecycleEndorsement"
TYPES = (common_pb2.ENDORSER_TRANSACTION, common_pb2.CONFIG_UPDATE, common_pb2.CONFIG)

M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class Judged:
    """A transaction, and the code that it has so far.

    Attributes:
        tx_id: the id under which ledgers keep it, valid or not: the one that it states, or else the one that it should
            have (`GetOrComputeTxIDFromEnvelope`). Empty when it could not be read.
        transaction, sets: the transaction, and what it reads and writes; only of one that is valid so far and is no
            configuration.
    """

    code: "Code.ValueType"
    tx_id: str = ""
    transaction: Transaction | None = None
    sets: Mapping[str, NamespaceSet] | None = None


def judge_block(
    block: Block,
    config: "ChannelConfig",
    state: "StateReader",
    is_committed: Callable[[str], bool],
) -> list[Judged]:
    """Judge a block's envelopes: form, creators, endorsements, and transaction ids used before.

    The first block has nothing to be judged by: peers take it as it is, and nobody need have signed it.

    Args:
        config: the channel's configuration in force.
        state: the state before the block, for chaincodes' definitions and keys' policies.
        is_committed: whether a transaction of this id is in an earlier block, valid or not.
    """
    policies = KeyLevelPolicies(config, state)
    found: list[Judged] = []
    seen: set[str] = set()
    for envelope in block.envelopes:
        one = judge(envelope, config, state, policies, is_committed)
        if not block.number:
            one = Judged(Code.VALID, one.tx_id)
        if one.code == Code.VALID and one.transaction:
            if one.tx_id in seen:
                one = Judged(Code.DUPLICATE_TXID, one.tx_id)
            seen.add(one.tx_id)
        found.append(one)
    return found


def judge(
    envelope: bytes,
    config: "ChannelConfig",
    state: "StateReader",
    policies: KeyLevelPolicies,
    is_committed: Callable[[str], bool] = lambda _: False,
) -> Judged:
    """Judge one envelope by itself, after those that come before it in its block.

    The steps are those of `validateTx` and `ValidateTransaction`, in their order: the first that fails gives the code.

    Args:
        policies: has checked what came before.
    """
    tx_id = ""
    try:
        message = _read(common_pb2.Envelope, envelope, Code.INVALID_OTHER_REASON)
        payload = _read(common_pb2.Payload, message.payload, Code.BAD_PAYLOAD)
        _require(payload.HasField("header"), Code.BAD_COMMON_HEADER, "there is no header")
        channel_header = _read(common_pb2.ChannelHeader, payload.header.channel_header, Code.BAD_COMMON_HEADER)
        tx_id = channel_header.tx_id
        creators = _read(common_pb2.SignatureHeader, payload.header.signature_header, Code.BAD_COMMON_HEADER)
        own_id = transaction_id(creators.nonce, creators.creator)
        tx_id = tx_id or own_id
        _check_headers(channel_header, creators)
        _check_creator(message, channel_header.channel_id, creators.creator, config)
        if channel_header.type == common_pb2.CONFIG:
            return Judged(Code.VALID, tx_id)  # what it holds is for `config_authority.check_applicable`
        endorses = channel_header.type == common_pb2.ENDORSER_TRANSACTION
        _require(endorses, Code.UNSUPPORTED_TX_PAYLOAD, "an update of the configuration is not to be in a block")
        _require(channel_header.tx_id == own_id, Code.BAD_PROPOSAL_TXID, "it is not its own id")
        endorsed = _check_action(payload)
        _require(not is_committed(tx_id), Code.DUPLICATE_TXID, "the id is that of an earlier one")
        executed, sets = _check_execution(channel_header.extension, endorsed.response)
        transaction = Transaction(
            data=message.payload,
            proposal=endorsed_proposal(
                channel_header=payload.header.channel_header,
                signature_header=endorsed.header,
                chaincode=executed.chaincode,
                payload=endorsed.proposal,
            ),
            response=executed,
            endorsements=endorsed.endorsements,
        )
        _check_endorsements(transaction, sets, config, state, policies)
    except _Invalid as found:
        logger.info("transaction %r is invalid, %s: %s", tx_id, Code.Name(found.code), found)
        return Judged(found.code, tx_id)
    return Judged(Code.VALID, tx_id, transaction, sets)


class _Invalid(Exception):
    """A transaction fails a step, which gives it this code; the text says why."""

    def __init__(self, code: "Code.ValueType", reason: str) -> None:
        super().__init__(reason)
        self.code = code


def _read(kind: type[M], data: bytes, code: "Code.ValueType") -> M:
    try:
        return parse(kind, data, "it cannot be read")
    except ProtocolError as error:
        raise _Invalid(code, str(error)) from error


def _require(holds: bool, code: "Code.ValueType", reason: str) -> None:
    if not holds:
        raise _Invalid(code, reason)


def _check_headers(channel_header: common_pb2.ChannelHeader, creators: common_pb2.SignatureHeader) -> None:
    """`validateChannelHeader` and `validateSignatureHeader`."""
    _require(channel_header.type in TYPES, Code.BAD_COMMON_HEADER, "no transaction has this type")
    _require(not channel_header.epoch, Code.BAD_COMMON_HEADER, "there are no epochs")
    _require(bool(creators.nonce and creators.creator), Code.BAD_COMMON_HEADER, "there is no nonce or no creator")


def _check_creator(message: common_pb2.Envelope, channel: str, creator: bytes, config: "ChannelConfig") -> None:
    """`checkSignatureFromCreator`."""
    code = Code.BAD_CREATOR_SIGNATURE
    _require(channel == config.channel, code, "it is for another channel")
    try:
        member = config.msp_manager.valid_member(creator)
    except ProtocolError as error:
        raise _Invalid(code, f"its creator is no member: {error}") from error
    _require(member.verify(message.signature, message.payload), code, "its creator did not sign it")


@dataclass(frozen=True)
class _Endorsed:
    """A transaction's action: a proposal, and what its endorsers signed.

    Attributes:
        header: the signature header under which it was proposed; that of the transaction may be another.
        proposal: the proposal's payload, which nobody reads.
        response: the response payload.
    """

    header: bytes
    proposal: bytes
    response: bytes
    endorsements: tuple[Endorsement, ...]


def _check_action(payload: common_pb2.Payload) -> _Endorsed:
    """`validateEndorserTransaction`: there is one action, and its endorsers signed the hash of this proposal."""
    code = Code.INVALID_ENDORSER_TRANSACTION
    actions = _read(transaction_pb2.Transaction, payload.data, code).actions
    _require(len(actions) == 1, code, "there is not exactly one action")
    header = _read(common_pb2.SignatureHeader, actions[0].header, code)
    _require(bool(header.nonce and header.creator), code, "the action has no nonce or no creator")
    action = _read(transaction_pb2.ChaincodeActionPayload, actions[0].payload, code)
    response = action.action.proposal_response_payload
    proposal = action.chaincode_proposal_payload
    signed_hash = _read(proposal_response_pb2.ProposalResponsePayload, response, code).proposal_hash
    _require(bool(proposal), code, "there is no proposal")
    expected = proposal_hash(payload.header.channel_header, actions[0].header, proposal)
    _require(signed_hash == expected, code, "another proposal was endorsed")
    endorsements = tuple(Endorsement(one.endorser, one.signature) for one in action.action.endorsements)
    return _Endorsed(actions[0].header, proposal, response, endorsements)


def _check_execution(extension: bytes, response: bytes) -> tuple[ResponsePayload, Mapping[str, NamespaceSet]]:
    """The first part of `Dispatch`: what was run is what was proposed, and what came of it can be read.

    Returns:
        What endorsers signed, and the sets in it.
    """
    proposed = _read(proposal_pb2.ChaincodeHeaderExtension, extension, Code.BAD_HEADER_EXTENSION)
    signed = _read(proposal_response_pb2.ProposalResponsePayload, response, Code.BAD_RESPONSE_PAYLOAD)
    _require(bool(signed.extension), Code.BAD_RESPONSE_PAYLOAD, "nothing came of it")
    action = _read(proposal_pb2.ChaincodeAction, signed.extension, Code.BAD_RESPONSE_PAYLOAD)
    repeated = None
    sets: Mapping[str, NamespaceSet] = {}
    try:
        sets = read_write_set.decode(action.results)
    except DuplicateNamespace as error:
        repeated = error  # which counts when all else is as it should be
    except ValueError as error:
        raise _Invalid(Code.BAD_RWSET, str(error)) from error
    _require(proposed.HasField("chaincode_id"), Code.INVALID_OTHER_REASON, "no chaincode was proposed")
    _require(action.HasField("chaincode_id"), Code.INVALID_OTHER_REASON, "no chaincode was run")
    name = proposed.chaincode_id.name
    _require(bool(name), Code.INVALID_CHAINCODE, "a chaincode without a name was proposed")
    _require(action.chaincode_id.name == name, Code.INVALID_CHAINCODE, "another chaincode was run")
    _require(bool(action.chaincode_id.version), Code.INVALID_CHAINCODE, "a chaincode without a version was run")
    if action.events:
        event = _read(chaincode_event_pb2.ChaincodeEvent, action.events, Code.INVALID_OTHER_REASON)
        _require(event.chaincode_id == name, Code.INVALID_OTHER_REASON, "the event is of another chaincode")
    if repeated is not None:
        raise _Invalid(Code.ILLEGAL_WRITESET, str(repeated)) from repeated
    return parse_response_payload(response), sets


def _check_endorsements(
    transaction: Transaction,
    sets: Mapping[str, NamespaceSet],
    config: "ChannelConfig",
    state: "StateReader",
    policies: KeyLevelPolicies,
) -> None:
    """The second part of `Dispatch`: every chaincode that is written has the endorsements that it asks for."""
    response = transaction.response
    signed = [SignedData(response.data + one.endorser, one.endorser, one.signature) for one in transaction.endorsements]
    members = signers(config.msp_manager, signed)
    written = [name for name, part in sets.items() if part.is_written]
    for namespace in dict.fromkeys([response.chaincode, *written]):
        policy = _policy_of(namespace, state)
        _require(bool(policy), Code.INVALID_CHAINCODE, f"the chaincode {namespace!r} is not defined")
        try:
            policies.check(namespace, sets.get(namespace), policy, members)
        except NotEndorsed as error:
            raise _Invalid(Code.ENDORSEMENT_POLICY_FAILURE, str(error)) from error


def _policy_of(namespace: str, state: "StateReader") -> bytes:
    """A chaincode's endorsement policy, `protos.ApplicationPolicy`; empty when it is not defined."""
    if namespace == LIFECYCLE:
        return policy_pb2.ApplicationPolicy(channel_config_policy_reference=LIFECYCLE_POLICY).SerializeToString()
    definition = read_definition(state, namespace)
    return definition.policy if definition else b""
