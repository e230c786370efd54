"""The processes of what is measured, and the CPU time that each of them spends."""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import psutil

CLIENT = "client"  # the kind of the process that makes the load, and its name

Named = Mapping[str, Mapping[str, int]]
"""Process ids by the kind and the name of what runs; what a process starts is counted with it, as a kind of its own."""


@dataclass(frozen=True)
class CpuTimes:
    """CPU time, user's and system's.

    Attributes:
        each: seconds by kind and name of a process.
    """

    each: Mapping[tuple[str, str], float]

    @property
    def kinds(self) -> dict[str, float]:
        """Seconds by kind: the sum of its processes."""
        sums: defaultdict[str, float] = defaultdict(float)
        for (kind, _), seconds in self.each.items():
            sums[kind] += seconds
        return dict(sums)

    def since(self, before: "CpuTimes") -> "CpuTimes":
        """What was spent after `before`; a process that was not there then has spent all of its own."""
        return CpuTimes({key: seconds - before.each.get(key, 0.0) for key, seconds in self.each.items()})


def cpu_times(processes: Named) -> CpuTimes:
    """What this process, the named ones and those that they started have spent so far."""
    each = {(CLIENT, CLIENT): _spent(psutil.Process(os.getpid()))}
    each |= {(kind, name): _spent(process) for kind, name, process in running(processes)}
    return CpuTimes(each)


def running(processes: Named) -> Iterator[tuple[str, str, psutil.Process]]:
    """Kind, name and process of the named ones, each followed by those that it started."""
    for kind, named in processes.items():
        for name, pid in named.items():
            process = psutil.Process(pid)
            yield kind, name, process
            for child in process.children(recursive=True):
                yield f"{kind}, started by them", f"{child.pid} of {name}", child


def _spent(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
