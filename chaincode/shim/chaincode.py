"""What a chaincode is to the shim."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from chaincode.shim.stub import ChaincodeStub

OK = 200
ERROR_THRESHOLD = 400
ERROR = 500


@dataclass(frozen=True)
class Response:
    """A transaction's answer. From status 400 up peers do not endorse it (Fabric's `shim.ERRORTHRESHOLD`)."""

    status: int = OK
    message: str = ""
    payload: bytes = b""


class Chaincode(Protocol):
    """Something that runs transactions.

    An exception that `init` or `invoke` raises becomes a response with status 500 and the exception's text.
    """

    async def init(self, stub: "ChaincodeStub") -> Response: ...

    async def invoke(self, stub: "ChaincodeStub") -> Response: ...
