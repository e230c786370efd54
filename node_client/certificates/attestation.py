"""Attestations: reads of the registry that organisations endorsed and nobody submitted.

An attestation is the `common.Payload` that the Gateway's Endorse returns for a read: the proposal's headers and
payload, the response payload with value and read version, and the endorsements. It proves what stood on the ledger
when the question was asked, as far as the organisations of the endorsement policy are believed. Read-only results must
have no effect, or what was endorsed could be submitted as a transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from chaincode.ledger.read_write_set import NamespaceSet, decode
from chaincode.ledger.state import Version
from node_client.certificates.errors import AttestationError, Reason
from node_client.certificates.trust import Trust, TrustRange
from node_client.protocol.errors import ProtocolError
from node_client.protocol.msp import Member, MspError, MspManager
from node_client.protocol.proposal import ENDORSER_TRANSACTION, Proposal, transaction_id
from node_client.protocol.transaction import Transaction, parse_transaction

# Fabric's endorsers add the chaincode's definition to what a simulation read (`core/chaincode/lifecycle`).
_LIFECYCLE = "_lifecycle"


@dataclass(frozen=True)
class Question:
    """A read of the registry.

    Attributes:
        function: the function's name.
        args: its arguments.
        keys: the keys that it must read, and no others.
        ranges: the ranges of keys that it must read to their ends, and no others: start and end of each.
    """

    function: str
    args: tuple[str, ...]
    keys: tuple[str, ...]
    ranges: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Answer:
    """What the organisations attested.

    Attributes:
        result: the function's result.
        versions: for every key of the question the version at which it was read; None where nothing stood.
        asked_at: when the question was asked, by the word of who asked it.
        endorsers: the MSP ids of those who endorsed.
        nonce: what made the question unique.
        creator: who asked, serialised; the endorsers saw that it did.
    """

    result: bytes
    versions: Mapping[str, Version | None]
    asked_at: datetime
    endorsers: tuple[str, ...]
    nonce: bytes
    creator: bytes


def verify(
    data: bytes,
    question: Question,
    trust: Trust,
    *,
    nonce: bytes | None = None,
    as_of: datetime | None = None,
    latest: bool = False,
) -> Answer:
    """Check that the organisations of the policy answered this question, and so.

    Args:
        data: the attestation: `common.Payload`.
        question: what must have been asked.
        trust: who is believed.
        nonce: the verifier's own, for a fresh answer.
        as_of: the time at which the endorsers' certificates must be valid; the time of asking by default. Those that
            expired since then are good; those that were revoked since then are not.
        latest: whether it must hold by what the trust file has last, as a fresh answer must.

    Raises:
        AttestationError: it proves nothing, or something else.
    """
    if nonce is None and as_of is None:
        return _verified_again(data, question, trust, latest)
    return _verified(data, question, trust, latest, nonce, as_of)


def _verified(
    data: bytes,
    question: Question,
    trust: Trust,
    latest: bool,
    nonce: bytes | None = None,
    as_of: datetime | None = None,
) -> Answer:
    transaction = _parse(data)
    proposal = transaction.proposal
    _check_subject(transaction, question, trust)
    if nonce is not None and proposal.nonce != nonce:
        raise AttestationError(Reason.NONCE, "it answers another question than the one that was asked now")
    asked_at = _asked_at(proposal)
    own = _check_reads(transaction.response.result, trust.ledger.chaincode, question)
    ranges = trust.ranges[-1:] if latest or nonce is not None else trust.since(_newest(own))
    endorsers = _check_endorsements(transaction, ranges, as_of or asked_at)
    _refuse_revoked(endorsers, trust)
    return Answer(
        result=transaction.response.payload,
        versions=own.reads,
        asked_at=asked_at,
        endorsers=tuple(member.msp_id for member in endorsers),
        nonce=proposal.nonce,
        creator=proposal.creator,
    )


# One attestation is in the receipts of a whole batch. That it holds depends on nothing but these arguments.
_verified_again = lru_cache(maxsize=256)(_verified)


@lru_cache(maxsize=256)
def asked_function(data: bytes) -> str:
    """The function that an attestation is of. Raises AttestationError."""
    args = _parse(data).proposal.args
    return args[0].decode(errors="replace") if args else ""


def _parse(data: bytes) -> Transaction:
    try:
        return parse_transaction(data)
    except ProtocolError as error:
        raise AttestationError(Reason.FORM, f"not an attestation: {error}") from error


def _check_subject(transaction: Transaction, question: Question, trust: Trust) -> None:
    proposal, response = transaction.proposal, transaction.response
    args = tuple(text.encode() for text in (question.function, *question.args))
    holds = {
        "type": proposal.type == ENDORSER_TRANSACTION and proposal.epoch == 0,
        "channel": proposal.channel == trust.ledger.channel,
        # Endorsers run what the header's extension names and refuse an empty one; parsing refuses a header that
        # disagrees with the invocation; the response names what was run.
        "chaincode": proposal.chaincode == response.chaincode == trust.ledger.chaincode,
        "function and arguments": proposal.args == args,
        "transaction id": proposal.transaction_id == transaction_id(proposal.nonce, proposal.creator),
        "proposal": response.proposal_hash == proposal.hash,
        "response": response.status == 200 and response.event is None,
    }
    for name, good in holds.items():
        if not good:
            raise AttestationError(Reason.SUBJECT, f"it attests something else: {name}")


def _asked_at(proposal: Proposal) -> datetime:
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
            seconds=proposal.seconds, microseconds=proposal.nanos // 1000
        )
    except OverflowError as error:
        raise AttestationError(Reason.FORM, "its time is out of range") from error


def _check_reads(result: bytes, chaincode: str, question: Question) -> NamespaceSet:
    try:
        sets = decode(result)
    except ValueError as error:
        raise AttestationError(Reason.FORM, "its read-write set is not well formed") from error
    own = sets.get(chaincode, NamespaceSet())
    alone = set(sets) <= {chaincode, _LIFECYCLE}
    plain = not any(one.is_written or one.collections for one in sets.values())
    ranges = [(name, one.start, one.end, one.exhausted) for name, part in sets.items() for one in part.range_queries]
    whole = ranges == [(chaincode, start, end, True) for start, end in question.ranges]
    if not alone or not plain or not whole or set(own.reads) != set(question.keys):
        raise AttestationError(Reason.SUBJECT, "it is not a plain read of the record")
    return own


def _newest(own: NamespaceSet) -> int:
    """The newest block that was read from: what was attested held when that block was there."""
    versions = [version for version in own.reads.values() if version]
    versions += [version for one in own.range_queries for _, version in one.reads]
    return max((version.block for version in versions), default=0)


def _check_endorsements(transaction: Transaction, ranges: Sequence[TrustRange], at: datetime) -> list[Member]:
    failure = AttestationError(Reason.POLICY, "nobody endorsed it")
    for one in ranges:
        try:
            members = [
                _endorser(one.manager, endorsement.endorser, endorsement.signature, transaction.response.data, at)
                for endorsement in transaction.endorsements
            ]
            if len({member.key for member in members}) != len(members):
                raise AttestationError(Reason.FORM, "an endorser is there twice")
            if not one.endorsement.satisfied_by(members):
                who = ", ".join(sorted({member.msp_id for member in members})) or "nobody"
                raise AttestationError(Reason.POLICY, f"it was endorsed by {who} alone, which is not enough")
            return members
        except AttestationError as error:
            failure = error
    raise failure


def _endorser(manager: MspManager, endorser: bytes, signature: bytes, response: bytes, at: datetime) -> Member:
    try:
        member = manager.member(endorser)
    except ProtocolError as error:
        raise AttestationError(Reason.IDENTITY, f"an endorser is not known: {error}") from error
    if not member.verify(signature, response + endorser):
        raise AttestationError(Reason.SIGNATURE, f"{member.msp_id} did not sign this")
    try:
        manager.valid_member(endorser)
    except MspError as error:
        revoked = manager.msps[member.msp_id].is_revoked(member.certificate)
        reason = Reason.REVOKED if revoked else Reason.IDENTITY
        raise AttestationError(reason, f"an endorser of {member.msp_id} is not admitted: {error}") from error
    if not member.certificate.not_valid_before_utc <= at <= member.certificate.not_valid_after_utc:
        raise AttestationError(Reason.EXPIRED, f"an endorser of {member.msp_id} was not valid at that time")
    return member


def _refuse_revoked(members: Sequence[Member], trust: Trust) -> None:
    for member in members:
        if trust.is_revoked(member):
            raise AttestationError(Reason.REVOKED, f"an endorser of {member.msp_id} has been revoked")
