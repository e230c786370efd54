"""What users are told when something goes wrong: every error of the layers below has its code and exit status here.

`code` is a stable word for scripts. In Japanese the code's sentence comes first, and the English detail after it.
"""

from chaincode.registry.model import codes
from cli.exit_codes import ExitCode
from cli.language import japanese, tr
from cli.output import Problem
from network.errors import (
    ApprovalLost,
    BinariesError,
    BundleError,
    ConfigurationError,
    DownloadError,
    FolderError,
    NetworkError,
    NotAgreed,
    NotConfirmed,
    NotRunning,
    StartError,
)
from node_client.certificates import errors as certificates
from node_client.errors import AdminError, AuditError, CommitError, FabricError, GatewayError, ProfileError

# The first class that fits counts.
_CODES: tuple[tuple[type[Exception], ExitCode, str], ...] = (
    (certificates.DocumentError, ExitCode.USAGE, "bad-document"),
    (certificates.ReceiptConflict, ExitCode.USAGE, "receipt-conflict"),
    (certificates.ReceiptNotWritten, ExitCode.USAGE, "receipt-not-written"),
    (certificates.ReferenceTaken, ExitCode.USAGE, "reference-taken"),
    (certificates.ReceiptError, ExitCode.USAGE, "bad-receipt"),
    (certificates.TrustError, ExitCode.USAGE, "bad-trust-file"),
    (certificates.StatusListError, ExitCode.USAGE, "bad-status-list"),
    (certificates.AttestationError, ExitCode.UNCONFIRMED, "not-attested"),
    (certificates.NotInRegister, ExitCode.NOT_FOUND, "not-found"),
    (certificates.RegisterError, ExitCode.USAGE, "bad-register"),
    (certificates.SourceError, ExitCode.USAGE, "bad-source"),
    (certificates.RowsRefused, ExitCode.USAGE, "bad-rows"),
    (certificates.Stopped, ExitCode.INTERRUPTED, "stopped"),
    (certificates.LedgerMismatch, ExitCode.UNCONFIRMED, "ledger-mismatch"),
    (certificates.OutcomeUnknown, ExitCode.OUTCOME_UNKNOWN, "outcome-unknown"),
    (ProfileError, ExitCode.USAGE, "bad-profile"),
    (AuditError, ExitCode.USAGE, "bad-audit"),
    (CommitError, ExitCode.REFUSED, "not-valid"),
    (FolderError, ExitCode.USAGE, "bad-folder"),
    (ConfigurationError, ExitCode.USAGE, "bad-configuration"),
    (BundleError, ExitCode.USAGE, "bad-bundle"),
    (BinariesError, ExitCode.USAGE, "no-fabric"),
    (DownloadError, ExitCode.UNREACHABLE, "not-downloaded"),
    (NotConfirmed, ExitCode.USAGE, "not-confirmed"),
    (NotRunning, ExitCode.UNREACHABLE, "not-running"),
    (ApprovalLost, ExitCode.REFUSED, "approval-lost"),
    (NotAgreed, ExitCode.REFUSED, "not-agreed"),
    (StartError, ExitCode.USAGE, "not-started"),
    (NetworkError, ExitCode.USAGE, "bad-input"),
    (OSError, ExitCode.USAGE, "system"),
)


def problem_of(error: Exception) -> Problem:
    """The problem that an exception means to a user."""
    exit_code, code = _classify(error)
    message = str(error)
    next_step = getattr(error, "next_step", "")
    if isinstance(error, GatewayError):
        message = _gateway_message(error)
    elif code == "internal":
        message = f"an error of certledger itself: {type(error).__name__}: {error}"
        next_step = "please report it; CERTLEDGER_DEBUG=1 shows where it happened"
    elif isinstance(error, OSError):
        message = f"{error.strerror or error}: {error.filename}" if error.filename else str(error)
    if japanese():
        message, next_step = _in_japanese(code, message, next_step)
    return Problem(exit_code=exit_code, code=code, message=message, next_step=next_step)


def passing_trouble(error: Exception) -> str:
    """What users are told when the network does not answer as it should, and is given time."""
    return tr("trying again for a while: {reason}", reason=problem_of(error).message)


def usage_problem(message: str) -> Problem:
    """The problem of a command line that cannot be understood."""
    if japanese():
        message, _ = _in_japanese("usage", message, "")
    return Problem(exit_code=ExitCode.USAGE, code="usage", message=message)


def _classify(error: Exception) -> tuple[ExitCode, str]:
    if isinstance(error, certificates.RegistryRefusal):
        if error.code == codes.NOT_FOUND:
            return ExitCode.NOT_FOUND, "not-found"
        return ExitCode.REFUSED, "refused"
    if isinstance(error, GatewayError):
        if error.outcome_unknown:
            return ExitCode.OUTCOME_UNKNOWN, "outcome-unknown"
        return (ExitCode.UNREACHABLE, "unreachable") if error.unreachable else (ExitCode.REFUSED, "refused")
    if isinstance(error, AdminError) and error.unreachable:
        return ExitCode.UNREACHABLE, "unreachable"
    for kind, exit_code, code in _CODES:
        if isinstance(error, kind):
            return exit_code, code
    if isinstance(error, FabricError):
        return ExitCode.REFUSED, "refused"
    return ExitCode.INTERNAL, "internal"


def _gateway_message(error: GatewayError) -> str:
    details = "; ".join(dict.fromkeys(f"{detail.msp_id}: {detail.message}" for detail in error.details))
    return f"{error.stage}: {error.message}" + (f" ({details})" if details else "")


def _in_japanese(code: str, message: str, next_step: str) -> tuple[str, str]:
    from cli.japanese import PROBLEMS

    sentence, step = PROBLEMS[code]
    return f"{sentence}: {message}" if message else sentence, step or next_step
