"""One organisation's peer: it checks a proposal, simulates it through its own chaincode, and endorses the result.

Source: Fabric's `core/endorser/endorser.go` and `msgvalidation.go`. Nothing here is shared with another organisation
but the committed public state.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from fabric_protos.peer import proposal_pb2, proposal_response_pb2

from chaincode.ledger.simulator import SimulationError, SimulationResults, Simulator
from chaincode.ledger.transaction_context import TransactionContext
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
from node_client.protocol.errors import ProtocolError
from node_client.protocol.msp import Member, MspError, UnknownIssuer, is_expired
from node_client.protocol.policy import SignedData, signers
from node_client.protocol.proposal import ENDORSER_TRANSACTION, Proposal, parse_proposal, transaction_id
from node_client.protocol.transaction import ChaincodeEvent, build_event, build_response_payload

logger = logging.getLogger(__name__)

SYSTEM: Mapping[str, SystemChaincode] = {"qscc": Qscc(), "cscc": Cscc(), LIFECYCLE: Lifecycle()}
SYSTEM_VERSION = "syscc"
ADMIN_FUNCTIONS = frozenset({"InstallChaincode", "QueryInstalledChaincode", "QueryInstalledChaincodes"})
OWN_MEMBERS = frozenset({"ApproveChaincodeDefinitionForMyOrg", "QueryApprovedChaincodeDefinition"})


class ProposalRefused(Exception):
    """A proposal that is not simulated: malformed, not admitted, or a duplicate. The text is Fabric's."""


