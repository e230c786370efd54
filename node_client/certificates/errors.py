"""What can go wrong with certificates.

FabricError
└── CertificateError
    ├── FormatError          bytes that are not what they should be, or not in their one form
    │   ├── StatementError
    │   ├── ReceiptError
    │   ├── StatusListError  also one that is not of those who must have made it
    │   └── TrustError
    ├── AttestationError     an answer of the organisations that proves nothing; has the reason
    ├── DocumentError        a document that cannot be read
    ├── RegistryRefusal      the registry refused; has its code
    ├── RegisterError        the register cannot be used
    │   └── NotInRegister
    ├── ReferenceTaken       another certificate was issued under this reference
    ├── ReceiptConflict      where a receipt should go there is something else
    ├── ReceiptNotWritten    the certificate was issued, its receipt could not be written
    ├── SourceError          a source of certificates cannot be read, or is another than it was
    │   └── SourceChanged    it changed while it was read
    ├── Stopped              a run was stopped as was wanted; the same run goes on
    ├── RowsRefused          rows of a source cannot be used; has the lines
    ├── LedgerMismatch       the register and the ledger do not belong together, or do not agree
    └── OutcomeUnknown       whether something was written is not known
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum

from node_client.errors import CommitError, EndorseError, EvaluateError, FabricError, GatewayError


class CertificateError(FabricError):
    """Base of the errors about certificates.

    Args:
        message: what happened, a sentence.
        next_step: what to do about it.
    """

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.next_step = next_step


class FormatError(CertificateError):
    """Bytes are not what they should be, or are not in the one form that it has."""


class StatementError(FormatError):
    """Not a statement."""


class ReceiptError(FormatError):
    """Not a receipt."""


class StatusListError(FormatError):
    """Not a status list, or one that those who must have made it did not make."""


class TrustError(FormatError):
    """Not a trust file, or one that cannot be used."""


class Reason(StrEnum):
    """Why an attestation proves nothing."""

    FORM = "form"  # not an endorsed proposal in its own encoding
    SUBJECT = "subject"  # of another channel, chaincode, function or argument, or inconsistent in itself
    SIGNATURE = "signature"  # an endorsement that its endorser did not make
    IDENTITY = "identity"  # an endorser whom the trusted organisations do not vouch for
    EXPIRED = "expired"  # an endorser whose certificate was not valid at that time
    REVOKED = "revoked"
    POLICY = "policy"  # not enough organisations
    NONCE = "nonce"  # an answer to somebody else's question


class AttestationError(CertificateError):
    """An attestation proves nothing.

    Attributes:
        reason: why.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class DocumentError(CertificateError):
    """A document cannot be read."""


class RegisterError(CertificateError):
    """The register cannot be used."""


class NotInRegister(RegisterError):
    """The register has no such certificate."""


class ReferenceTaken(CertificateError):
    """Another certificate was issued under this reference."""


class ReceiptConflict(CertificateError):
    """Where a receipt should be written there is something else, which is left as it is."""


class ReceiptNotWritten(CertificateError):
    """The certificate was issued, but its receipt could not be written; issuing the same again writes it."""


class SourceError(CertificateError):
    """A source of certificates cannot be read, or is another than it was."""


class SourceChanged(SourceError):
    """A source changed while it was read."""


class Stopped(CertificateError):
    """A run was stopped as was wanted; the same run goes on where it stopped."""

    def __init__(self) -> None:
        super().__init__("stopped", "the same command goes on where it stopped")


class RowsRefused(CertificateError):
    """Rows of a source cannot be used, and nothing was anchored.

    Attributes:
        problems: lines and what is wrong with them: the first ones, in the order of the lines.
        count: how many there are.
    """

    def __init__(self, problems: Sequence[tuple[int, str]], count: int) -> None:
        super().__init__(
            f"{count} rows cannot be used; nothing was anchored",
            "mend them, or anchor the others with --skip-invalid",
        )
        self.problems = tuple(problems)
        self.count = count


class LedgerMismatch(CertificateError):
    """The register and the ledger do not belong together, or do not agree."""


def not_attested(what: str, error: AttestationError) -> LedgerMismatch:
    """The error for something on the ledger that the network does not attest so that a verifier believes it."""
    return LedgerMismatch(
        f"the network does not attest {what} as the trust file demands: {error}",
        "check that the trust file is of this network",
    )


class OutcomeUnknown(CertificateError):
    """Whether a transaction was written is not known. Doing the same again finds out, and does no harm.

    Attributes:
        transaction_id: the transaction's.
    """

    def __init__(self, transaction_id: str, message: str) -> None:
        super().__init__(message, "do the same again: it finds out, and writes nothing twice")
        self.transaction_id = transaction_id


class NotAttestedYet(OutcomeUnknown):
    """It is on the ledger, and the organisations do not attest it now. Doing the same again has it attested."""


class RegistryRefusal(CertificateError):
    """The registry refused; nothing was written.

    Attributes:
        code: one of `chaincode.registry.model.codes`.
        reason: the sentence.
        argument: the name of the argument that it is about; may be empty.
        value: its value; may be empty.
    """

    def __init__(self, code: str, reason: str, argument: str = "", value: str = "") -> None:
        about = f" ({argument} {value})" if argument else ""
        super().__init__(f"the registry refused, {code}: {reason}{about}")
        self.code = code
        self.reason = reason
        self.argument = argument
        self.value = value


# The peer's words around a contract's message: Fabric's `internal/pkg/gateway/endorse.go` and `evaluate.go`.
_REFUSAL = re.compile(r"chaincode response 500, ([A-Z][A-Z_]+): (.*?)(?: \[(\w+)=([^\]]*)\])?", re.DOTALL)


def refusal(error: GatewayError) -> RegistryRefusal | None:
    """The registry's refusal behind a failed call; None when it failed for another reason."""
    for text in (*(detail.message for detail in error.details), error.message):
        _, found, rest = text.partition("chaincode response 500, ")
        match = _REFUSAL.fullmatch(found + rest)
        if match:
            return RegistryRefusal(match[1], match[2], match[3] or "", match[4] or "")
    return None


def overtaken(error: FabricError) -> bool:
    """Whether another transaction came in between: nothing was written, and the next attempt may succeed.

    Peers that simulated before and after a block give results that differ; what they read is stale at the commit.
    """
    if isinstance(error, CommitError):
        return error.code in ("MVCC_READ_CONFLICT", "PHANTOM_READ_CONFLICT")
    return isinstance(error, EndorseError) and error.code == "ABORTED" and not error.refusal


@contextmanager
def refusals() -> Iterator[None]:
    """Let the registry's refusals inside appear as such.

    Raises:
        RegistryRefusal: the registry refused; other errors pass.
    """
    try:
        yield
    except (EvaluateError, EndorseError) as error:
        refused = refusal(error)
        if refused is None:
            raise
        raise refused from error
