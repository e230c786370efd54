"""What a transaction function is given besides its arguments."""

from dataclasses import dataclass
from datetime import datetime

from chaincode.shim.identity import ClientIdentity
from chaincode.shim.stub import ChaincodeStub


@dataclass(frozen=True)
class Context:
    """One transaction.

    Attributes:
        stub: the ledger, the event, and everything else of the shim.
    """

    stub: ChaincodeStub

    @property
    def client_identity(self) -> ClientIdentity:
        """Who submitted the transaction."""
        return self.stub.client_identity

    @property
    def tx_id(self) -> str:
        """The transaction's id."""
        return self.stub.tx_id

    @property
    def timestamp(self) -> datetime:
        """The time that the submitter's proposal states."""
        return self.stub.timestamp
