"""Putting the registry on the channel, and waiting until it can be used."""

from collections.abc import Sequence
from contextlib import ExitStack

from network import agreement
from network.agreement import Party
from network.fabric.connections import QUICK, gateway
from network.fabric.registry_package import registry_package_id, registry_service_package
from network.folder import Folder
from network.lifecycle.definition import Stated
from network.lifecycle.member import ADMIN, acting
from network.profiles import load_profile
from network.registry import POLICY, REGISTRY, VERSION
from network.topology import CHANNEL, Organisation
from network.waiting import Waiter, answered, each
from node_client.admin._sync.lifecycle import Lifecycle
from node_client.errors import FabricError
from node_client.protocol.lifecycle import ChaincodeDefinition
from node_client.protocol.policy_dsl import parse_policy


def definition() -> ChaincodeDefinition:
    """What organisations agree on about the registry."""
    return ChaincodeDefinition(name=REGISTRY, version=VERSION, sequence=1, policy=parse_policy(POLICY))


def is_deployed(folder: Folder, organisation: Organisation, waiter: Waiter) -> bool:
    """Whether the registry is on the channel, as an organisation's peer knows. Raises StartError."""
    with gateway(folder, organisation) as connection:
        lifecycle = Lifecycle(connection, CHANNEL)
        return waiter.until("the peer answers", answered(lambda: lifecycle.committed(REGISTRY))) is not None


def has_package(folder: Folder, organisation: Organisation) -> bool:
    """Whether an organisation's peer has the registry's package of today: another one comes with renewed keys."""
    wanted = registry_package_id(folder, organisation)
    with gateway(folder, organisation) as connection:
        return wanted in [one.package_id for one in Lifecycle(connection, CHANNEL).installed()]


def approve_registry(folder: Folder, organisations: Sequence[Organisation], waiter: Waiter) -> list[str]:
    """Install the registry and approve it, each organisation at its own peer.

    What has been done already is left as it is.

    Returns:
        The package ids.

    Raises:
        StartError: a peer did not take part in time.
        FabricError: a peer or the channel refused.
        OSError: a key cannot be read.
    """
    with ExitStack() as stack:
        parties = []
        for organisation in organisations:
            connection = stack.enter_context(gateway(folder, organisation))
            package = registry_service_package(folder, organisation)
            parties.append(Party(organisation.msp_id, Lifecycle(connection, CHANNEL), package))
        first = parties[0].lifecycle
        if not waiter.until("the peer answers", answered(lambda: first.committed(REGISTRY))):
            return agreement.install_and_approve(parties, definition(), waiter)
        # Others have put it on the channel already, and there is nobody to wait for.
        return [agreement.approve(party, definition()) for party in parties]


def commit_registry(folder: Folder, organisation: Organisation) -> bool:
    """Put the registry on the channel with the word of the organisations that have approved it.

    Returns:
        Whether that was done now; false when it was there.

    Raises:
        NotAgreed: too few have approved, or their peers do not answer.
        FabricError: the channel refused.
    """
    with acting(load_profile(folder, f"{organisation.label}-{ADMIN}")) as member:
        _, endorsers = member.commit(Stated(name=REGISTRY, version=VERSION, policy=POLICY))
    return bool(endorsers)


def endorsement_trouble(folder: Folder, organisation: Organisation) -> str:
    """Why an organisation's gateway gets no endorsements for the registry now; empty when it does."""
    with gateway(folder, organisation, QUICK) as connection:
        contract = connection.get_network(CHANNEL).get_contract(REGISTRY)
        try:
            contract.new_proposal("ListCertificates", "1", "").endorse()
        except FabricError as error:
            return str(error)
    return ""


def wait_until_endorsing(
    folder: Folder, gateways: Sequence[Organisation], endorsers: Sequence[Organisation], waiter: Waiter
) -> None:
    """Wait until each of these gateways gets each of these organisations' endorsement. Raises StartError."""
    everyone = [organisation.msp_id for organisation in endorsers]

    def wait(organisation: Organisation) -> None:
        with gateway(folder, organisation, QUICK) as connection:
            contract = connection.get_network(CHANNEL).get_contract(REGISTRY)
            waiter.until(
                f"{organisation.name}'s gateway gets every organisation's endorsement",
                answered(lambda: contract.new_proposal("ListCertificates", "1", "", organizations=everyone).endorse()),
            )

    each(gateways, wait)
