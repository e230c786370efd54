"""Putting a chaincode on the channel through the lifecycle, for organisations whose admins are all here.

Every organisation installs a package at its own peer and approves for itself; what enough of them have approved is
committed. What has been done already is not done again, so that an interrupted run can be taken up.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from network.waiting import NotYet, Waiter, answered, each
from node_client.admin._sync.lifecycle import Lifecycle
from node_client.errors import EndorseError
from node_client.protocol.lifecycle import ChaincodeDefinition


@dataclass(frozen=True)
class Party:
    """One organisation.

    Attributes:
        lifecycle: as its admin, at its own peer.
        package: what its peer installs.
    """

    msp_id: str
    lifecycle: Lifecycle
    package: bytes


def install_and_approve(
    parties: Sequence[Party], label: str, definition: ChaincodeDefinition, waiter: Waiter
) -> list[str]:
    """Install and approve for every organisation, and wait until every peer knows of every approval.

    A peer takes part in committing what it knows to be approved: one that is behind would come to another result.

    Args:
        label: the packages' label.

    Returns:
        The package ids, in the parties' order.

    Raises:
        StartError: the peers did not hear of the approvals.
        FabricError: a peer or the channel refused.
    """

    def approve(party: Party) -> str:
        package_id = party.lifecycle.install(label, party.package)
        party.lifecycle.approve(definition, package_id)
        return package_id

    def heard() -> None:
        for party in parties:
            approvals = party.lifecycle.readiness(definition)
            missing = [one.msp_id for one in parties if not approvals.get(one.msp_id)]
            if missing:
                raise NotYet(f"{party.msp_id} has not heard of {', '.join(missing)}")

    package_ids = each(parties, approve)
    waiter.until("every peer knows of every approval", answered(heard))
    return package_ids


def commit(parties: Sequence[Party], definition: ChaincodeDefinition, waiter: Waiter) -> None:
    """Put the definition that all have approved into force.

    Raises:
        StartError: the first organisation's gateway found no peers of the others.
        FabricError: the channel refused.
    """
    first = parties[0].lifecycle

    def attempt() -> None:
        if first.sequences().get(definition.name, 0) >= definition.sequence:
            return  # an earlier attempt of which the outcome was not known
        try:
            first.commit(definition, [party.msp_id for party in parties])
        except EndorseError as error:
            if not error.unreachable:
                raise
            raise NotYet(str(error)) from error  # peers hear of each other by and by

    waiter.until("a gateway reaches every organisation's peer", attempt)
