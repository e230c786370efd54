"""What can go wrong between a client and a network.

FabricError
├── GatewayError           a call to the gateway failed; has stage, transaction id, gRPC code, per-peer details
│   ├── EvaluateError
│   ├── EndorseError       nothing was written
│   ├── SubmitError        whether the transaction was ordered is not known
│   ├── CommitStatusError  whether the transaction is valid is not known
│   ├── EventsError
│   └── ProposalError      a call to one peer's endorser service failed
├── GatewayClosed          a gateway was used after it was closed
├── NotSigned              something was to be sent without a signature, and there is no signer
├── CommitError            the transaction was ordered and is not valid: nothing was written
├── AdminError             a node refused something of its administration, or could not be reached
├── AuditError             an audit's checkpoint cannot be used
└── ProfileError           a connection profile or a file that it names cannot be used
"""

import re
from dataclasses import dataclass

UNREACHABLE_CODES = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED"})
# What the gateway says when the peers that it knows of now are too few (`discovery/endorsement/endorsement.go`).
_TOO_FEW_PEERS = "no peer combination can satisfy the endorsement policy"

_ADVICE = {
    "UNAVAILABLE": "check that the peers that are needed run and can be reached, then try again",
    "DEADLINE_EXCEEDED": "try again, with a longer deadline if the network is busy",
    "CANCELLED": "try again",
    "RESOURCE_EXHAUSTED": "try again with fewer calls at a time, or with less data",
    "PERMISSION_DENIED": "use an identity that the channel's policies admit",
    "UNAUTHENTICATED": "use an identity that the channel's policies admit",
    "NOT_FOUND": "check the names of the channel and of the chaincode",
    "ABORTED": "see what each peer answered; when their results differ, the chaincode must be made deterministic",
    "FAILED_PRECONDITION": "check that the chaincode is there and peers of enough organisations run",
    "UNIMPLEMENTED": "use the address of a peer whose gateway is switched on",
}
_REFUSAL = re.compile(r"chaincode response (\d+), (.*)", re.DOTALL)


class FabricError(Exception):
    """Base of the client's errors.

    Attributes:
        next_step: what to do about it; empty when there is nothing to say.
    """

    next_step: str = ""


class GatewayClosed(FabricError):
    """A gateway was used after it was closed."""


class NotSigned(FabricError):
    """Something was to be sent that has no signature, and the connection has no signer."""


@dataclass(frozen=True)
class PeerDetail:
    """What one peer or orderer answered."""

    address: str
    msp_id: str
    message: str

    def __str__(self) -> str:
        return f"{self.msp_id} at {self.address}: {self.message}"


class GatewayError(FabricError):
    """A call to the gateway failed.

    Attributes:
        stage: which call: evaluate, endorse, submit, commit status, events.
        transaction_id: the transaction's id; empty for events.
        code: the gRPC status code's name, such as UNAVAILABLE.
        message: the gateway's own words.
        details: what each peer or orderer that was asked answered.
        outcome_unknown: whether something may have been written all the same.
    """

    stage = ""
    outcome_unknown = False

    def __init__(
        self, code: str, message: str, *, transaction_id: str = "", details: tuple[PeerDetail, ...] = ()
    ) -> None:
        self.code = code
        self.message = message
        self.transaction_id = transaction_id
        self.details = details
        if self.identity_expired:
            self.next_step = "use an identity whose certificate has not expired"
        self.next_step = self.next_step or ("" if self.refusal else _ADVICE.get(code, ""))
        super().__init__(code, message)

    @property
    def refusal(self) -> str:
        """What the chaincode itself said when it refused; empty when the failure is not the chaincode's.

        The gateway puts it into its message on evaluate, and into the peers' details on endorse (`apiutils.go`).
        """
        for text in (self.message, *(detail.message for detail in self.details)):
            if found := _REFUSAL.search(text):
                return found[2]
        return ""

    @property
    def reason(self) -> str:
        """The gateway's words, and what each peer or orderer answered."""
        return "; ".join([self.message, *dict.fromkeys(map(str, self.details))])

    @property
    def identity_expired(self) -> bool:
        """Whether the caller's certificate has expired. Peers answer so as if they were not there (UNAVAILABLE)."""
        texts = (self.message, *(detail.message for detail in self.details))
        return any(text.endswith("client identity expired") for text in texts)

    @property
    def unreachable(self) -> bool:
        """Whether the gateway, or peers behind it, could not be reached or did not answer in time."""
        if self.identity_expired:
            return False
        return self.code in UNREACHABLE_CODES or self.message.endswith(_TOO_FEW_PEERS)

    def __str__(self) -> str:
        transaction = f" of transaction {self.transaction_id}" if self.transaction_id else ""
        text = f"{self.stage}{transaction} failed ({self.code}): {self.message}"
        if self.details:
            text += "; " + "; ".join(str(detail) for detail in self.details)
        return f"{text}; {self.next_step}" if self.next_step else text


class EvaluateError(GatewayError):
    """A query failed. Nothing was written: ask again when the network is back."""

    stage = "evaluate"


class EndorseError(GatewayError):
    """A proposal was not endorsed. Nothing was written."""

    stage = "endorse"


class SubmitError(GatewayError):
    """A transaction could not be handed to the orderers, or their answer was lost.

    Whether it was ordered is not known, whatever the code: an orderer that answers with an error may have it (a BFT
    orderer says so of one that is being ordered already). Never make a new transaction instead: ask for this one's
    commit status, or submit the very same envelope again, which is harmless.
    """

    stage = "submit"
    outcome_unknown = True
    next_step = "whether it was ordered is not known: send the same envelope again or ask for its commit status"


class CommitStatusError(GatewayError):
    """The commit status of a transaction could not be had."""

    stage = "commit status"
    outcome_unknown = True
    next_step = "the transaction may have committed: ask again by its id before making a new one"


class EventsError(GatewayError):
    """An event stream could not be opened, or ended with an error."""

    stage = "events"


class ProposalError(GatewayError):
    """A peer's endorser service refused a proposal."""

    stage = "proposal"


class CommitError(FabricError):
    """A transaction was ordered and found not valid: nothing was written.

    Attributes:
        transaction_id: the transaction's id.
        code: the validation code's name, such as MVCC_READ_CONFLICT.
        block_number: the block that holds it.
    """

    def __init__(self, transaction_id: str, code: str, block_number: int) -> None:
        self.transaction_id = transaction_id
        self.code = code
        self.block_number = block_number
        super().__init__(f"transaction {transaction_id} was not valid ({code}) in block {block_number}")


class AdminError(FabricError):
    """A node refused: its HTTP endpoint for administration or operations, or an orderer; or it could not be reached.

    Attributes:
        status: the HTTP status, or the orderer's, which means the same; 0 when there was no answer.
    """

    def __init__(self, address: str, status: int, message: str) -> None:
        self.status = status
        self.next_step = "check that the node runs, and that the address and the certificates are its own"
        if status:
            self.next_step = ""
        super().__init__(f"{address}: {message}" + (f" ({status})" if status else ""))

    @property
    def unreachable(self) -> bool:
        """Whether there was no answer."""
        return self.status == 0


class ProfileError(FabricError):
    """A connection profile cannot be used."""

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.next_step = next_step


class AuditError(FabricError):
    """An audit cannot be made: its checkpoint cannot be used, or is of another ledger."""

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.next_step = next_step
