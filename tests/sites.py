"""Sites: every organisation in a folder of its own, with nothing in common but bundles."""

import tarfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shutil import copy, rmtree
from typing import Any

from cli.exit_codes import ExitCode
from network.folder import Engine, Folder
from network.ports import placed
from network.tolerance import PROFILES
from network.topology import Topology, default_configtx, read_topology
from tests.conftest import Commands
from tests.outside import answer

PATIENCE = 60.0
ISSUING_PATIENCE = 240.0  # a minute passes before a client asks again after a transaction that a dead leader had
NAMES = ("City", "Nishitetsu", "TriValley")


def free_topology(profile: str = "Raft") -> Topology:
    """The consortium, at free ports."""
    topology = read_topology(default_configtx(), profile)
    return Topology(placed(topology, "auto", Engine.FABRIC), topology.name, topology.profile)


@dataclass(frozen=True)
class Site:
    """One organisation's site, as its operator works there."""

    name: str
    commands: Commands

    def run(self, *arguments: str) -> dict[str, Any]:
        """A command that must succeed, for the one record that it gives."""
        (record,) = self.commands.ok("network", *arguments)
        return record

    def init(self, topology: Topology, *options: str) -> Path:
        """Make the site with the organisation's addresses in a topology. Returns its bundle's file.

        Where the site asks for certificates (`--csr`), an authority outside makes them.
        """
        one = topology.organisation(self.name)
        orderers = [word for place in one.orderers for word in ("--orderer", place.address)]
        made = self.run("init-org", self.name, "--peer", one.peer, *orderers, *options)
        if made["requests"]:
            self.run("take-in", str(answer(Path(made["requests"]), self.commands.home / "certificates")))
        return self.commands.home / str(self.run("export-org")["file"])

    def channel(self, bundles: Sequence[Path]) -> str:
        """Take in the bundles, and make the first block of them. Returns its SHA-256."""
        brought = [copy(bundle, self.commands.home / f"from-{bundle.name}") for bundle in bundles]
        return str(self.run("channel-block", *map(str, brought))["sha256"])

    def issue(self, *names: str) -> list[dict[str, Any]]:
        """Issue certificates, again until that is done: orderers may have lost their leader just now."""
        deadline = time.monotonic() + ISSUING_PATIENCE
        while (done := self.commands("issue", *names, "--json")).status:
            assert done.status in (ExitCode.OUTCOME_UNKNOWN, ExitCode.UNREACHABLE, ExitCode.PARTLY_DONE), done
            assert time.monotonic() < deadline, done
        return done.records


def site(place: Path, name: str, prefix: tuple[str, ...] = ()) -> Site:
    """The place where an organisation's site will be.

    Args:
        prefix: what its commands begin with, as to run them on another machine.
    """
    home = place / name.lower()
    home.mkdir()
    return Site(name, Commands(Folder.at(home / "net"), home, prefix))


def bring(document: str, source: Site, target: Site) -> None:
    """Bring a document and its receipt from one site to another."""
    for name in (document, f"{document}.receipt.json"):
        copy(source.commands.home / name, target.commands.home / name)


def issued_without(away: Site, city: Site, name: str) -> Path:
    """Issue a certificate while another site is stopped. Returns its document."""
    away.run("down")
    try:
        document = city.commands.document(name)
        city.issue(document.name)
    finally:
        away.run("start")
    return document


def lose_disk(one: Site) -> None:
    """Have a site stopped, and lose all of it but the backup of docs/operations.md: everything outside `fabric/`."""
    folder, backup = one.commands.folder.path, one.commands.home / "site.tar.gz"
    with tarfile.open(backup, "w:gz") as archive:
        for path in sorted(folder.iterdir()):
            if path.name != "fabric":
                archive.add(path, path.name)
    one.run("down")
    rmtree(folder)
    folder.mkdir()
    with tarfile.open(backup) as archive:
        archive.extractall(folder, filter="data")


@contextmanager
def formed(three: Sequence[Site], topology: Topology, outside: str = "") -> Iterator[None]:
    """The network of these sites, which every organisation makes step by step for itself; stopped at the end.

    Args:
        outside: whose certificates come from an authority outside.
    """
    with ThreadPoolExecutor(len(three)) as pool:
        consensus = {profile: name for name, profile in PROFILES.items()}[topology.name]
        bundles = list(
            pool.map(
                lambda one: one.init(topology, "--consensus", consensus, *(["--csr"] if one.name == outside else [])),
                three,
            )
        )
        assert len(set(pool.map(lambda one: one.channel(bundles), three))) == 1
        try:
            for step in ("start", "join", "approve"):
                list(pool.map(partial(_step, step), three))
            assert three[0].run("commit")["already"] is False
            yield
        finally:
            list(pool.map(lambda one: one.commands("network", "down"), three))


def _step(name: str, one: Site) -> None:
    one.run(name)
