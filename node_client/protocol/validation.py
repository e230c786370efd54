"""Judging a block's transactions before their reads are compared.

Source: Fabric's `core/common/validation/msgvalidation.go`, `core/committer/txvalidator/v20` and its `plugindispatcher`.
What a transaction read is judged after this, by `chaincode.ledger.mvcc`.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fabric_protos.common import common_pb2
from fabric_protos.peer import policy_pb2, transaction_pb2

from chaincode.ledger import read_write_set
from chaincode.ledger.read_write_set import DuplicateNamespace, NamespaceSet
from node_client.protocol.block import Block
from node_client.protocol.codec import parse
from node_client.protocol.definitions import LIFECYCLE, read_definition
from node_client.protocol.errors import ProtocolError
from node_client.protocol.key_level import KeyLevelPolicies, NotEndorsed
from node_client.protocol.policy import SignedData, signers
from node_client.protocol.proposal import transaction_id
from node_client.protocol.transaction import Transaction, parse_transaction

if TYPE_CHECKING:
    from chaincode.ledger.state import StateReader
    from node_client.protocol.config import ChannelConfig

logger = logging.getLogger(__name__)

Code = transaction_pb2.TxValidationCode
LIFECYCLE_POLICY = "/Channel/Application/LifecycleEndorsement"


@dataclass(frozen=True)
class Judged:
    """A transaction as far as it could be read, and the code it has so far.

    Attributes:
        tx_id: empty when it could not be read.
        transaction: None for configuration and for what could not be read.
        sets: what it reads and writes; only of one that is valid so far.
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
                one = replace(one, code=Code.DUPLICATE_TXID, sets=None)
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

    Args:
        policies: has checked what came before.
    """
    if not envelope:
        return Judged(Code.NIL_ENVELOPE)
    try:
        message = parse(common_pb2.Envelope, envelope, "envelope")
    except ProtocolError:
        return Judged(Code.INVALID_OTHER_REASON)
    try:
        payload = parse(common_pb2.Payload, message.payload, "payload")
    except ProtocolError:
        return Judged(Code.BAD_PAYLOAD)
    try:
        channel_header = parse(common_pb2.ChannelHeader, payload.header.channel_header, "channel header")
        signature_header = parse(common_pb2.SignatureHeader, payload.header.signature_header, "signature header")
    except ProtocolError:
        return Judged(Code.BAD_COMMON_HEADER)
    tx_id = channel_header.tx_id
    if channel_header.type not in (common_pb2.ENDORSER_TRANSACTION, common_pb2.CONFIG_UPDATE, common_pb2.CONFIG):
        return Judged(Code.BAD_COMMON_HEADER, tx_id)
    if channel_header.epoch or not signature_header.nonce or not signature_header.creator:
        return Judged(Code.BAD_COMMON_HEADER, tx_id)
    if channel_header.channel_id != config.channel or not _is_signed(message, signature_header.creator, config):
        return Judged(Code.BAD_CREATOR_SIGNATURE, tx_id)
    if channel_header.type == common_pb2.CONFIG:
        return Judged(Code.VALID, tx_id)  # what it holds is for `config_authority.check_applicable`
    if channel_header.type == common_pb2.CONFIG_UPDATE:
        return Judged(Code.UNSUPPORTED_TX_PAYLOAD, tx_id)
    if tx_id != transaction_id(signature_header.nonce, signature_header.creator):
        return Judged(Code.BAD_PROPOSAL_TXID, tx_id)
    try:
        transaction = parse_transaction(message.payload, exact=False)
    except ProtocolError:
        return Judged(Code.INVALID_ENDORSER_TRANSACTION, tx_id)
    if transaction.response.proposal_hash != transaction.proposal.hash:
        return Judged(Code.INVALID_ENDORSER_TRANSACTION, tx_id)
    if is_committed(tx_id):
        return Judged(Code.DUPLICATE_TXID, tx_id, transaction)
    return _judge_results(tx_id, transaction, config, state, policies)


def _is_signed(message: common_pb2.Envelope, creator: bytes, config: "ChannelConfig") -> bool:
    try:
        return config.msp_manager.valid_member(creator).verify(message.signature, message.payload)
    except ProtocolError:
        return False


def _judge_results(
    tx_id: str,
    transaction: Transaction,
    config: "ChannelConfig",
    state: "StateReader",
    policies: KeyLevelPolicies,
) -> Judged:
    """Judge what was endorsed, and by whom (`plugindispatcher/dispatcher.go`)."""
    response = transaction.response

    def judged(code: "Code.ValueType", sets: Mapping[str, NamespaceSet] | None = None) -> Judged:
        return Judged(code, tx_id, transaction, sets)

    try:
        sets = read_write_set.decode(response.result)
    except DuplicateNamespace:
        return judged(Code.ILLEGAL_WRITESET)
    except ValueError:
        return judged(Code.BAD_RWSET)
    if not response.chaincode or response.chaincode != transaction.proposal.chaincode or not response.chaincode_version:
        return judged(Code.INVALID_CHAINCODE)
    if response.event and response.event.chaincode != response.chaincode:
        return judged(Code.INVALID_OTHER_REASON)
    written = [name for name, part in sets.items() if part.is_written]
    signed = [SignedData(response.data + one.endorser, one.endorser, one.signature) for one in transaction.endorsements]
    members = signers(config.msp_manager, signed)
    for namespace in dict.fromkeys([response.chaincode, *written]):
        policy = _policy_of(namespace, state)
        if not policy:
            return judged(Code.INVALID_CHAINCODE)
        try:
            policies.check(namespace, sets.get(namespace), policy, members)
        except NotEndorsed as error:
            logger.info("transaction %s lacks endorsements: %s", tx_id, error)
            return judged(Code.ENDORSEMENT_POLICY_FAILURE)
    return judged(Code.VALID, sets)


def _policy_of(namespace: str, state: "StateReader") -> bytes:
    """A chaincode's endorsement policy, `protos.ApplicationPolicy`; empty when it is not defined."""
    if namespace == LIFECYCLE:
        return policy_pb2.ApplicationPolicy(channel_config_policy_reference=LIFECYCLE_POLICY).SerializeToString()
    definition = read_definition(state, namespace)
    return definition.policy if definition else b""
