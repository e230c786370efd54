"""One organisation's steps: its admin, at its own peer."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from network import agreement
from network.errors import NetworkError, NotAgreed, StartError
from network.folder import Folder
from network.lifecycle.definition import Stated
from network.profiles import UserProfile, current_profile, load_profile, profile_names
from network.waiting import Waiter
from node_client import ConnectionProfile, Gateway
from node_client.admin._sync.lifecycle import Lifecycle
from node_client.errors import CommitError
from node_client.protocol.lifecycle import Approved, ChaincodeDefinition, Committed, InstalledChaincode, Readiness

ADMIN = "admin"
PATIENCE = 20.0  # seconds that peers have to hear of each other and of approvals, which takes them one or two


@dataclass(frozen=True)
class Told:
    """What a member's peer knows of chaincode.

    Attributes:
        approved: what the organisation has approved and is in force or may come into force.
    """

    installed: tuple[InstalledChaincode, ...]
    committed: tuple[Committed, ...]
    approved: tuple[Approved, ...]


@dataclass(frozen=True)
class Ready:
    """How far the organisations have come with a definition.

    Attributes:
        in_force: whether it is in force already; `readiness` has its approvals then.
    """

    definition: ChaincodeDefinition
    readiness: Readiness
    in_force: bool


@dataclass(frozen=True)
class Approval:
    """What an organisation has approved.

    Attributes:
        already: whether it was approved before, just so.
        installed: whether the package that was named is at this peer; true when none was.
    """

    definition: ChaincodeDefinition
    already: bool
    installed: bool


@dataclass(frozen=True)
class Member:
    """An organisation, as its admin acts for it.

    Attributes:
        organisation: its name.
    """

    organisation: str
    msp_id: str
    lifecycle: Lifecycle

    def install(self, package: bytes) -> bool:
        """Install a package at the peer. Returns whether it was installed now; false when it was there.

        Raises:
            FabricError: the peer refused, or could not be reached.
        """
        return self.lifecycle.install(package)

    def approve(self, stated: Stated, package_id: str) -> Approval:
        """Approve a definition for the organisation. The package can be installed later.

        Args:
            package_id: the package that runs it at the organisation's peers; empty when none does.

        Raises:
            NetworkError: the definition is not one.
            ApprovalLost: the peer has lost what was approved before for this sequence.
            FabricError: a peer or the channel refused.
        """
        definition = stated.after(self.lifecycle.committed(stated.name))
        done = agreement.approve(self.lifecycle, definition, package_id)
        installed = not package_id or any(one.package_id == package_id for one in self.lifecycle.installed())
        return Approval(definition, already=not done, installed=installed)

    def readiness(self, stated: Stated) -> Ready:
        """Who has approved exactly this definition, as far as this organisation's peer knows.

        Raises:
            NetworkError: the definition is not one, or its sequence is over or not yet due.
            FabricError: a peer or the channel refused.
        """
        committed = self.lifecycle.committed(stated.name)
        definition = stated.after(committed)
        if _in_force(definition, committed):
            return Ready(definition, Readiness(committed.approvals if committed else {}, {}), in_force=True)
        return Ready(definition, self.lifecycle.readiness(definition), in_force=False)

    def commit(self, stated: Stated, endorsers: Sequence[str] = ()) -> tuple[Ready, tuple[str, ...]]:
        """Put a definition into force that enough organisations have approved.

        Args:
            endorsers: MSP ids of the organisations whose peers endorse it; all that have approved it by default.

        Returns:
            How far the organisations had come, and who endorsed it; nobody when it was in force already.

        Raises:
            NotAgreed: too few organisations have approved exactly this.
            NetworkError: the definition is not one, or its sequence is over or not yet due.
            FabricError: a peer or the channel refused.
        """
        ready = self.readiness(stated)
        if ready.in_force:
            return ready, ()
        definition = ready.definition
        approved = [msp_id for msp_id, agrees in ready.readiness.approvals.items() if agrees]
        unknown = [one for one in endorsers if one not in ready.readiness.approvals]
        if unknown:
            raise NetworkError(
                f"{unknown[0]} is no organisation of the channel", f"use: {', '.join(ready.readiness.approvals)}"
            )
        chosen = tuple(endorsers or approved)
        if not chosen:
            raise _not_agreed(ready)
        try:
            done = agreement.commit(self.lifecycle, definition, chosen, Waiter(patience=PATIENCE))
        except StartError as error:
            raise NotAgreed(
                str(error), "see that the peers of these organisations run, or name others with --endorser"
            ) from error
        except CommitError as error:
            if error.code != "ENDORSEMENT_POLICY_FAILURE":
                raise
            raise _not_agreed(ready) from error
        return ready, chosen if done else ()

    def told(self, name: str = "") -> Told:
        """What the peer knows of chaincode, or of the chaincode of this name alone. Raises FabricError."""
        installed = self.lifecycle.installed()
        names = [one.name for one in self.lifecycle.definitions() if name in ("", one.name)]
        committed = tuple(found for one in names if (found := self.lifecycle.committed(one)))
        sequences = {one.definition.name: one.definition.sequence for one in committed}
        approved = tuple(
            one
            for one in self.lifecycle.approved()
            if name in ("", one.definition.name) and one.definition.sequence >= sequences.get(one.definition.name, 0)
        )
        if name:
            packages = {one.package_id for one in approved}
            # A peer that has lost the approvals runs by their hashes all the same.
            installed = tuple(
                one for one in installed if one.package_id in packages or any(used == name for _, used, _ in one.uses)
            )
        return Told(installed, committed, approved)


def administrator(folder: Folder, name: str = "") -> UserProfile:
    """Who takes the steps: the profile of this name, or by default the admin of the current profile's organisation.

    Raises:
        NetworkError: there is none.
    """
    return load_profile(folder, name or f"{load_profile(folder).organisation.lower()}-{ADMIN}")


def administrators(folder: Folder) -> list[UserProfile]:
    """The admins of all organisations whose admins are here, the current profile's first. Raises NetworkError."""
    found = [load_profile(folder, name) for name in profile_names(folder) if name.endswith(f"-{ADMIN}")]
    if not found:
        raise NetworkError("no organisation's admin is in this folder", "name a profile with --profile")
    current = current_profile(folder).rpartition("-")[0]
    return sorted(found, key=lambda one: (one.organisation.lower() != current, one.organisation))


