"""One organisation's peer: it checks a proposal, simulates it through its own chaincode, and endorses the result.

Source: Fabric's `core/endorser/endorser.go` and `msgvalidation.go`. Nothing here is shared with another organisation
but the committed public state.
"""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass

from fabric_protos.peer import proposal_pb2, proposal_response_pb2

from chaincode.ledger.simulator import SimulationError, SimulationResults, Simulator
from chaincode.ledger.transaction_context import TransactionContext
from network.embedded.acl import AccessControl, AccessDenied
from network.embedded.admission import ProposalRefused, check_proposal, filter_proposal, unpack_proposal
from network.embedded.chaincode_stream import ExecutionError
from network.embedded.chaincode_support import ChaincodeSupport, Connection
from network.embedded.definitions import (
    LIFECYCLE,
    NAMESPACES,
    Definition,
    approved_package,
    field_key,
    read_definition,
)
from network.embedded.interest import chaincode_interest
from network.embedded.ledger import Ledger
from network.embedded.signing import NodeIdentity
from network.embedded.system import Call, Refused, SystemChaincode
from network.embedded.system.cscc import Cscc
from network.embedded.system.lifecycle import Lifecycle
from network.embedded.system.packages import Package, PackageStore
from network.embedded.system.qscc import Qscc
from node_client.protocol.msp import MspManager
from node_client.protocol.policy import SignedData
from node_client.protocol.proposal import Proposal
from node_client.protocol.transaction import ChaincodeEvent, build_event, build_response_payload

SYSTEM: Mapping[str, SystemChaincode] = {"qscc": Qscc(), "cscc": Cscc(), LIFECYCLE: Lifecycle()}
SYSTEM_VERSION = "syscc"
SUCCESS, FAILURE, ERROR = 200, 400, 500  # statuses of responses; from FAILURE on nothing is endorsed


class NotRunnable(Exception):
    """A chaincode that this peer cannot run; the text is Fabric's."""


@dataclass(frozen=True)
class Simulated:
    """What running a proposal came to."""

    response: proposal_response_pb2.Response
    event: ChaincodeEvent | None
    results: SimulationResults | None
    chaincode_version: str


