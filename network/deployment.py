"""Putting a chaincode on the channel, for every organisation of a network on this machine."""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

from network import agreement
from network.agreement import Party
from network.errors import ConfigurationError, NetworkError
from network.folder import Folder
from network.lifecycle.definition import Stated
from network.lifecycle.member import ADMIN, acting
from network.profiles import load_profile, profile_names
from network.registry import REGISTRY
from network.waiting import Waiter


class Source(Protocol):
    """What a package is made of: `ServiceSource` or `FolderSource` of `network.lifecycle.packaging`."""

    def package(self, label: str) -> bytes:
        """The package. Raises ConfigurationError."""

    def record(self) -> dict[str, str]:
        """What it is, for scripts."""


@dataclass(frozen=True)
class Deployed:
    """A chaincode that is on the channel."""

    sequence: int
    package_id: str


def deploy(folder: Folder, stated: Stated, source: Source) -> Deployed:
    """Put a chaincode on the channel as its next definition: install, approve and commit for every organisation.

    Args:
        source: what every organisation's peer runs.

    Raises:
        NetworkError: an argument cannot be used, or not every organisation's admin is here.
        FabricError: a peer or the channel refused.
    """
    topology = folder.topology()
    if stated.name == REGISTRY:
        raise ConfigurationError("the registry is the network's own chaincode", "choose another name")
    stated.definition()  # before anything is done
    package = source.package(f"{stated.name}_{stated.version}")
    profiles = [f"{organisation.label}-{ADMIN}" for organisation in topology.organisations]
    missing = sorted(set(profiles) - set(profile_names(folder)))
    if missing:
        raise NetworkError(
            f"not every organisation's admin is here: {', '.join(missing)}",
            "let every organisation take its own steps: certledger chaincode install, approve, commit",
        )
    with ExitStack() as stack:
        members = [stack.enter_context(acting(load_profile(folder, name))) for name in profiles]
        first = members[0].lifecycle
        committed = first.committed(stated.name)
        definition = stated.definition(committed.definition.sequence + 1 if committed else 1)
        parties = [Party(one.msp_id, one.lifecycle, package) for one in members]
        waiter = Waiter()
        package_ids = agreement.install_and_approve(parties, definition, waiter)
        agreement.commit(first, definition, [one.msp_id for one in members], waiter)
    return Deployed(definition.sequence, package_ids[0])
