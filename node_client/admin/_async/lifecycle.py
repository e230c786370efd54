"""The chaincode lifecycle, as one organisation's admin takes part in it."""

from node_client.errors import EndorseError, EvaluateError, ProposalError
from node_client.gateway._async.gateway import AsyncGateway
from node_client.protocol import lifecycle
from node_client.protocol.chaincode_package import package_info
from node_client.protocol.lifecycle import (
    LIFECYCLE,
    Approved,
    ChaincodeDefinition,
    Committed,
    InstalledChaincode,
    Readiness,
)

INSTALL_TIMEOUT = 300.0  # seconds; `chaincode.installTimeout` of Fabric's sample core.yaml


class AsyncLifecycle:
    """The lifecycle on a channel, at the peer of an organisation.

    Args:
        gateway: connected to the organisation's own peer, as its admin.
        channel: the channel's name.
    """

    def __init__(self, gateway: AsyncGateway, channel: str) -> None:
        self._gateway = gateway
        self._channel = channel
        self._contract = gateway.get_network(channel).get_contract(LIFECYCLE)

    @property
    def msp_id(self) -> str:
        """The organisation's."""
        return self._gateway.identity.msp_id

    async def installed(self) -> tuple[InstalledChaincode, ...]:
        """The packages that are installed at the peer. Raises ProposalError."""
        return lifecycle.installed_chaincodes(await self._peer("QueryInstalledChaincodes", b""))

    async def install(self, package: bytes) -> bool:
        """Install a package at the peer, unless it is there already.

        The peer builds it before it answers, which may take long: it has as long as peers themselves allow it.

        Returns:
            Whether it was installed now; false when it was there.

        Raises:
            ProtocolError: it is no package.
            ProposalError: the peer refused.
        """
        wanted = package_info(package).id
        if any(one.package_id == wanted for one in await self.installed()):
            return False
        try:
            await self._peer("InstallChaincode", lifecycle.install_argument(package), timeout=INSTALL_TIMEOUT)
        except ProposalError as error:
            if not lifecycle.installed_already(error.message):  # by another call meanwhile
                raise
            return False
        return True

    async def definitions(self) -> tuple[ChaincodeDefinition, ...]:
        """The definitions in force on the channel. Raises EvaluateError."""
        return lifecycle.definitions(
            await self._evaluate("QueryChaincodeDefinitions", lifecycle.all_definitions_argument())
        )

    async def committed(self, name: str) -> Committed | None:
        """The definition of a chaincode that is in force, and who has approved it; None when there is none.

        Raises:
            EvaluateError: the peer refused.
        """
        try:
            answer = await self._evaluate("QueryChaincodeDefinition", lifecycle.definition_argument(name))
        except EvaluateError as error:
            if lifecycle.not_defined(error.refusal):
                return None
            raise
        return lifecycle.committed(name, answer)

    async def approved(self) -> tuple[Approved, ...]:
        """What this organisation has approved, by name and sequence. Raises EvaluateError."""
        return lifecycle.approved(
            await self._evaluate("QueryApprovedChaincodeDefinitions", lifecycle.all_approved_argument())
        )

    async def approve(self, definition: ChaincodeDefinition, package_id: str) -> bool:
        """Approve a definition for this organisation, and say which package runs it at its peers; empty for none.

        Returns:
            Whether it was approved now; false when the organisation has approved just this before. A peer that has
            fetched the ledger from others has lost approvals (`approval_lost`): then this is false when it runs the
            definition in force by this package all the same.

        Raises:
            EndorseError, CommitError: nothing was written.
            SubmitError, CommitStatusError: whether it was approved is not known.
        """
        argument = lifecycle.approve_argument(definition, package_id)
        own = [self._gateway.identity.msp_id]
        try:
            await self._contract.submit("ApproveChaincodeDefinitionForMyOrg", argument, organizations=own)
        except EndorseError as error:
            if lifecycle.approved_already(error.refusal):
                return False
            if lifecycle.approval_lost(error.refusal) and await self._runs(definition, package_id):
                return False
            raise
        return True

    async def readiness(self, definition: ChaincodeDefinition) -> Readiness:
        """Which organisations have approved exactly this definition, as far as this peer knows.

        Raises:
            EvaluateError: it is not a definition that could be committed next.
        """
        return lifecycle.readiness(
            await self._evaluate("CheckCommitReadiness", lifecycle.readiness_argument(definition))
        )

    async def commit(self, definition: ChaincodeDefinition, organizations: list[str]) -> None:
        """Put a definition that enough organisations approved into force.

        Args:
            organizations: MSP ids of those whose peers endorse it.

        Raises:
            EndorseError, CommitError: nothing was written.
            SubmitError, CommitStatusError: whether it was committed is not known.
        """
        argument = lifecycle.commit_argument(definition)
        await self._contract.submit("CommitChaincodeDefinition", argument, organizations=organizations)

    async def _runs(self, definition: ChaincodeDefinition, package_id: str) -> bool:
        """Whether the peer runs a definition, which is in force, by a package.

        The hashes of the organisation's approval decide it, which every peer has (`core/chaincode/lifecycle/cache.go`).
        """
        found = await self.committed(definition.name)
        if found is None or found.definition.sequence != definition.sequence:
            return False
        return any(
            one.package_id == package_id and (self._channel, definition.name, found.definition.version) in one.uses
            for one in await self.installed()
        )

    async def _evaluate(self, function: str, argument: bytes) -> bytes:
        """Ask this organisation's own peers: what is private to it, they alone know."""
        own = [self._gateway.identity.msp_id]
        return await self._contract.evaluate(function, argument, organizations=own)

    async def _peer(self, function: str, argument: bytes, timeout: float | None = None) -> bytes:
        return await self._gateway.process_proposal(LIFECYCLE, [function.encode(), argument], timeout=timeout)