class Peer:
    """One organisation's peer.

    Args:
        address: where clients reach it, as it stands in error details.
        identity: endorses.
        packages: what is installed here.
        support: the organisation's running chaincode.
    """

    def __init__(
        self,
        *,
        msp_id: str,
        address: str,
        identity: NodeIdentity,
        ledger: Ledger,
        packages: PackageStore,
        support: ChaincodeSupport,
    ) -> None:
        self.msp_id = msp_id
        self.address = address
        self.ledger = ledger
        self.packages = packages
        self.support = support
        self.access = AccessControl(msp_id, ledger)
        self._identity = identity

    def start_package(self, package: Package) -> None:
        """Make an installed package's chaincode run, when it is one that this peer dials.

        Raises:
            Refused: its connection.json cannot be used.
        """
        if package.type == "ccaas":
            try:
                connection = Connection.parse(package.code.get("connection.json", b""))
            except ValueError as error:
                raise Refused(f"could not build chaincode: {error}") from error
            self.support.dial(package.id, connection)

    async def process_proposal(self, signed: proposal_pb2.SignedProposal) -> proposal_response_pb2.ProposalResponse:
        """Check, simulate and endorse a proposal.

        Returns:
            The endorsed response, or one without endorsement when the chaincode refused or could not be run.

        Raises:
            ProposalRefused: the proposal was not simulated.
        """
        filter_proposal(signed)
        proposal = unpack_proposal(signed)
        manager = self.ledger.config.msp_manager
        if not proposal.channel:
            manager = MspManager([manager.msps[self.msp_id]])
        elif proposal.channel != self.ledger.config.channel:
            return _failed(f"channel '{proposal.channel}' not found")
        creator = check_proposal(proposal, signed.signature, manager)
        data = SignedData(signed.proposal_bytes, proposal.creator, signed.signature)
        if proposal.channel:
            self._admit(proposal, data)
        with self.ledger.snapshot(self.msp_id) if proposal.channel else nullcontext() as state:
            simulator = Simulator(state) if state else None
            try:
                if proposal.chaincode in SYSTEM:
                    call = Call(self, proposal.channel, simulator, creator, data, proposal.args)
                    simulated = await self._system(call, SYSTEM[proposal.chaincode])
                else:
                    simulated = await self._simulate(proposal, simulator, signed)
            except NotRunnable as error:
                where = f"{proposal.chaincode} has been successfully defined on channel {proposal.channel}"
                return _failed(f"make sure the chaincode {where} and try again: {error}")
            except (ExecutionError, SimulationError) as error:
                return _failed(f"error in simulation: {error}")
        response = simulated.response
        if not proposal.channel or response.status >= FAILURE:
            # The chaincode's word is passed on, not endorsed. The payload tells it from a failure of the peer itself.
            payload = self._payload(proposal, simulated) if response.status >= ERROR else b""
            return proposal_response_pb2.ProposalResponse(response=response, payload=payload)
        payload = self._payload(proposal, simulated)
        if simulated.results:
            self.ledger.transient.put(proposal.transaction_id, simulated.results.private)
        endorser = self._identity.serialized
        return proposal_response_pb2.ProposalResponse(
            version=1,
            response=response,
            payload=payload,
            endorsement=proposal_response_pb2.Endorsement(
                endorser=endorser, signature=self._identity.sign(payload + endorser)
            ),
            interest=chaincode_interest(proposal.chaincode, simulated.results) if simulated.results else None,
        )

    def definition(self, chaincode: str) -> Definition | None:
        """The committed definition of a chaincode."""
        return read_definition(self.ledger.state(self.msp_id), chaincode)

    def package_of(self, definition: Definition) -> str:
        """The package that this organisation approved for a definition; empty without one."""
        return approved_package(self.ledger.state(self.msp_id), self.msp_id, definition)

    def offers(self, chaincode: str) -> bool:
        """Whether the chaincode is installed here and approved. Whether it runs shows in a call."""
        if chaincode in SYSTEM:
            return True
        definition = self.definition(chaincode)
        return definition is not None and self.packages.has(self.package_of(definition))

    def _admit(self, proposal: Proposal, signed: SignedData) -> None:
        """Check that a transaction is new, and that its creator may propose. System chaincodes admit for themselves."""
        if self.ledger.transaction(proposal.transaction_id) is not None:
            raise ProposalRefused(
                f"duplicate transaction found [{proposal.transaction_id}]. Creator [{proposal.creator.hex()}]"
            )
        if proposal.chaincode not in SYSTEM:
            try:
                self.access.check("peer/Propose", proposal.channel, signed)
            except AccessDenied as error:
                raise ProposalRefused(str(error)) from error

    async def _system(self, call: Call, chaincode: SystemChaincode) -> Simulated:
        try:
            response = proposal_response_pb2.Response(status=SUCCESS, payload=await chaincode.invoke(call))
        except Refused as error:
            response = proposal_response_pb2.Response(status=error.status, message=str(error))
        return Simulated(response, None, call.simulator.results() if call.simulator else None, SYSTEM_VERSION)

    async def _simulate(
        self, proposal: Proposal, simulator: Simulator | None, signed: proposal_pb2.SignedProposal
    ) -> Simulated:
        if simulator is None:
            raise NotRunnable("could not get channel config for channel ''")
        # The definition that was in force is part of what was read, so that an upgrade in between is a conflict.
        simulator.get(LIFECYCLE, field_key(NAMESPACES, proposal.chaincode, "Sequence"))
        definition = read_definition(simulator.state, proposal.chaincode)
        if definition is None:
            raise NotRunnable(f"chaincode {proposal.chaincode} not found")
        package_id = approved_package(simulator.state, self.msp_id, definition)
        if not self.packages.has(package_id):
            raise NotRunnable(f"chaincode definition for '{proposal.chaincode}' exists, but chaincode is not installed")
        self.support.name(proposal.chaincode, package_id)
        context = TransactionContext(proposal.channel, proposal.transaction_id, proposal.chaincode, simulator)
        try:
            done = await self.support.execute(context, package_id, proposal.chaincode_input, signed)
        except ExecutionError as error:
            raise ExecutionError(f"failed to execute transaction {proposal.transaction_id}: {error}") from error
        event = None
        if done.event_name:
            event = ChaincodeEvent(proposal.chaincode, proposal.transaction_id, done.event_name, done.event_payload)
        return Simulated(done.response, event, simulator.results(), definition.version)

    def _payload(self, proposal: Proposal, simulated: Simulated) -> bytes:
        return build_response_payload(
            proposal_hash=proposal.hash,
            chaincode=proposal.chaincode,
            chaincode_version=simulated.chaincode_version,
            status=simulated.response.status,
            message=simulated.response.message,
            payload=simulated.response.payload,
            result=simulated.results.public if simulated.results else b"",
            event=build_event(simulated.event) if simulated.event else b"",
        )


def _failed(message: str) -> proposal_response_pb2.ProposalResponse:
    response = proposal_response_pb2.Response(status=ERROR, message=message)
    return proposal_response_pb2.ProposalResponse(response=response)
