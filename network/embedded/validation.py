"""Judging a block's transactions before their reads are compared.

Source: Fabric's `core/common/validation/msgvalidation.go`, `core/committer/txvalidator/v20`. What a transaction read
is judged after this, by `chaincode.ledger.mvcc`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fabric_protos.common import common_pb2
from fabric_protos.peer import transaction_pb2

from chaincode.ledger import read_write_set
from chaincode.ledger.read_write_set import NamespaceSet
from network.embedded.definitions import LIFECYCLE, SYSTEM_CHAINCODES, implicit_collection, read_definition
from node_client.protocol.codec import parse, parse_exact
from node_client.protocol.errors import ProtocolError
from node_client.protocol.policy import Policy, SignedData, signers
from node_client.protocol.proposal import transaction_id
from node_client.protocol.transaction import Transaction, parse_transaction

if TYPE_CHECKING:
    from chaincode.ledger.state import StateReader
    from node_client.protocol.config import ChannelConfig

Code = transaction_pb2.TxValidationCode
LIFECYCLE_POLICY = "/Channel/Application/LifecycleEndorsement"


@dataclass(frozen=True)
class Judged:
    """A transaction as far as it could be read, and the code it has so far.

    Attributes:
        tx_id: empty when it could not be read.
        transaction: None for configuration and for what could not be read.
    """

    code: "Code.ValueType"
    tx_id: str = ""
    transaction: Transaction | None = None
    sets: Mapping[str, NamespaceSet] | None = None


def judge(envelope: bytes, config: "ChannelConfig", state: "StateReader") -> Judged:
    """Judge one envelope: its form, its creator, its endorsements.

    Args:
        envelope: as the orderers put it into the block.
        config: the channel's configuration in force.
        state: the state before the block, for the chaincode's definition.
    """
    if not envelope:
        return Judged(Code.NIL_ENVELOPE)
    try:
        message = parse_exact(common_pb2.Envelope, envelope, "envelope")
        payload = parse_exact(common_pb2.Payload, message.payload, "payload")
    except ProtocolError:
        return Judged(Code.BAD_PAYLOAD)
    try:
        channel_header = parse(common_pb2.ChannelHeader, payload.header.channel_header, "channel header")
        signature_header = parse(common_pb2.SignatureHeader, payload.header.signature_header, "signature header")
    except ProtocolError:
        return Judged(Code.BAD_COMMON_HEADER)
    tx_id = channel_header.tx_id
    if channel_header.type == common_pb2.CONFIG:
        return Judged(Code.VALID, tx_id)
    if channel_header.type != common_pb2.ENDORSER_TRANSACTION:
        return Judged(Code.UNKNOWN_TX_TYPE, tx_id)
    if channel_header.epoch or not signature_header.nonce or not signature_header.creator:
        return Judged(Code.BAD_COMMON_HEADER, tx_id)
    if channel_header.channel_id != config.channel:
        return Judged(Code.TARGET_CHAIN_NOT_FOUND, tx_id)
    try:
        creator = config.msp_manager.valid_member(signature_header.creator)
    except ProtocolError:
        return Judged(Code.BAD_CREATOR_SIGNATURE, tx_id)
    if not creator.verify(message.signature, message.payload):
        return Judged(Code.BAD_CREATOR_SIGNATURE, tx_id)
    if tx_id != transaction_id(signature_header.nonce, signature_header.creator):
        return Judged(Code.BAD_PROPOSAL_TXID, tx_id)
    try:
        transaction = parse_transaction(message.payload)
        if transaction.response.proposal_hash != transaction.proposal.hash:
            return Judged(Code.INVALID_ENDORSER_TRANSACTION, tx_id)
    except ProtocolError:
        return Judged(Code.INVALID_ENDORSER_TRANSACTION, tx_id)
    return _judge_endorsements(tx_id, transaction, config, state)


def _judge_endorsements(tx_id: str, transaction: Transaction, config: "ChannelConfig", state: "StateReader") -> Judged:
    response = transaction.response
    if not response.chaincode or response.chaincode != transaction.proposal.chaincode:
        return Judged(Code.INVALID_CHAINCODE, tx_id, transaction)
    if response.event and response.event.chaincode != response.chaincode:
        return Judged(Code.INVALID_OTHER_REASON, tx_id, transaction)
    try:
        sets = read_write_set.decode(response.result)
    except ValueError:
        return Judged(Code.BAD_RWSET, tx_id, transaction)
    written = [name for name, part in sets.items() if part.is_written]
    if response.chaincode != LIFECYCLE and any(name in SYSTEM_CHAINCODES for name in written):
        return Judged(Code.ILLEGAL_WRITESET, tx_id, transaction)
    signed = [SignedData(response.data + one.endorser, one.endorser, one.signature) for one in transaction.endorsements]
    members = signers(config.msp_manager, signed)
    for namespace in dict.fromkeys([response.chaincode, *written]):
        try:
            if namespace == LIFECYCLE:
                policy: Policy = _lifecycle_policy(sets, config)
            else:
                definition = read_definition(state, namespace)
                if definition is None:
                    return Judged(Code.INVALID_CHAINCODE, tx_id, transaction)
                policy, _ = config.application_policy(definition.policy)
                if namespace == response.chaincode and definition.version != response.chaincode_version:
                    return Judged(Code.EXPIRED_CHAINCODE, tx_id, transaction)
        except ProtocolError:
            return Judged(Code.INVALID_OTHER_REASON, tx_id, transaction)
        if not policy.satisfied_by(members):
            return Judged(Code.ENDORSEMENT_POLICY_FAILURE, tx_id, transaction)
    return Judged(Code.VALID, tx_id, transaction, sets)


def _lifecycle_policy(sets: Mapping[str, NamespaceSet], config: "ChannelConfig") -> Policy:
    """Definitions need the channel's LifecycleEndorsement. An approval writes to one organisation's implicit
    collection only, whose policy is that organisation's own Endorsement (`core/chaincode/implicitcollection`)."""
    part = sets.get(LIFECYCLE)
    if part and not part.writes:
        written = [name for name, collection in part.collections.items() if collection.writes]
        for name, msp_id in config.organisations.items():
            if written == [implicit_collection(msp_id)]:
                return config.policy(f"/Channel/Application/{name}/Endorsement")
    return config.policy(LIFECYCLE_POLICY)
