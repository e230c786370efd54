"""Putting the registry on the channel, and waiting until it can be used everywhere."""

from contextlib import ExitStack

from network import agreement
from network.agreement import Party
from network.fabric.connections import gateway
from network.fabric.registry_package import registry_service_package
from network.folder import Folder
from network.progress import Progress, Step
from network.registry import POLICY, REGISTRY, VERSION
from network.topology import CHANNEL, Organisation, Topology
from network.waiting import Waiter, answered, each
from node_client import GatewayOptions
from node_client.admin._sync.lifecycle import Lifecycle
from node_client.gateway.options import Deadlines
from node_client.protocol.lifecycle import ChaincodeDefinition
from node_client.protocol.policy_dsl import parse_policy

# A question that a peer on its way up does not answer is asked again.
IMPATIENT = GatewayOptions(deadlines=Deadlines(evaluate=5, endorse=5))


def deploy_registry(folder: Folder, topology: Topology, waiter: Waiter, progress: Progress) -> None:
    """Install, approve and commit the registry for every organisation, unless the channel has it.

    Raises:
        StartError: a peer did not take part in time.
        FabricError: a peer or the channel refused.
        OSError: a key cannot be read.
    """
    definition = ChaincodeDefinition(name=REGISTRY, version=VERSION, sequence=1, policy=parse_policy(POLICY))
    with ExitStack() as stack:
        parties = []
        for organisation in topology.organisations:
            connection = stack.enter_context(gateway(folder, organisation))
            package = registry_service_package(folder, organisation)
            parties.append(Party(organisation.msp_id, Lifecycle(connection, CHANNEL), package))
        first = parties[0].lifecycle
        if waiter.until("the first peer answers", answered(lambda: first.committed(REGISTRY))):
            return
        agreement.install_and_approve(parties, definition, waiter)
        progress(Step.APPROVED)
        agreement.commit(first, definition, [party.msp_id for party in parties], waiter)
        progress(Step.COMMITTED)


def wait_until_endorsing(folder: Folder, topology: Topology, waiter: Waiter) -> None:
    """Wait until every organisation's gateway gets every organisation's endorsement. Raises StartError."""
    everyone = [organisation.msp_id for organisation in topology.organisations]

    def wait(organisation: Organisation) -> None:
        with gateway(folder, organisation, IMPATIENT) as connection:
            contract = connection.get_network(CHANNEL).get_contract(REGISTRY)
            waiter.until(
                f"{organisation.name}'s gateway gets every organisation's endorsement",
                answered(lambda: contract.new_proposal("ListCertificates", "1", "", organizations=everyone).endorse()),
            )

    each(topology.organisations, wait)
