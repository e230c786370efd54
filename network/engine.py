"""What runs a folder's network: the same questions to either engine."""

from pathlib import Path
from typing import Protocol

from network.errors import ConfigurationError
from network.folder import Engine, Folder
from network.progress import Progress
from network.status import NetworkStatus


class Running(Protocol):
    """A folder's network, as its engine runs it."""

    def start(self, progress: Progress) -> None:
        """Start it, and wait until it serves. Raises NetworkError, FabricError."""

    def stop(self) -> bool:
        """End it. Returns whether it was running."""

    def status(self) -> NetworkStatus:
        """What it does now."""

    def logs(self) -> dict[str, Path]:
        """Its log files by the names of what wrote them, the network's own first."""

    def restart(self, node: str, progress: Progress) -> None:
        """Start a node anew, and wait until it serves. Raises NetworkError."""


def engine_of(folder: Folder) -> Running:
    """What runs a folder's network. Raises FolderError."""
    # Imported here: a command needs one of them at most.
    if folder.engine is Engine.FABRIC:
        from network.fabric.running import FabricNetwork

        return FabricNetwork(folder)
    from network.embedded.running import EmbeddedProcess

    return EmbeddedProcess(folder)


def named(name: str, known: list[str]) -> str:
    """The known name that this is, in any case. Raises ConfigurationError."""
    for one in known:
        if one.lower() == name.lower():
            return one
    raise ConfigurationError(f"there is no {name} in this network", f"use one of: {', '.join(known)}")
