"""What is measured: running networks, reached through their connection profiles."""

import argparse
import re
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.processes import Named
from network import control
from network.errors import BinariesError
from network.fabric import binaries
from network.folder import Engine, Folder
from network.progress import Step
from network.status import NetworkStatus
from network.topology import default_configtx

KINDS = {"peer": "peers", "orderer": "orderers", "chaincode": "chaincode"}


@dataclass(frozen=True, kw_only=True)
class Target:
    """A network under measurement.

    Attributes:
        connection: its connection profile.
        trust: its trust file; None where nothing can be verified.
        processes: those whose CPU time is counted, with all that they start.
        ready: seconds from nothing to a serving network, where that was measured.
        again: seconds from a stopped network to a serving one.
        steps: seconds until each step on the way from nothing.
    """

    name: str
    connection: Path
    organisation: str = "City"
    user: str = "issuer"
    trust: Path | None = None
    processes: Named = field(default_factory=dict)
    ready: float | None = None
    again: float | None = None
    steps: Mapping[str, float] = field(default_factory=dict)


def targets(arguments: argparse.Namespace) -> list[AbstractContextManager[Target]]:
    """The targets that the command line names, each to be entered while it is measured.

    Where it names none: networks of the run's own, an embedded one and, where Fabric's programs are, one of Fabric. An
    idle Fabric network takes a tenth of a core, so that no two run at a time.
    """
    processes: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for kind, _, pid in (one.partition("=") for one in arguments.process):
        processes[kind][pid] = int(pid)
    named: list[AbstractContextManager[Target]] = [nullcontext(_of_folder(text)) for text in arguments.network]
    if arguments.connection:
        given = Target(
            name=str(arguments.connection),
            connection=arguments.connection,
            organisation=arguments.organisation,
            user=arguments.user,
            trust=arguments.trust,
            processes=processes,
        )
        named.append(nullcontext(given))
    if arguments.batch_timeout:
        return [_own(Engine.FABRIC, timeout) for timeout in arguments.batch_timeout.split(",")]
    return named or [_own(engine) for engine in _engines() if arguments.engine in (None, engine)]


def _engines() -> list[Engine]:
    try:
        found = binaries.find()
    except BinariesError as error:
        print(f"Fabric is not measured: {error}")
        return [Engine.EMBEDDED]
    print(f"Fabric {found.version}: {found.peer.parent}")
    return [Engine.EMBEDDED, Engine.FABRIC]


@contextmanager
def _own(engine: Engine, batch_timeout: str = "") -> Iterator[Target]:
    """A network made for the run, with this BatchTimeout in place of the consortium's."""
    configtx = default_configtx()
    if batch_timeout:
        configtx = re.sub(r"(BatchTimeout: )\S+", rf"\g<1>{batch_timeout}", configtx)
    with TemporaryDirectory(prefix="certledger-bench-") as place:
        folder = Folder.at(Path(place) / "net")
        steps: dict[str, float] = {}
        begun = time.perf_counter()

        def reached(step: Step) -> None:
            steps[step] = round(time.perf_counter() - begun, 2)

        try:
            control.create(folder, ports="auto", engine=engine, configtx=configtx)
            reached(Step.MADE)
            control.up(folder, progress=reached)
            ready = time.perf_counter() - begun
            control.down(folder)
            begun = time.perf_counter()
            control.up(folder)
            again = time.perf_counter() - begun
            name = f"{engine} {batch_timeout}".strip()
            yield _of_folder(f"{name}={folder.path}", ready=ready, again=again, steps=steps)
        finally:
            if folder.exists:
                control.down(folder)


def _of_folder(
    text: str, *, ready: float | None = None, again: float | None = None, steps: Mapping[str, float] | None = None
) -> Target:
    name, _, path = text.rpartition("=")
    folder = Folder.at(Path(path))
    return Target(
        name=name or path,
        connection=folder.organisation("City") / "connection.json",
        trust=folder.path / "trust.json",
        processes=_processes(control.status(folder)),
        ready=ready,
        again=again,
        steps=steps or {},
    )


def _processes(status: NetworkStatus) -> Named:
    """The network's processes by kind: one for an embedded network, for Fabric peers, orderers and chaincode."""
    if not status.nodes:
        return {"network": {"network": status.pid}} if status.pid else {}
    kinds: dict[str, dict[str, int]] = {}
    for node in status.nodes:
        if node.pid:
            kinds.setdefault(KINDS[node.kind], {})[node.name] = node.pid
    return kinds