@contextmanager
def acting(profile: UserProfile) -> Iterator[Member]:
    """The organisation of a profile, as its user. Raises FabricError."""
    connection = ConnectionProfile.load(profile.connection)
    with Gateway.from_profile(connection, profile.organisation, profile.user) as gateway:
        lifecycle = Lifecycle(gateway, connection.channel)
        yield Member(profile.organisation, connection.msp_id(profile.organisation), lifecycle)


def _in_force(definition: ChaincodeDefinition, committed: Committed | None) -> bool:
    """Whether a definition is the one in force. Raises NetworkError when its sequence can no longer come into force."""
    if committed is None or definition.sequence > committed.definition.sequence:
        return False
    current = committed.definition
    if definition.sequence == current.sequence and definition.same_content(current):
        return True
    raise NetworkError(
        f"sequence {current.sequence} of {definition.name} is in force, and it is another definition than this",
        "leave --sequence out for the next one",
    )


def _not_agreed(ready: Ready) -> NotAgreed:
    definition, readiness = ready.definition, ready.readiness
    parts = []
    for msp_id, agrees in readiness.approvals.items():
        differs = readiness.mismatches.get(msp_id, ())
        if agrees:
            parts.append(f"{msp_id} has approved it")
        elif nothing_approved(differs):
            parts.append(f"{msp_id} has not approved it")
        else:
            parts.append(f"{msp_id} has approved another one, which differs in {', '.join(differs)}")
    return NotAgreed(
        f"too few organisations have approved sequence {definition.sequence} of {definition.name} "
        f"for the channel's LifecycleEndorsement policy: {'; '.join(parts)}",
        "let more organisations approve exactly this definition, then commit it again",
    )


def nothing_approved(mismatches: Sequence[str]) -> bool:
    """Whether an organisation's approval does not just differ but is missing (`IsSerialized` in `serializer.go`)."""
    return not mismatches or tuple(mismatches) == ("ChaincodeParameters",)
