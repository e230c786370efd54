"""One organisation's peer: it checks a proposal, simulates it through its own chaincode, and endorses the result.

Source: Fabric's `core/endorser/endorser.go` and `msgvalidation.go`. Nothing here is shared with another organisation
but the committed public state.
"""

import sqlite3
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Protocol

from fabric_protos.peer import proposal_pb2, proposal_response_pb2

from chaincode.builder.programs import SERVICE
from chaincode.ledger.simulator import SimulationError, SimulationResults, Simulator
from network.embedded.acl import AccessControl, AccessDenied
from network.embedded.admission import ProposalRefused, check_proposal, read_proposal
from network.embedded.chaincode_processes import Launch
from network.embedded.chaincode_stream import ExecutionError
from network.embedded.chaincode_support import ChaincodeSupport, Connection
from network.embedded.interest import chaincode_interest
from network.embedded.invoking import ENDORSEMENT_PLUGIN, ERROR_THRESHOLD, SYSTEM, ChaincodeInfo, Invocation, Invoker
from network.embedded.ledger import Ledger
from network.embedded.limits import Limits
from network.embedded.on_demand import OnDemand
from network.embedded.package_builds import is_launched
from network.embedded.private_data import NotDistributed
from network.embedded.signing import NodeIdentity
from network.embedded.system import Refused
from network.embedded.system.packages import Package, PackageStore
from network.embedded.transient import PrivateSets
from node_client.protocol.collections import ChannelCollections
from node_client.protocol.definitions import Definition, approved_package, defined_names, read_definition
from node_client.protocol.msp import Msp, MspManager
from node_client.protocol.policy import SignedData
from node_client.protocol.proposal import Proposal
from node_client.protocol.transaction import ChaincodeEvent, build_event, build_response_payload

ERROR = 500  # from this status on a response that is not endorsed tells its payload nonetheless
UNSIMULATED = frozenset({"qscc", "cscc"})  # what needs no simulation, and gets none


@dataclass(frozen=True)
class Simulated:
    """What running a proposal came to.

    Attributes:
        results: None where nothing was simulated.
        shares: what of the private data goes to which organisation.
    """

    response: proposal_response_pb2.Response
    event: ChaincodeEvent | None
    results: SimulationResults | None
    shares: dict[str, PrivateSets]


class LaunchedPackages(Protocol):
    """How an organisation's packages of Python code are built and launched."""

    async def build(self, package: Package) -> None:
        """Build a package, unless it is built. Raises Refused."""

    async def prepare(self, package: Package) -> Launch:
        """Make what a package's process needs. Raises Refused, OSError."""


