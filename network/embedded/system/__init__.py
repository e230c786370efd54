"""System chaincodes: they run in the peer, on the transaction's simulation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from chaincode.ledger.simulator import Simulator
from node_client.protocol.msp import Member

if TYPE_CHECKING:
    from network.embedded.peer import Peer


class Refused(Exception):
    """A system chaincode refuses; the text is Fabric's."""


@dataclass(frozen=True)
class Call:
    """A call of a system chaincode.

    Attributes:
        peer: the peer that runs it.
        simulator: the simulation; None for a call without a channel.
        creator: who calls, validated.
    """

    peer: "Peer"
    channel: str
    simulator: Simulator | None
    creator: Member
    function: str
    args: Sequence[bytes]


class SystemChaincode(Protocol):
    """A chaincode that is part of the peer."""

    async def invoke(self, call: Call) -> bytes:
        """Run a function and give its result. Raises Refused when it refuses."""
        ...
