"""Running chaincode for a proposal: which package, as initialisation or transaction, and what it calls in its turn.

Source: Fabric's `core/chaincode/chaincode_support.go`, `handler.go` (HandleInvokeChaincode) and
`lifecycle/endorsement_info.go`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fabric_protos.peer import chaincode_pb2, proposal_pb2, proposal_response_pb2
from google.protobuf.message import DecodeError

from chaincode.ledger.simulator import Simulator
from chaincode.ledger.transaction_context import TransactionContext
from network.embedded.acl import AccessDenied
from network.embedded.chaincode_stream import ExecutionError, Message
from network.embedded.limits import Limits
from network.embedded.system import Call, Refused, SystemChaincode
from network.embedded.system.cscc import Cscc
from network.embedded.system.lifecycle import Lifecycle
from network.embedded.system.qscc import Qscc
from network.embedded.unpacking import UNREADABLE
from node_client.protocol.definitions import (
    LIFECYCLE,
    NAMESPACES,
    SYSTEM_CHAINCODES,
    approved_package,
    field_key,
    read_definition,
)
from node_client.protocol.msp import Member
from node_client.protocol.policy import SignedData
from node_client.protocol.proposal import Proposal
from node_client.protocol.transaction import ChaincodeEvent

if TYPE_CHECKING:
    from network.embedded.peer import Peer

SYSTEM: Mapping[str, SystemChaincode] = {"qscc": Qscc(), "cscc": Cscc(), LIFECYCLE: Lifecycle()}
SYSTEM_VERSION = "syscc"
ENDORSEMENT_PLUGIN = "escc"
ERROR_THRESHOLD = 400  # from this status on a response is an error, and its event does not count
INITIALIZED = "\0\U0010ffffinitialized"  # the key of a chaincode that says for which version it was initialised

# What system chaincodes answer that other chaincode must not call, and from how many arguments on.
REJECTED = {
    "qscc": (
        2,
        "Rejecting invoke of QSCC from another chaincode because of potential for deadlocks, original invocation for ",
    ),
    "cscc": (1, "Rejecting invoke of CSCC from another chaincode, original invocation for "),
}


@dataclass(frozen=True)
class Invocation:
    """A proposal while it runs: what every chaincode that it comes to is told of it.

    Attributes:
        creator: who made it, validated.
        simulator: the simulation; None for a call without a channel, and for system chaincodes that need none.
        known: what is known of the chaincodes that it has come to, on the state that is simulated on.
    """

    proposal: Proposal
    signed: proposal_pb2.SignedProposal
    creator: Member
    simulator: Simulator | None
    known: dict[str, "ChaincodeInfo"] = field(default_factory=dict)

    @property
    def tx_id(self) -> str:
        """The transaction's id."""
        return self.proposal.transaction_id

    @property
    def signed_data(self) -> SignedData:
        """The proposal as something that its creator signed."""
        return SignedData(self.signed.proposal_bytes, self.proposal.creator, self.signed.signature)


@dataclass(frozen=True)
class ChaincodeInfo:
    """What a peer knows of a chaincode that it is to run."""

    version: str
    package_id: str = ""
    init_required: bool = False
    endorsement_plugin: str = ENDORSEMENT_PLUGIN


@dataclass(frozen=True)
class Executed:
    """What the outermost chaincode answered. Its own event counts, not those of what it called."""

    response: proposal_response_pb2.Response
    event: ChaincodeEvent | None


