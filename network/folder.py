"""A network's folder: where things are, and whose folder it is.

It is the site of one organisation, or of all of them when a network is on one machine.

<dir>/
    network.json            what made the folder, in which format, and whose site it is
    configtx.yaml           the consortium's channel as it is in force here
    bundles/                what the organisations told each other of themselves
    channel.block           the channel's first block
    trust.json              what a verifier pins
    <Organisation>/         keys, MSPs, users, connection.json, register.db; of others what is public
    profiles/               identities for our own commands
    embedded/  or fabric/   the engine's own: ledgers, packages, logs
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from secrets import token_hex
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

from network.errors import FolderError
from network.topology import DEFAULT_PROFILE, Organisation, Topology, read_topology
from node_client.durable import make_folder, replace_file, sync_folder, sync_tree

FORMAT = 1
STAMP = "network.json"


class Engine(StrEnum):
    """What runs a folder's network."""

    EMBEDDED = "embedded"
    FABRIC = "fabric"


@dataclass(frozen=True)
class Folder:
    """A network's folder.

    Attributes:
        path: absolute.
    """

    path: Path

    @classmethod
    def at(cls, path: Path) -> "Folder":
        """The folder at a path, whatever is there."""
        return cls(path.absolute())

    @property
    def exists(self) -> bool:
        """Whether a network has been made here.

        Raises:
            FolderError: something else is here, or a network of another version.
        """
        stamp = self.path / STAMP
        try:
            if not self.path.exists():
                return False
            if not stamp.exists():
                if not self.path.is_dir() or any(self.path.iterdir()):
                    raise FolderError(
                        f"{self.path} is not a network's folder, and not empty", "choose another one with --dir"
                    )
                return False
            found = self._stamp()["format"]
        except OSError as error:
            raise FolderError(f"the folder cannot be read: {error}") from error
        except KeyError as error:
            raise FolderError(f"{stamp} is damaged", "choose another folder with --dir") from error
        if found != FORMAT:
            raise FolderError(
                f"{self.path} was made by another version of certledger (format {found}, this one knows {FORMAT})",
                "use that version, or choose another folder with --dir",
            )
        return True

    def _stamp(self) -> dict[str, Any]:
        """What network.json says. Raises OSError, FolderError."""
        path = self.path / STAMP
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise FolderError(f"{path} is damaged", "choose another folder with --dir") from error
        if not isinstance(content, dict):
            raise FolderError(f"{path} is damaged", "choose another folder with --dir")
        return content

    @property
    def engine(self) -> Engine:
        """What runs this network; a folder that does not say is from when there was only the embedded one.

        Raises:
            FolderError: there is no network here, or one whose engine is not known.
        """
        self.require()
        try:
            return Engine(self._stamp().get("engine", Engine.EMBEDDED))
        except OSError as error:
            raise FolderError(f"the folder cannot be read: {error}") from error
        except ValueError as error:
            raise FolderError(f"{self.path / STAMP} names an engine that is not known: {error}") from error

    @property
    def site_of(self) -> str:
        """The name of the one organisation whose site this is; empty when all are here. Raises FolderError."""
        self.require()
        return str(self._stamp().get("site", ""))

    @property
    def listen(self) -> str:
        """The machine's own address, where its nodes' hosts do not lead to it directly; mostly empty.

        Raises:
            FolderError: there is no network here.
        """
        self.require()
        return str(self._stamp().get("listen", ""))

    def residents(self, topology: Topology) -> tuple[Organisation, ...]:
        """The organisations whose keys and nodes are here. Raises FolderError."""
        site = self.site_of
        return tuple(one for one in topology.organisations if site in ("", one.name))

    def require_resident(self, topology: Topology, name: str) -> Organisation:
        """The organisation of this name, in any case.

        Raises:
            ConfigurationError: there is none.
            FolderError: its site is another one.
        """
        found = topology.organisation(name)
        if found not in self.residents(topology):
            raise FolderError(
                f"{self.path} is the site of {self.site_of}, and the keys of {found.name} are not here",
                f"do this at the site of {found.name}, or name its folder with --dir",
            )
        return found

    def require(self) -> None:
        """Check that a network has been made here. Raises FolderError when not."""
        if not self.exists:
            raise FolderError(
                f"there is no network in {self.path}",
                "make one with: certledger network up, or name its folder with --dir",
            )

    def make(
        self,
        fill: Callable[[Path], None],
        engine: Engine = Engine.EMBEDDED,
        *,
        profile: str = DEFAULT_PROFILE,
        site: str = "",
        listen: str = "",
    ) -> None:
        """Make the folder with everything in it, or nothing; it is durable when this returns.

        Args:
            fill: writes the content into an empty folder.
            engine: what is to run it.
            profile: the profile of configtx.yaml.
            site: the one organisation whose site it is; empty when all are here.
            listen: the machine's own address, where its nodes' hosts do not lead to it directly.

        Raises:
            FolderError: it cannot be written, or somebody else has made it meanwhile.
        """
        try:
            make_folder(self.path.parent)
            temporary = Path(mkdtemp(prefix=f".{self.path.name}-", dir=self.path.parent))
        except OSError as error:
            raise FolderError(f"the folder cannot be made: {error}", "choose another one with --dir") from error
        try:
            fill(temporary)
            stamp = {"format": FORMAT, "engine": engine}
            stamp |= {"profile": profile} if profile != DEFAULT_PROFILE else {}
            stamp |= {"site": site} if site else {}
            stamp |= {"listen": listen} if listen else {}
            (temporary / STAMP).write_text(json.dumps(stamp) + "\n", encoding="utf-8")
            sync_tree(temporary)
            temporary.rename(self.path)  # over an empty folder at most
            sync_folder(self.path.parent)
        except OSError as error:
            if (self.path / STAMP).exists():
                raise FolderError("another command has just made the network", "run the command again") from error
            raise FolderError(f"the folder cannot be written: {error}", "choose another one with --dir") from error
        finally:
            rmtree(temporary, ignore_errors=True)

    def note_profile(self, profile: str) -> None:
        """Note that another profile of configtx.yaml is in force. Raises FolderError, OSError."""
        self.require()
        stamp = {**self._stamp(), "profile": profile}
        replace_file(self.path / STAMP, f"{json.dumps(stamp)}\n".encode())

    def remove(self) -> None:
        """Remove the network with all its keys and data. Raises FolderError when it is none, or cannot be removed."""
        self.require()
        # Under another name first: what is removed in part only must not be taken for a network, or for none of ours.
        removed = self.path.with_name(f".{self.path.name}-removed-{token_hex(4)}")
        try:
            self.path.rename(removed)
        except OSError as error:
            raise FolderError(f"the folder cannot be removed: {error}") from error
        try:
            rmtree(removed)
        except OSError as error:
            raise FolderError(f"the folder cannot be removed: {error}", f"remove what is left: {removed}") from error

    def topology(self) -> Topology:
        """Who is in the network, as it is in force here. Raises FolderError, ConfigurationError."""
        self.require()
        try:
            text = (self.path / "configtx.yaml").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise FolderError(
                f"{self.path / 'configtx.yaml'} cannot be read: {error}",
                "put the file back, or choose another folder with --dir",
            ) from error
        return read_topology(text, str(self._stamp().get("profile", DEFAULT_PROFILE)))

    @property
    def embedded(self) -> Path:
        """The embedded network's own folder."""
        return self.path / Engine.EMBEDDED

    @property
    def home(self) -> Path:
        """The engine's own folder. Raises FolderError."""
        return self.path / self.engine

    @property
    def lock(self) -> Path:
        """What the process that runs the network holds. Raises FolderError."""
        return self.home / "lock"

    def organisation(self, name: str) -> Path:
        """An organisation's folder."""
        return self.path / name


def default_folder() -> Path:
    """`CERTLEDGER_DIR`, else `.certledger` here."""
    return Path(os.environ.get("CERTLEDGER_DIR") or ".certledger")
