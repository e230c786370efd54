"""System chaincodes: they run in the peer, on the transaction's simulation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from chaincode.ledger.simulator import Simulator
from node_client.protocol.msp import Member
from node_client.protocol.policy import SignedData

if TYPE_CHECKING:
    from network.embedded.peer import Peer


class Refused(Exception):
    """A system chaincode refuses; the text is Fabric's, and so is the response's status."""

    def __init__(self, message: str, status: int = 500) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Call:
    """A call of a system chaincode.

    Attributes:
        peer: the peer that runs it.
        simulator: the simulation; None for a call without a channel.
        creator: who calls, validated.
        signed: the proposal, for what is left to each function to decide: who may call it.
        arguments: the function's name, and its arguments.
    """

    peer: "Peer"
    channel: str
    simulator: Simulator | None
    creator: Member
    signed: SignedData
    arguments: Sequence[bytes]

    @property
    def function(self) -> str:
        """The function's name; empty without arguments."""
        return self.arguments[0].decode(errors="replace") if self.arguments else ""

    @property
    def args(self) -> Sequence[bytes]:
        """The function's arguments."""
        return self.arguments[1:]


class SystemChaincode(Protocol):
    """A chaincode that is part of the peer."""

    async def invoke(self, call: Call) -> bytes:
        """Run a function and give its result. Raises Refused when it refuses."""
        ...
