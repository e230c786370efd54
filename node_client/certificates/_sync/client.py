# Generated from _async/client.py by scripts/generate_sync.py: change that file instead.
"""The registry as typed calls."""

import json
from dataclasses import dataclass

from chaincode.registry.model import codes
from chaincode.registry.model.records import BatchRecord, CertificateRecord, StatusRecord
from chaincode.registry.model.status import Reason
from node_client.certificates.attestation import Question
from node_client.certificates.document import Document
from node_client.certificates.errors import OutcomeUnknown, RegistryRefusal, overtaken, refusals
from node_client.certificates.questions import batch_question, certificate_question, read_member
from node_client.certificates.receipt import Inclusion, Receipt
from node_client.certificates.standing import standing_question
from node_client.certificates.statuses import Subject
from node_client.certificates.trust import Trust
from node_client.certificates.verification import Verification, Verifier
from node_client.errors import CommitError, CommitStatusError, EndorseError, EvaluateError, GatewayError, SubmitError
from node_client.gateway._sync.network import Network
from node_client.gateway._sync.transaction import Transaction
from node_client.protocol.proposal import new_nonce

ATTEMPTS = 5  # transactions for one change, when others were written in between

# Peers have a block at different times: one may not know yet what another has told. Seconds between attempts; a peer
# that is behind for longer than all of them is not just behind.
PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)


@dataclass(frozen=True)
class HistoryEntry:
    """One version of a certificate's record; the time is its transaction's."""

    transaction_id: str
    at: str
    record: CertificateRecord | None


