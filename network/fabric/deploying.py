"""Putting the registry on the channel, and waiting until it can be used."""

from collections.abc import Sequence
from contextlib import ExitStack

from network import agreement
from network.agreement import Party
from network.errors import NetworkError
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
from node_client.protocol.lifecycle import ChaincodeDefinition, Committed
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
    """Whether an organisation's peer has the site's own package of today: another one comes with renewed keys.

    Where another version of the registry is in force, which has a package of its own, this one is not needed.
    """
    wanted = registry_package_id(folder, organisation)
    with gateway(folder, organisation) as connection:
        lifecycle = Lifecycle(connection, CHANNEL)
        found = lifecycle.committed(REGISTRY)
        if found and not _is_own(found):
            return True
        return wanted in [one.package_id for one in lifecycle.installed()]


def runs_registry(folder: Folder, organisation: Organisation) -> bool:
    """Whether an organisation has approved the registry that is in force with a package that its peer has."""
    with gateway(folder, organisation) as connection:
        lifecycle = Lifecycle(connection, CHANNEL)
        found = lifecycle.committed(REGISTRY)
        return found is None or _running(lifecycle, found) is not None


def _running(lifecycle: Lifecycle, in_force: Committed) -> str | None:
    """The package by which an organisation runs what is in force; None when it does not.

    The peer itself says so: it knows by hashes even where what was approved is lost (Fabric's
    `core/chaincode/lifecycle/cache.go`).
    """
    use = (CHANNEL, REGISTRY, in_force.definition.version)
    return next((one.package_id for one in lifecycle.installed() if use in one.uses), None)


def _is_own(in_force: Committed) -> bool:
    """Whether the site's own service is what is in force: of this version, whatever its endorsement policy is."""
    return in_force.definition.version == VERSION


def _approve_in_force(party: Party, in_force: Committed) -> str:
    """Approve what others have put on the channel already, and there is nobody to wait for. Returns the package id."""
    if _is_own(in_force):
        return agreement.approve_own(party, in_force.definition)
    if (running := _running(party.lifecycle, in_force)) is not None:
        return running
    version, sequence = in_force.definition.version, in_force.definition.sequence
    raise NetworkError(
        f"version {version} of the registry is in force (sequence {sequence}), and the site's own is version {VERSION}",
        "install and approve the package of that version: certledger chaincode install FILE, "
        f"certledger chaincode approve {REGISTRY} --version {version} --package FILE, with the definition's policy",
    )


def approve_registry(folder: Folder, organisations: Sequence[Organisation], waiter: Waiter) -> list[str]:
    """Install the registry and approve it, each organisation at its own peer.

    What has been done already is left as it is.

    Returns:
        The package ids.

    Raises:
        StartError: a peer did not take part in time.
        NetworkError: another version is in force, which the organisation must install and approve by its package.
        ApprovalLost: a peer has lost what its organisation approved, which was another package.
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
        in_force = waiter.until("the peer answers", answered(lambda: first.committed(REGISTRY)))
        if in_force is None:
            return agreement.install_and_approve(parties, definition(), waiter)
        return [_approve_in_force(party, in_force) for party in parties]


def commit_registry(folder: Folder, organisation: Organisation) -> bool:
    """Put the registry on the channel with the word of the organisations that have approved it.

    Returns:
        Whether that was done now; false when it was there, in whichever version.

    Raises:
        NotAgreed: too few have approved, or their peers do not answer.
        FabricError: the channel refused.
    """
    with acting(load_profile(folder, f"{organisation.label}-{ADMIN}")) as member:
        if member.lifecycle.committed(REGISTRY):
            return False
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
