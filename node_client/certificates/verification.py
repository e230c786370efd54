"""Verifying a certificate: a verdict, and every check that led to it.

A verdict is genuine only when every check ran and passed, revocation among them.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from chaincode.registry.model import codes
from chaincode.registry.model.records import BatchRecord, CertificateRecord
from chaincode.registry.model.status import Status
from node_client.certificates import attestation
from node_client.certificates.document import Document
from node_client.certificates.errors import AttestationError, Reason, RegistryRefusal, StatusListError
from node_client.certificates.receipt import Receipt
from node_client.certificates.standing import Standing, attested_standing, standing, standing_question
from node_client.certificates.status_list import StatusList
from node_client.certificates.trust import Trust


class Verdict(StrEnum):
    """The verdicts, in the order in which one wins over another."""

    ALTERED = "altered"
    UNKNOWN = "unknown"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"
    SUSPENDED = "suspended"
    UNCONFIRMED = "unconfirmed"
    EXPIRED = "expired"
    GENUINE = "genuine"


class Outcome(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class CheckName(StrEnum):
    """What is checked, in the order in which it is told."""

    RECEIPT = "receipt"  # the receipt is one, in its one form
    DOCUMENT = "document"  # the document is the one of the statement
    LEDGER = "ledger"  # the statement is bound to the ledger that the verifier trusts
    ATTESTATION = "attestation"  # the receipt holds an answer to the question for this certificate's record
    ENDORSEMENTS = "endorsements"  # the organisations that the trust file's policy asks for signed that answer
    RECORD = "record"  # the organisations answer now, to this very question
    INCLUSION = "inclusion"  # of a batch's member: its leaf stands at its place under the batch's root
    COMMITMENT = "commitment"  # the ledger's record is of this statement and salt
    ISSUER = "issuer"  # the ledger names the statement's issuer
    STATUS = "status"  # the certificate is active now
    VALIDITY = "validity"  # the issuer's last day of validity has not passed


@dataclass(frozen=True)
class Check:
    """One check; `detail` says what was found when it did not pass."""

    name: CheckName
    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True)
class Verification:
    """What verifying came to.

    Attributes:
        verdict: the verdict.
        checks: every check, in order.
        checked_at: when the verdict was made.
        receipt: the receipt, when it is one.
        standing: what the organisations attested now, or offline at the receipt's time.
        answer: the fresh attestation behind an online verdict: evidence, which can be checked again.
    """

    verdict: Verdict
    checks: tuple[Check, ...]
    checked_at: datetime
    receipt: Receipt | None = None
    standing: Standing | None = None
    answer: bytes = b""


_NOT_CHANGED = frozenset({Reason.IDENTITY, Reason.EXPIRED, Reason.REVOKED, Reason.POLICY})
_OF_ENDORSERS = _NOT_CHANGED | {Reason.SIGNATURE}
_ONLINE_ONLY = frozenset({CheckName.RECORD})
CLOCKS_DIFFER = timedelta(minutes=5)  # a list from the future is refused, unless it is just another clock
_OF_STATUS = {
    Status.REVOKED: Verdict.REVOKED,
    Status.SUSPENDED: Verdict.SUSPENDED,
    Status.SUPERSEDED: Verdict.SUPERSEDED,
}


@dataclass
class Verifier:
    """One verification as it goes on: the checks need no network, the ledger's answers are brought to it.

    Online: `check_receipt`, then `check_record`. Offline: `check_receipt`, `check_attested`, and `check_status_list`
    where there is a status list.

    Args:
        document: the document at hand.
        receipt: its receipt.
        trust: whose word counts.
        issuer: the MSP id of whom it must be from; whoever the ledger names when empty.
        now: the time at which validity and age are judged.
    """

    document: Document
    receipt: Receipt
    trust: Trust
    issuer: str = ""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    _checks: dict[CheckName, Check] = field(default_factory=dict)
    _found: set[Verdict] = field(default_factory=set)
    _left_out: frozenset[CheckName] = frozenset()
    _attested: Standing | None = None
    _standing: Standing | None = None
    _answer: bytes = b""

    def check_receipt(self) -> None:
        """The checks that need no network."""
        statement, document = self.receipt.statement, self.document
        self._note(CheckName.RECEIPT, True)
        same = (document.sha256, document.size) == (statement.document.sha256, statement.document.size)
        self._note(CheckName.DOCUMENT, same, Verdict.ALTERED, "the document is not the one that was certified")
        bound = statement.ledger == self.trust.ledger
        self._note(CheckName.LEDGER, bound, Verdict.UNCONFIRMED, "the certificate is bound to another ledger")
        self._check_attestation()
        until = statement.valid_until
        good = until is None or self.now.astimezone().date() <= until
        self._note(CheckName.VALIDITY, good, Verdict.EXPIRED, f"it was valid until {until}")

    @property
    def attested(self) -> bool:
        """Whether the receipt proves that the certificate has been on the ledger."""
        wanted = (CheckName.LEDGER, CheckName.ATTESTATION, CheckName.ENDORSEMENTS)
        return all(name in self._checks and self._checks[name].outcome is Outcome.PASSED for name in wanted)

    def check_record(self, data: bytes, nonce: bytes) -> None:
        """The checks of the ledger's fresh answer.

        Args:
            data: the attestation that was given to this verifier's request.
            nonce: the request's nonce.
        """
        try:
            answer = attestation.verify(data, standing_question(self.receipt), self.trust, nonce=nonce)
            found = self._standing = standing(self.receipt, answer)
        except AttestationError as error:
            self._note(CheckName.RECORD, False, Verdict.UNCONFIRMED, f"the ledger's answer: {error}")
            return
        self._answer = data
        self._note(CheckName.RECORD, True)
        self._check_content(found)
        self._check_status(found.status, found.reason)

    def check_attested(self) -> None:
        """The checks of the record that the receipt's attestation holds, in place of the ledger's fresh answer.

        What it says of the status is old: only what is final still counts.
        """
        self._left_out = _ONLINE_ONLY
        found = self._standing = self._attested
        if found is None:
            return
        self._check_content(found)
        if found.final:
            self._check_status(found.status, found.reason)

    def check_status_list(self, status_list: StatusList, max_age: timedelta) -> None:
        """Settle the status by a list, after `check_attested`.

        Args:
            max_age: how old the list may be.
        """
        found = self._attested
        if found is None or found.final:
            return
        try:
            statuses = status_list.statuses(self.trust)
        except (AttestationError, StatusListError) as error:
            self._note(CheckName.STATUS, False, Verdict.UNCONFIRMED, f"the status list: {error}")
            return
        age = self.now - status_list.valid_from
        if statuses.record != _as_listed(found.record, statuses.record):
            self._note(CheckName.STATUS, False, Verdict.UNCONFIRMED, "the status list is of another certificate")
            return
        name = self.receipt.leaf.hex() if self.receipt.inclusion else self.receipt.certificate_id
        status, reason = statuses.changed.get(name, (Status.ACTIVE, None))
        if not status.final and not -CLOCKS_DIFFER <= age <= max_age:
            made = status_list.valid_from.isoformat(timespec="seconds")
            self._note(CheckName.STATUS, False, Verdict.UNCONFIRMED, f"the status list is of {made}")
            return
        self._check_status(status, reason)

    def check_no_status_list(self, text: str) -> None:
        """There is a status list, but it cannot be read."""
        self._note(CheckName.STATUS, False, Verdict.UNCONFIRMED, text)

    def check_refusal(self, refusal: RegistryRefusal) -> None:
        """The registry refused to answer."""
        if refusal.code == codes.NOT_FOUND and self.attested:
            # Nothing is ever removed from the ledger, and one peer's word does not stand against an attestation.
            text = "the peer that was asked is behind: it does not know the certificate, which the receipt proves"
            self._note(CheckName.RECORD, False, Verdict.UNCONFIRMED, text)
        elif refusal.code == codes.NOT_FOUND:
            self._note(CheckName.RECORD, False, Verdict.UNKNOWN, "the ledger has no such certificate")
        else:
            self._note(CheckName.RECORD, False, Verdict.UNCONFIRMED, f"the ledger refused to answer: {refusal}")

    def check_failure(self, text: str) -> None:
        """The ledger could not be asked."""
        self._note(CheckName.RECORD, False, Verdict.UNCONFIRMED, f"the ledger could not be asked: {text}")

    def result(self) -> Verification:
        """The verdict so far; a check that did not run forbids genuine."""
        return _result(
            self._checks, self._found, self.receipt, self._standing, left_out=self._left_out, answer=self._answer
        )

    def _check_attestation(self) -> None:
        try:
            found = attested_standing(self.receipt, self.trust)
        except AttestationError as error:
            verdict = Verdict.UNCONFIRMED if error.reason in _NOT_CHANGED else Verdict.ALTERED
            of_endorsers = error.reason in _OF_ENDORSERS
            if of_endorsers:
                self._note(CheckName.ATTESTATION, True)
            failed = CheckName.ENDORSEMENTS if of_endorsers else CheckName.ATTESTATION
            self._note(failed, False, verdict, str(error))
            return
        self._attested = found
        same = found.holds and found.record.transaction_id == self.receipt.transaction_id
        self._note(CheckName.ATTESTATION, same, Verdict.ALTERED, "the receipt's parts do not belong together")
        self._note(CheckName.ENDORSEMENTS, True)

    def _check_content(self, found: Standing) -> None:
        if self.receipt.inclusion is not None:
            self._note(CheckName.INCLUSION, found.holds, Verdict.ALTERED, "the batch does not have this certificate")
        self._note(CheckName.COMMITMENT, found.holds, Verdict.ALTERED, "the statement is not the one that was issued")
        issuer = found.issuer_msp == self.receipt.statement.issuer
        self._note(CheckName.ISSUER, issuer, Verdict.ALTERED, f"the ledger names {found.issuer_msp} as the issuer")
        if issuer and self.issuer and found.issuer_msp != self.issuer:
            detail = f"{found.issuer_msp} issued it, and not {self.issuer}"
            self._note(CheckName.ISSUER, False, Verdict.UNCONFIRMED, detail)

    def _check_status(self, status: Status | None, reason: object) -> None:
        why = f" ({reason})" if reason else ""
        verdict = _OF_STATUS.get(status, Verdict.UNCONFIRMED) if status else Verdict.UNCONFIRMED
        self._note(CheckName.STATUS, status is Status.ACTIVE, verdict, f"it is {status}{why}")

    def _note(self, name: CheckName, passed: bool, otherwise: Verdict = Verdict.UNCONFIRMED, detail: str = "") -> None:
        self._checks[name] = Check(name, Outcome.PASSED) if passed else Check(name, Outcome.FAILED, detail)
        if not passed:
            self._found.add(otherwise)


def _as_listed(record: CertificateRecord | BatchRecord, listed: object) -> object:
    """The record with the status that the list's one has: of the same certificate nothing else may differ."""
    if isinstance(record, BatchRecord):
        return record
    if not isinstance(listed, CertificateRecord):
        return None
    return record.with_status(listed.status, listed.reason, listed.superseded_by)


def bad_receipt(detail: str) -> Verification:
    """What is said of a document whose receipt is none: it was changed, or is something else."""
    check = Check(CheckName.RECEIPT, Outcome.FAILED, detail)
    return _result({CheckName.RECEIPT: check}, {Verdict.ALTERED}, None, None)


def _result(
    checks: dict[CheckName, Check],
    found: set[Verdict],
    receipt: Receipt | None,
    what_stands: Standing | None,
    *,
    left_out: frozenset[CheckName] = frozenset(),
    answer: bytes = b"",
) -> Verification:
    if receipt is None or receipt.inclusion is None:
        left_out |= {CheckName.INCLUSION}
    wanted = [name for name in CheckName if name not in left_out]
    every = tuple(checks.get(name, Check(name, Outcome.SKIPPED, "not checked")) for name in wanted)
    if any(check.outcome is Outcome.SKIPPED for check in every):
        found = found | {Verdict.UNCONFIRMED}
    verdict = next((one for one in Verdict if one in found), Verdict.GENUINE)
    return Verification(verdict, every, datetime.now(UTC), receipt, what_stands, answer)