class Invoker:
    """Runs chaincode at one peer."""

    def __init__(self, peer: "Peer", limits: Limits) -> None:
        self._peer = peer
        self._limits = limits

    def info(self, invocation: Invocation, name: str) -> ChaincodeInfo:
        """What is known of a chaincode, its definition in force being part of what the transaction read.

        Raises:
            ExecutionError: it is not defined, not approved by this organisation, or not installed here.
        """
        if name not in invocation.known:
            invocation.known[name] = self._info(invocation, name)
        return invocation.known[name]

    def _info(self, invocation: Invocation, name: str) -> ChaincodeInfo:
        channel = invocation.proposal.channel
        if name in SYSTEM:
            return ChaincodeInfo(SYSTEM_VERSION)
        if invocation.simulator is None:
            raise ExecutionError(f"could not get channel config for channel '{channel}'")
        state = invocation.simulator.state
        invocation.simulator.get(LIFECYCLE, field_key(NAMESPACES, name, "Sequence"))
        definition = read_definition(state, name)
        if definition is None:
            raise ExecutionError(f"chaincode {name} not found")
        package_id = approved_package(state, self._peer.msp_id, definition)
        if package_id is None:
            raise ExecutionError(
                f"chaincode definition for '{name}' at sequence {definition.sequence} on channel '{channel}' has not "
                "yet been approved by this org"
            )
        if not self._peer.packages.has(package_id):
            raise ExecutionError(f"chaincode definition for '{name}' exists, but chaincode is not installed")
        return ChaincodeInfo(definition.version, package_id, definition.init_required, definition.endorsement_plugin)

    async def execute(self, invocation: Invocation) -> Executed:
        """Run the proposal's own chaincode.

        Raises:
            ExecutionError: it did not run, or did not answer as it must.
        """
        proposal = invocation.proposal
        given = chaincode_pb2.ChaincodeInput.FromString(proposal.chaincode_input)
        try:
            message = await self.invoke(invocation, proposal.chaincode, given)
        except ExecutionError as error:
            raise ExecutionError(f"failed to execute transaction {invocation.tx_id}: {error}") from error
        if message.type == Message.ERROR:
            text = message.payload.decode(errors="replace")
            raise ExecutionError(f"transaction returned with failure: {text}")
        try:
            response = proposal_response_pb2.Response.FromString(message.payload)
        except DecodeError as error:
            raise ExecutionError(
                f"failed to unmarshal response for transaction {invocation.tx_id}: {UNREADABLE}"
            ) from error
        event = None
        if message.HasField("chaincode_event") and response.status < ERROR_THRESHOLD:
            stated = message.chaincode_event
            event = ChaincodeEvent(proposal.chaincode, invocation.tx_id, stated.event_name, stated.payload)
        return Executed(response, event)

    async def invoke(self, invocation: Invocation, name: str, given: chaincode_pb2.ChaincodeInput) -> Message:
        """Run a chaincode of the channel within the proposal's simulation.

        Returns:
            COMPLETED or ERROR.

        Raises:
            ExecutionError: it did not run.
        """
        if name in SYSTEM:
            return await self._invoke_system(invocation, name, given)
        try:
            info, is_init = self._check(invocation, name, given)
        except ExecutionError as error:
            raise ExecutionError(f"invalid invocation: {error}") from error
        simulator = invocation.simulator
        if simulator is None:
            raise AssertionError("only system chaincodes run without a simulation")
        stream = await self._peer.support.stream(info.package_id)
        context = TransactionContext(
            channel=invocation.proposal.channel,
            tx_id=invocation.tx_id,
            namespace=name,
            simulator=simulator,
            is_init=is_init,
            query_limit=self._limits.total_query_limit,
        )
        message = Message(
            type=Message.INIT if is_init else Message.TRANSACTION,
            payload=given.SerializeToString(),
            txid=invocation.tx_id,
            channel_id=invocation.proposal.channel,
            proposal=invocation.signed,
        )
        try:
            return await stream.execute(
                context, message, lambda spec: self._call(invocation, spec), self._limits.execute_timeout
            )
        except ExecutionError as error:
            raise ExecutionError(f"error sending: {error}") from error

    def _check(
        self, invocation: Invocation, name: str, given: chaincode_pb2.ChaincodeInput
    ) -> tuple[ChaincodeInfo, bool]:
        """Whether the chaincode may be invoked like this (`CheckInvocation`): initialised exactly once a version."""
        try:
            info = self.info(invocation, name)
        except ExecutionError as error:
            channel = invocation.proposal.channel
            raise ExecutionError(
                f"[channel {channel}] failed to get chaincode container info for {name}: {error}"
            ) from error
        simulator = invocation.simulator
        needs_init = False
        if info.init_required and simulator is not None:
            needs_init = simulator.get(name, INITIALIZED) != info.version.encode()
        if given.is_init and simulator is not None:
            if not info.init_required:
                raise ExecutionError(f"chaincode '{name}' does not require initialization but called as init")
            if not needs_init:
                raise ExecutionError(f"chaincode '{name}' is already initialized but called as init")
            simulator.put(name, INITIALIZED, info.version.encode())
            return info, True
        if needs_init:
            raise ExecutionError(
                f"chaincode '{name}' has not been initialized for this version, must call as init first"
            )
        return info, False

    async def _invoke_system(self, invocation: Invocation, name: str, given: chaincode_pb2.ChaincodeInput) -> Message:
        proposal = invocation.proposal
        call = Call(
            peer=self._peer,
            channel=proposal.channel,
            simulator=invocation.simulator,
            creator=invocation.creator,
            signed=invocation.signed_data,
            arguments=list(given.args),
        )
        try:
            if name != proposal.chaincode and name in REJECTED and len(given.args) >= REJECTED[name][0]:
                raise Refused(f"{REJECTED[name][1]}'{proposal.chaincode}'")
            response = proposal_response_pb2.Response(status=200, payload=await SYSTEM[name].invoke(call))
        except Refused as error:
            response = proposal_response_pb2.Response(status=error.status, message=str(error))
        return Message(
            type=Message.COMPLETED,
            payload=response.SerializeToString(),
            txid=invocation.tx_id,
            channel_id=proposal.channel,
        )

    async def _call(self, invocation: Invocation, payload: bytes) -> bytes:
        """One chaincode calls another: on the same channel, in the same simulation."""
        try:
            spec = chaincode_pb2.ChaincodeSpec.FromString(payload)
        except DecodeError as error:
            raise ExecutionError(f"unmarshal failed: {UNREADABLE}") from error
        target, _, channel = spec.chaincode_id.name.partition("/")
        name = target.partition(":")[0]
        channel = channel or invocation.proposal.channel
        if name not in SYSTEM_CHAINCODES:
            try:
                self._peer.access.check("peer/ChaincodeToChaincode", channel, invocation.signed_data)
            except AccessDenied as error:
                raise ExecutionError(str(error)) from error
        if channel != invocation.proposal.channel:
            raise ExecutionError(f"failed to find ledger for channel: {channel}")
        try:
            return (await self.invoke(invocation, name, spec.input)).SerializeToString()
        except ExecutionError as error:
            raise ExecutionError(f"execute failed: {error}") from error
