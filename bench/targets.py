"""What is measured: running networks, reached through their connection profiles."""

import argparse
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from network import control
from network.folder import Folder


@dataclass(frozen=True, kw_only=True)
class Target:
    """A network under measurement.

    Attributes:
        connection: its connection profile.
        trust: its trust file; None where nothing can be verified.
        processes: ids of the processes whose CPU time is counted, with all that they start.
        ready: seconds from the command to a serving network, where that was measured.
    """

    name: str
    connection: Path
    organisation: str = "City"
    user: str = "issuer"
    trust: Path | None = None
    processes: Mapping[str, int] = field(default_factory=dict)
    ready: float | None = None


@contextmanager
def targets(arguments: argparse.Namespace) -> Iterator[list[Target]]:
    """The targets that the command line names; an embedded network of the run's own where it names none."""
    processes = {name: int(pid) for name, _, pid in (one.partition("=") for one in arguments.process)}
    named = [_of_folder(text) for text in arguments.network]
    if arguments.connection:
        named.append(
            Target(
                name=str(arguments.connection),
                connection=arguments.connection,
                organisation=arguments.organisation,
                user=arguments.user,
                trust=arguments.trust,
                processes=processes,
            )
        )
    if named:
        yield named
        return
    with TemporaryDirectory(prefix="certledger-bench-") as place:
        folder = Folder.at(Path(place) / "net")
        control.up(folder, ports="auto")
        control.down(folder)
        started = time.perf_counter()
        control.up(folder)
        ready = time.perf_counter() - started
        try:
            yield [_of_folder(f"embedded={folder.path}", ready)]
        finally:
            control.down(folder)


def _of_folder(text: str, ready: float | None = None) -> Target:
    name, _, path = text.rpartition("=")
    folder = Folder.at(Path(path))
    pid = control.status(folder).pid
    return Target(
        name=name or path,
        connection=folder.organisation("City") / "connection.json",
        trust=folder.path / "trust.json",
        processes={"network": pid} if pid else {},
        ready=ready,
    )
