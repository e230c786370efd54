"""Putting a chaincode on the channel through the lifecycle, for organisations whose admins are all here.

Every organisation installs a package at its own peer and approves for itself; what enough of them have approved is
committed. What has been done already is not done again, so that an interrupted run can be taken up.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from network.errors import ApprovalLost
from network.waiting import NotYet, Waiter, answered, each
from node_client.admin._sync.lifecycle import Lifecycle
from node_client.errors import EndorseError
from node_client.protocol.chaincode_package import package_info
from node_client.protocol.lifecycle import ChaincodeDefinition, approval_lost

DIFFERENT_RESULTS = "ProposalResponsePayloads do not match"  # `internal/pkg/gateway/endorsement.go`


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


def approve(lifecycle: Lifecycle, definition: ChaincodeDefinition, package_id: str) -> bool:
    """Approve a definition for one organisation, with the package that runs it; empty for none.

    Returns:
        Whether it was approved now; false when it was approved before, just so.

    Raises:
        ApprovalLost: what the organisation approved before was another package, and its peer has lost that.
        FabricError: it was refused.
    """
    try:
        return lifecycle.approve(definition, package_id)
    except EndorseError as error:
        if not approval_lost(error.refusal):
            raise
        raise _lost(lifecycle.msp_id, definition, package_id) from error


def _lost(msp_id: str, definition: ChaincodeDefinition, package_id: str) -> ApprovalLost:
    name, following = definition.name, definition.sequence + 1
    package = f"--package-id {package_id}" if package_id else "--without-package"
    return ApprovalLost(
        f"the peer of {msp_id} has lost what {msp_id} approved for sequence {definition.sequence} of {name}, "
        "and no other peer has it; Fabric takes no other approval for this sequence",
        f"put the same definition into force as sequence {following}: every organisation says certledger chaincode "
        f"approve {name} --sequence {following} with its package and the definition's options (here: {package}), "
        f"then one says certledger chaincode commit {name} --sequence {following} with these options",
    )


def approve_own(party: Party, definition: ChaincodeDefinition) -> str:
    """Install and approve for one organisation. Returns the package id. Raises as `approve` does."""
    party.lifecycle.install(party.package)
    package_id = package_info(party.package).id
    approve(party.lifecycle, definition, package_id)
    return package_id


def install_and_approve(parties: Sequence[Party], definition: ChaincodeDefinition, waiter: Waiter) -> list[str]:
    """Install and approve for every organisation, and wait until every peer knows of every approval.

    A peer takes part in committing what it knows to be approved: one that is behind would come to another result.

    Returns:
        The package ids, in the parties' order.

    Raises:
        StartError: the peers did not hear of the approvals.
        ApprovalLost: a peer has lost what its organisation approved before.
        FabricError: a peer or the channel refused.
    """

    def heard() -> None:
        for party in parties:
            approvals = party.lifecycle.readiness(definition).approvals
            missing = [one.msp_id for one in parties if not approvals.get(one.msp_id)]
            if missing:
                raise NotYet(f"{party.msp_id} has not heard of {', '.join(missing)}")

    package_ids = each(parties, lambda party: approve_own(party, definition))
    waiter.until("every peer knows of every approval", answered(heard))
    return package_ids


def commit(lifecycle: Lifecycle, definition: ChaincodeDefinition, msp_ids: Sequence[str], waiter: Waiter) -> bool:
    """Put a definition into force that these organisations have approved, unless it is.

    Args:
        lifecycle: as whoever commits it.
        msp_ids: whose peers endorse it.

    Returns:
        Whether it was committed now.

    Raises:
        StartError: the gateway found no peers of an organisation, or they did not come to one result.
        FabricError: the channel refused.
    """

    def attempt() -> bool:
        found = lifecycle.committed(definition.name)
        if found and found.definition.sequence >= definition.sequence:
            return False  # by another, or by an earlier attempt of which the outcome was not known
        try:
            lifecycle.commit(definition, list(msp_ids))
        except EndorseError as error:
            # Peers hear of each other, and of approvals, by and by.
            if not error.unreachable and DIFFERENT_RESULTS not in error.reason:
                raise
            raise NotYet(str(error)) from error
        return True

    return waiter.until("every organisation's peer endorses the definition", attempt)
