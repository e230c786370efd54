# Generated from _async/lifecycle.py by scripts/generate_sync.py: change that file instead.
"""The chaincode lifecycle, as one organisation's admin takes part in it."""

from node_client.errors import EndorseError
from node_client.gateway._sync.gateway import Gateway
from node_client.protocol import lifecycle
from node_client.protocol.chaincode_package import package_id
from node_client.protocol.lifecycle import LIFECYCLE, ChaincodeDefinition


class Lifecycle:
    """The lifecycle on a channel, at the peer of an organisation.

    Args:
        gateway: connected to the organisation's own peer, as its admin.
        channel: the channel's name.
    """

    def __init__(self, gateway: Gateway, channel: str) -> None:
        self._gateway = gateway
        self._contract = gateway.get_network(channel).get_contract(LIFECYCLE)

    def install(self, label: str, package: bytes) -> str:
        """Install a package at the peer, unless it is there already.

        Returns:
            Its package id.

        Raises:
            ProposalError: the peer refused.
        """
        wanted = package_id(label, package)
        if wanted not in lifecycle.installed_ids(self._peer("QueryInstalledChaincodes", b"")):
            self._peer("InstallChaincode", lifecycle.install_argument(package))
        return wanted

    def sequences(self) -> dict[str, int]:
        """The channel's chaincodes, each with its definition's sequence. Raises EvaluateError."""
        argument = lifecycle.all_definitions_argument()
        return lifecycle.sequences(self._contract.evaluate("QueryChaincodeDefinitions", argument))

    def approve(self, definition: ChaincodeDefinition, package_id: str) -> None:
        """Approve a definition for this organisation, and say which package runs it at its peers.

        An organisation that has approved just this before has nothing more to approve.

        Raises:
            EndorseError, CommitError: nothing was written.
            SubmitError, CommitStatusError: whether it was approved is not known.
        """
        argument = lifecycle.approve_argument(definition, package_id)
        own = [self._gateway.identity.msp_id]
        try:
            self._contract.submit("ApproveChaincodeDefinitionForMyOrg", argument, organizations=own)
        except EndorseError as error:
            if not lifecycle.approved_already(error.refusal):
                raise

    def readiness(self, definition: ChaincodeDefinition) -> dict[str, bool]:
        """Which organisations have approved exactly this definition, by MSP id, as far as this peer knows.

        Raises:
            EvaluateError: it is not a definition that could be committed next.
        """
        argument = lifecycle.readiness_argument(definition)
        own = [self._gateway.identity.msp_id]
        return lifecycle.approvals(self._contract.evaluate("CheckCommitReadiness", argument, organizations=own))

    def commit(self, definition: ChaincodeDefinition, organizations: list[str]) -> None:
        """Put a definition that enough organisations approved into force.

        Args:
            organizations: MSP ids of those whose peers endorse it.

        Raises:
            EndorseError, CommitError: nothing was written.
            SubmitError, CommitStatusError: whether it was committed is not known.
        """
        argument = lifecycle.commit_argument(definition)
        self._contract.submit("CommitChaincodeDefinition", argument, organizations=organizations)

    def _peer(self, function: str, argument: bytes) -> bytes:
        return self._gateway.process_proposal(LIFECYCLE, [function.encode(), argument])