class IdentityExpired(ProposalRefused):
    """The creator's certificate has expired. A filter says so before anything else is looked at.

    Source: `core/handlers/auth/filter/expiration.go`.
    """


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
        proposal, creator = self._check(signed)
        if not proposal.channel:
            return await self._without_channel(proposal, creator)
        with self.ledger.snapshot(self.msp_id) as state:
            try:
                simulated = await self._simulate(proposal, creator, Simulator(state), signed)
            except (ExecutionError, Refused, SimulationError) as error:
                return _failed(500, str(error))
        response = simulated.response
        if response.status >= 400 or simulated.results is None:
            # The chaincode's refusal is answered with what it was, and not endorsed.
            payload = self._payload(proposal, simulated) if simulated.results is not None else b""
            return proposal_response_pb2.ProposalResponse(version=1, response=response, payload=payload)
        payload = self._payload(proposal, simulated)
        self.ledger.transient.put(proposal.transaction_id, simulated.results.private)
        endorser = self._identity.serialized
        return proposal_response_pb2.ProposalResponse(
            version=1,
            response=response,
            payload=payload,
            endorsement=proposal_response_pb2.Endorsement(
                endorser=endorser, signature=self._identity.sign(payload + endorser)
            ),
            interest=chaincode_interest(proposal.chaincode, simulated.results),
        )

    def definition(self, chaincode: str) -> Definition | None:
        """The committed definition of a chaincode."""
        return read_definition(self.ledger.state(self.msp_id), chaincode)

    def package_of(self, definition: Definition) -> str:
        """The package that this organisation approved for a definition; empty without one."""
        return approved_package(self.ledger.state(self.msp_id), self.msp_id, definition)

    def is_running(self, chaincode: str) -> bool:
        """Whether this peer can run the chaincode now."""
        if chaincode in SYSTEM:
            return True
        definition = self.definition(chaincode)
        return definition is not None and self.support.is_running(self.package_of(definition))

    def _check(self, signed: proposal_pb2.SignedProposal) -> tuple[Proposal, Member]:
        try:
            proposal = parse_proposal(signed.proposal_bytes)
        except ProtocolError as error:
            raise ProposalRefused(f"error validating proposal: {error}") from error
        if proposal.type != ENDORSER_TRANSACTION:
            raise ProposalRefused(f"error validating proposal: invalid header type {proposal.type}")
        if not proposal.nonce or not proposal.creator or proposal.epoch:
            raise ProposalRefused("error validating proposal: nonce, creator or epoch is not as it must be")
        config = self.ledger.config
        try:
            creator = config.msp_manager.member(proposal.creator)
        except ProtocolError as error:
            raise ProposalRefused(_denied(proposal, "unknown, creator is malformed")) from error
        if is_expired(creator):
            raise IdentityExpired("proposal client identity expired")
        if proposal.channel and proposal.channel != config.channel:
            raise ProposalRefused(f"error validating proposal: channel '{proposal.channel}' not found")
        try:
            config.msp_manager.valid_member(proposal.creator)
        except UnknownIssuer as error:  # Fabric finds this when it reads the identity
            raise ProposalRefused(_denied(proposal, "unknown, creator is malformed")) from error
        except MspError as error:
            logger.info("a proposal's creator was not admitted: %s", error)
            raise ProposalRefused(_denied(proposal, f"[{creator.msp_id}]")) from error
        if not creator.verify(signed.signature, signed.proposal_bytes):
            raise ProposalRefused(_denied(proposal, f"[{creator.msp_id}]"))
        if proposal.transaction_id != transaction_id(proposal.nonce, proposal.creator):
            raise ProposalRefused("error validating proposal: incorrectly computed txid")
        if proposal.channel:
            self._admit(proposal, signed)
        return proposal, creator

    def _admit(self, proposal: Proposal, signed: proposal_pb2.SignedProposal) -> None:
        if self.ledger.transaction(proposal.transaction_id) is not None:
            raise ProposalRefused(
                f"error validating proposal: duplicate transaction found [{proposal.transaction_id}]. "
                f"Creator [{proposal.creator.hex()}]"
            )
        config = self.ledger.config
        resource = "peer/Propose"
        if proposal.chaincode in SYSTEM and proposal.args:
            resource = f"{proposal.chaincode}/{proposal.args[0].decode(errors='replace')}"
        data = SignedData(signed.proposal_bytes, proposal.creator, signed.signature)
        path = config.acls.get(resource, config.acls["peer/Propose"])
        if not config.policy(path).satisfied_by(signers(config.msp_manager, [data])):
            raise ProposalRefused(
                f"error validating proposal: access denied for [{resource}][{config.channel}]: "
                f"implicit policy evaluation failed - policy {path} is not satisfied"
            )

    async def _without_channel(self, proposal: Proposal, creator: Member) -> proposal_response_pb2.ProposalResponse:
        """Calls of this peer's own system chaincode, by its own organisation's admin; answered unendorsed."""
        if proposal.chaincode not in SYSTEM or not proposal.args:
            return _failed(500, f"cannot invoke {proposal.chaincode} without a channel")
        function = proposal.args[0].decode(errors="replace")
        needed = "admin" if function in ADMIN_FUNCTIONS else "member"
        if not self.ledger.config.msp_manager.msps[self.msp_id].has_role(creator, needed):
            text = f"access denied for [{function}]: identity is not an {needed} of {self.msp_id}"
            return _failed(500, f"Failed to authorize invocation due to failed ACL check: {text}")
        call = Call(self, "", None, creator, function, proposal.args[1:])
        try:
            payload = await SYSTEM[proposal.chaincode].invoke(call)
        except Refused as error:
            return _failed(500, str(error))
        return proposal_response_pb2.ProposalResponse(
            version=1, response=proposal_response_pb2.Response(status=200, payload=payload)
        )

    async def _simulate(
        self, proposal: Proposal, creator: Member, simulator: Simulator, signed: proposal_pb2.SignedProposal
    ) -> Simulated:
        if proposal.chaincode in SYSTEM:
            function = proposal.args[0].decode(errors="replace") if proposal.args else ""
            if function in OWN_MEMBERS and creator.msp_id != self.msp_id:
                raise Refused(f"access denied for [{function}]: identity is not of {self.msp_id}")
            call = Call(self, proposal.channel, simulator, creator, function, proposal.args[1:])
            payload = await SYSTEM[proposal.chaincode].invoke(call)
            response = proposal_response_pb2.Response(status=200, payload=payload)
            return Simulated(response, None, simulator.results(), SYSTEM_VERSION)
        # The definition that was in force is part of what was read, so that an upgrade in between is a conflict.
        simulator.get(LIFECYCLE, field_key(NAMESPACES, proposal.chaincode, "Sequence"))
        definition = read_definition(simulator.state, proposal.chaincode)
        if definition is None:
            raise Refused(
                f"make sure the chaincode {proposal.chaincode} has been successfully defined on channel "
                f"{proposal.channel} and try again: chaincode {proposal.chaincode} not found"
            )
        package_id = approved_package(simulator.state, self.msp_id, definition)
        self.support.name(proposal.chaincode, package_id)
        context = TransactionContext(proposal.channel, proposal.transaction_id, proposal.chaincode, simulator)
        try:
            done = await self.support.execute(context, package_id, proposal.chaincode_input, signed)
        except ExecutionError as error:
            raise ExecutionError(
                f"error in simulation: failed to execute transaction {proposal.transaction_id}: {error}"
            ) from error
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


def _failed(status: int, message: str) -> proposal_response_pb2.ProposalResponse:
    return proposal_response_pb2.ProposalResponse(
        version=1, response=proposal_response_pb2.Response(status=status, message=message)
    )


def _denied(proposal: Proposal, organisation: str) -> str:
    return f"error validating proposal: access denied: channel [{proposal.channel}] creator org {organisation}"