class Peer:
    """One organisation's peer.

    Args:
        address: where clients reach it, as it stands in error details.
        identity: endorses.
        local: the organisation's MSP as this peer's own folder has it: it decides who may administer the peer.
        packages: what is installed here.
        launched: builds and launches packages of Python code.
        support: the organisation's running chaincode.
        limits: what chaincode may do.
    """

    def __init__(
        self,
        *,
        msp_id: str,
        address: str,
        identity: NodeIdentity,
        local: Msp,
        ledger: Ledger,
        packages: PackageStore,
        launched: LaunchedPackages,
        support: ChaincodeSupport,
        limits: Limits,
    ) -> None:
        self.msp_id = msp_id
        self.address = address
        self.ledger = ledger
        self.packages = packages
        self._launched = launched
        self.support = support
        self.access = AccessControl(local, ledger)
        self._local = MspManager([local])
        self._identity = identity
        self._invoker = Invoker(self, limits)
        self._offered: dict[str, int] = {}
        ledger.private.join(msp_id, identity.serialized)

    async def build_package(self, package: Package) -> None:
        """Build a package that is being installed, when it is one that this peer launches. Raises Refused."""
        if is_launched(package):
            await self._launched.build(package)

    def start_package(self, package: Package) -> None:
        """Make an installed package's chaincode run, at once or when it is called, when it is one that this peer runs.

        Raises:
            Refused: its connection.json cannot be used.
        """
        if is_launched(package):
            self.support.launch(package.id, OnDemand(package.id, lambda: self._prepare(package)))
        elif package.type.lower() == SERVICE:
            try:
                connection = Connection.parse(package.code.get("connection.json", b""))
            except ValueError as error:
                raise Refused(f"could not build chaincode: {error}") from error
            self.support.dial(package.id, connection)

    async def _prepare(self, package: Package) -> Launch:
        """Make what a package's process needs, and end what ran by packages that no definition uses any more."""
        state = self.ledger.state(self.msp_id)
        found = [read_definition(state, name) for name in defined_names(state)]
        used = {approved_package(state, self.msp_id, definition) for definition in found if definition}
        await self.support.end_unused({package.id, *used})
        return await self._launched.prepare(package)

    async def process_proposal(self, signed: proposal_pb2.SignedProposal) -> proposal_response_pb2.ProposalResponse:
        """Check, simulate and endorse a proposal.

        Returns:
            The endorsed response, or one without endorsement when the chaincode refused or could not be run.

        Raises:
            ProposalRefused: the proposal was not simulated.
        """
        proposal = read_proposal(signed)
        manager = self.ledger.config.msp_manager
        if not proposal.channel:
            manager = self._local
        elif proposal.channel != self.ledger.config.channel:
            return _failed(f"channel '{proposal.channel}' not found")
        creator = check_proposal(proposal, signed.signature, manager)
        if proposal.channel:
            self._admit(proposal, SignedData(signed.proposal_bytes, proposal.creator, signed.signature))
        simulates = bool(proposal.channel) and proposal.chaincode not in UNSIMULATED
        height = self.ledger.height
        with self.ledger.snapshot(self.msp_id) if simulates else nullcontext() as state:
            simulator = None
            if state is not None:
                collections = ChannelCollections(self.ledger.config, creator)
                simulator = Simulator(state, proposal.transaction_id, collections)
            invocation = Invocation(proposal, signed, creator, simulator)
            try:
                info = self._invoker.info(invocation, proposal.chaincode)
            except ExecutionError as error:
                where = f"{proposal.chaincode} has been successfully defined on channel {proposal.channel}"
                return _failed(f"make sure the chaincode {where} and try again: {error}")
            try:
                simulated = await self._simulate(invocation)
            except (ExecutionError, NotDistributed) as error:
                return _failed(f"error in simulation: {error}")
            finally:
                if simulator is not None:
                    simulator.close()
        try:
            # Others have their share before anyone sees an endorsement, whatever the chaincode answered.
            await self.ledger.private.give(proposal.transaction_id, simulated.shares, height)
            return self._answer(proposal, info, simulated)
        except (SimulationError, sqlite3.Error) as error:
            return _failed(f"error in simulation: {error}")

    async def _simulate(self, invocation: Invocation) -> Simulated:
        executed = await self._invoker.execute(invocation)
        simulator = invocation.simulator
        if simulator is None:
            return Simulated(executed.response, executed.event, None, {})
        results, shares = simulator.results(), {}
        if results.private:
            shares = self.ledger.private.shares(
                self.msp_id, invocation.tx_id, results.private, config=self.ledger.config, state=simulator.state
            )
        return Simulated(executed.response, executed.event, results, shares)

    def _answer(
        self, proposal: Proposal, info: ChaincodeInfo, simulated: Simulated
    ) -> proposal_response_pb2.ProposalResponse:
        """The endorsed response, or the chaincode's word where that is not endorsed."""
        response, results = simulated.response, simulated.results
        interest = chaincode_interest(results) if results else None
        payload = build_response_payload(
            proposal_hash=proposal.hash,
            chaincode=proposal.chaincode,
            chaincode_version=info.version,
            status=response.status,
            message=response.message,
            payload=response.payload,
            result=results.public if results else b"",
            event=build_event(simulated.event) if simulated.event else b"",
        )
        if response.status >= ERROR:
            # The payload tells the chaincode's word from a failure of the peer itself.
            return proposal_response_pb2.ProposalResponse(response=response, payload=payload, interest=interest)
        if not proposal.channel or response.status >= ERROR_THRESHOLD:
            return proposal_response_pb2.ProposalResponse(response=response)
        if info.endorsement_plugin != ENDORSEMENT_PLUGIN:
            plugin = f"plugin with name {info.endorsement_plugin}"
            return _failed(f"endorsing with plugin failed: {plugin} could not be used: {plugin} wasn't found")
        endorser = self._identity.serialized
        signature = self._identity.sign(payload + endorser)
        return proposal_response_pb2.ProposalResponse(
            version=1,
            response=response,
            payload=payload,
            endorsement=proposal_response_pb2.Endorsement(endorser=endorser, signature=signature),
            interest=interest,
        )

    @property
    def identity(self) -> bytes:
        """Who endorses, serialised."""
        return self._identity.serialized

    def sign(self, message: bytes) -> bytes:
        """Sign what others are to know to be this peer's."""
        return self._identity.sign(message)

    def definition(self, chaincode: str) -> Definition | None:
        """The committed definition of a chaincode."""
        return read_definition(self.ledger.state(self.msp_id), chaincode)

    def package_of(self, definition: Definition) -> str | None:
        """The package that this organisation runs for a definition, empty for none; None when it has not approved."""
        return approved_package(self.ledger.state(self.msp_id), self.msp_id, definition)

    def offers(self, chaincode: str) -> bool:
        """Whether the chaincode is installed here and approved. Whether it runs shows in a call."""
        if chaincode in SYSTEM or self._offered.get(chaincode) == self.ledger.definitions:
            return True
        definition = self.definition(chaincode)
        found = definition is not None and self.packages.has(self.package_of(definition) or "")
        if found:  # and that stays so until definitions or approvals change, for nothing is uninstalled
            self._offered[chaincode] = self.ledger.definitions
        return found

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


def _failed(message: str) -> proposal_response_pb2.ProposalResponse:
    response = proposal_response_pb2.Response(status=ERROR, message=message)
    return proposal_response_pb2.ProposalResponse(response=response)