class RegistryClient:
    """The registry on a channel.

    Args:
        network: the channel.
        trust: whose word counts when verifying.
    """

    def __init__(self, network: Network, trust: Trust) -> None:
        self._network = network
        self._contract = network.get_contract(trust.ledger.chaincode)
        self.trust = trust

    def read(self, certificate_id: str) -> CertificateRecord:
        """A certificate's record, as one peer answers.

        Raises:
            RegistryRefusal: there is none, or the caller may not read.
            EvaluateError: it could not be asked.
        """
        return CertificateRecord.from_bytes(self._evaluate("ReadCertificate", certificate_id))

    def read_batch(self, batch_id: str) -> BatchRecord:
        """A batch's record, as one peer answers. Raises as `read`."""
        return BatchRecord.from_bytes(self._evaluate("ReadBatch", batch_id))

    def read_member(self, batch_id: str, leaf: str) -> tuple[BatchRecord, StatusRecord | None]:
        """A batch's record, and what became of a member, as one peer answers; None while that is nothing.

        Args:
            leaf: the member's leaf hash, in hex. Whether the batch has it, its inclusion proof tells.

        Raises:
            RegistryRefusal, EvaluateError: as `read`.
        """
        return read_member(self._evaluate("ReadMember", batch_id, leaf))

    def attest(self, certificate_id: str, nonce: bytes | None = None) -> bytes:
        """A certificate's record as the endorsement policy's organisations attest it: a serialised `common.Payload`.

        Args:
            nonce: the caller's own, which makes the answer fresh.

        Raises:
            RegistryRefusal: there is none, or the caller may not read.
            EndorseError: it could not be asked.
        """
        return self._attest(certificate_question(certificate_id), nonce)

    def attest_batch(self, batch_id: str, nonce: bytes | None = None) -> bytes:
        """A batch's record, attested. Args and raises as `attest`."""
        return self._attest(batch_question(batch_id), nonce)

    def history(self, certificate_id: str) -> list[HistoryEntry]:
        """Every version of a certificate's record, newest first. Raises as `read`."""
        rows = json.loads(self._evaluate("GetCertificateHistory", certificate_id))
        return [HistoryEntry(row["transactionId"], row["at"], _record(row["record"])) for row in rows]

    def list_certificates(self, page_size: int, bookmark: str = "") -> tuple[list[CertificateRecord], str]:
        """One page of records in the order of their ids, and the bookmark of the next; empty after the last.

        Raises as `read`.
        """
        page = json.loads(self._evaluate("ListCertificates", str(page_size), bookmark))
        return [record for row in page["records"] if (record := _record(row))], page["bookmark"]

    def endorse_issue(self, certificate_id: str, commitment: str) -> Transaction:
        """Have the issue of a certificate endorsed, to be submitted by the caller. Raises as `revoke`."""
        return self._endorse("IssueCertificate", certificate_id, commitment)

    def endorse_supersede(self, certificate_id: str, new_id: str, commitment: str) -> Transaction:
        """Have the replacement of a certificate endorsed, to be submitted by the caller. Raises as `revoke`."""
        return self._endorse("SupersedeCertificate", certificate_id, new_id, commitment)

    def endorse_anchor(self, batch_id: str, root: str, size: int) -> Transaction:
        """Have the anchoring of a batch endorsed, to be submitted by the caller. Raises as `revoke`."""
        return self._endorse("AnchorBatch", batch_id, root, str(size))

    def endorse_supersede_member(self, inclusion: Inclusion, leaf: str, new_id: str, commitment: str) -> Transaction:
        """Have the replacement of a batch's member endorsed, to be submitted by the caller. Raises as `revoke`."""
        arguments = (inclusion.batch_id, leaf, inclusion.proof, new_id, commitment)
        return self._endorse("SupersedeMember", *arguments)

    def revoke(self, certificate_id: str, reason: Reason) -> CertificateRecord:
        """Revoke a certificate for good.

        Raises:
            RegistryRefusal: the registry refuses; nothing was written.
            EndorseError, CommitError: nothing was written.
            OutcomeUnknown: whether it was written is not known. To do it again is harmless.
        """
        return CertificateRecord.from_bytes(self._submit("RevokeCertificate", certificate_id, reason))

    def suspend(self, certificate_id: str, reason: Reason) -> CertificateRecord:
        """Suspend a certificate until it is reinstated. Raises as `revoke`."""
        return CertificateRecord.from_bytes(self._submit("SuspendCertificate", certificate_id, reason))

    def reinstate(self, certificate_id: str) -> CertificateRecord:
        """Make a suspended certificate active again. Raises as `revoke`."""
        return CertificateRecord.from_bytes(self._submit("ReinstateCertificate", certificate_id))

    def revoke_member(self, inclusion: Inclusion, leaf: str, reason: Reason) -> StatusRecord:
        """Revoke a member of a batch for good.

        Args:
            inclusion: where it stands.
            leaf: its leaf hash, in hex.

        Raises:
            RegistryRefusal, EndorseError, CommitError, OutcomeUnknown: as `revoke`.
        """
        return self._change_member("RevokeMember", inclusion, leaf, reason)

    def suspend_member(self, inclusion: Inclusion, leaf: str, reason: Reason) -> StatusRecord:
        """Suspend a member of a batch until it is reinstated. Args and raises as `revoke_member`."""
        return self._change_member("SuspendMember", inclusion, leaf, reason)

    def reinstate_member(self, inclusion: Inclusion, leaf: str) -> StatusRecord:
        """Make a suspended member of a batch active again. Args and raises as `revoke_member`."""
        return self._change_member("ReinstateMember", inclusion, leaf)

    def _change_member(self, function: str, inclusion: Inclusion, leaf: str, *reason: str) -> StatusRecord:
        arguments = (inclusion.batch_id, leaf, inclusion.proof, *reason)
        return StatusRecord.from_bytes(self._submit(function, *arguments))

    def attest_statuses(self, subject: Subject) -> bytes:
        """What has become of a batch's members, or of a certificate, as the organisations attest it. Raises as
        `attest`."""
        return self._attest(subject.question, None)

    def verify(self, document: Document, receipt: Receipt, *, issuer: str = "") -> Verification:
        """Verify a document: its receipt, and a fresh answer that the organisations signed for this very request.

        Args:
            issuer: the MSP id of whom it must be from; whoever the ledger names when empty.
        """
        verifier = Verifier(document, receipt, self.trust, issuer)
        verifier.check_receipt()
        nonce = new_nonce()
        try:
            answer = self._attest_known(standing_question(receipt), nonce, known=verifier.attested)
            verifier.check_record(answer, nonce)
        except RegistryRefusal as error:
            verifier.check_refusal(error)
        except GatewayError as error:
            verifier.check_failure(error.message)
        return verifier.result()

    def _attest(self, question: Question, nonce: bytes | None) -> bytes:
        for pause in PAUSES:
            try:
                return (self._endorse(question.function, *question.args, nonce=nonce)).data
            except EndorseError as error:
                if not overtaken(error):
                    raise
            self._network.pause(pause)
        return (self._endorse(question.function, *question.args, nonce=nonce)).data

    def _attest_known(self, question: Question, nonce: bytes, *, known: bool) -> bytes:
        """As `attest`; where the certificate is known to have been issued, peers that do not know it are behind."""
        for pause in PAUSES if known else ():
            try:
                return self._attest(question, nonce)
            except RegistryRefusal as refusal:
                if refusal.code != codes.NOT_FOUND:
                    raise
            self._network.pause(pause)
        return self._attest(question, nonce)

    def _evaluate(self, function: str, *args: str) -> bytes:
        with refusals():
            return self._contract.evaluate(function, *args)

    def _endorse(self, function: str, *args: str, nonce: bytes | None = None) -> Transaction:
        """Have a call endorsed. What a peer does not find and the caller's own has, the other one will find soon."""
        for pause in PAUSES:
            try:
                return self._endorse_once(function, *args, nonce=nonce)
            except RegistryRefusal as refusal:
                if refusal.code != codes.NOT_FOUND or not self._finds(refusal):
                    raise
            self._network.pause(pause)
        return self._endorse_once(function, *args, nonce=nonce)

    def _endorse_once(self, function: str, *args: str, nonce: bytes | None) -> Transaction:
        with refusals():
            return self._contract.new_proposal(function, *args, nonce=nonce).endorse()

    def _finds(self, missing: RegistryRefusal) -> bool:
        """Whether the caller's own organisation has what somebody else does not find."""
        try:
            if missing.argument == "batchId":
                self.read_batch(missing.value)
            else:
                self.read(missing.value)
        except (RegistryRefusal, EvaluateError):
            return False
        return True

    def _submit(self, function: str, *args: str) -> bytes:
        for _ in range(ATTEMPTS - 1):
            try:
                return self._submit_once(function, *args)
            except (CommitError, EndorseError) as error:
                if not overtaken(error):
                    raise
        return self._submit_once(function, *args)

    def _submit_once(self, function: str, *args: str) -> bytes:
        transaction = self._endorse(function, *args)
        try:
            commit = transaction.submit()
            commit.require_valid()
        except (SubmitError, CommitStatusError) as error:
            text = f"whether {function} was written is not known: {error.reason}"
            raise OutcomeUnknown(transaction.transaction_id, text) from error
        return transaction.result


def _record(value: dict[str, str] | None) -> CertificateRecord | None:
    if value is None:
        return None
    return CertificateRecord.from_bytes(json.dumps(value, separators=(",", ":"), sort_keys=True).encode())
