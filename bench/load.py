"""Making load and measuring it: latencies, rate, and what each process spent."""

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import psutil

TURNS = 3  # of what is compared, one after the other: a machine's other work comes and goes


@dataclass(frozen=True)
class Measured:
    """What a measurement came to.

    Attributes:
        concurrency: how many operations were in flight all the time.
        latencies: of every operation, in seconds, sorted.
        seconds: from the first one's start to the last one's end.
        cpu: seconds of CPU time that each process spent meanwhile.
        errors: failed operations, by their words.
    """

    concurrency: int
    latencies: list[float]
    seconds: float
    cpu: Mapping[str, float]
    errors: Mapping[str, int]

    @property
    def rate(self) -> float:
        """Operations a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """The latency that this share of the operations did not exceed, in seconds (nearest rank)."""
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]

    def row(self) -> dict[str, Any]:
        """The measurement as it is reported: rates per second, times in milliseconds."""
        count = len(self.latencies)
        return {
            "concurrency": self.concurrency,
            "operations": count,
            "perSecond": round(self.rate, 1),
            "p50Ms": round(1000 * self.percentile(0.50), 2),
            "p99Ms": round(1000 * self.percentile(0.99), 2),
            "cpuMsPerOperation": {name: round(1000 * spent / count, 3) for name, spent in self.cpu.items()},
            "errors": dict(self.errors),
        }


async def measure(
    operation: Callable[[], Awaitable[object]],
    *,
    concurrency: int,
    seconds: float,
    processes: Mapping[str, Sequence[int]],
) -> Measured:
    """Keep so many operations in flight for so many seconds, after a short warm-up."""
    await asyncio.gather(*(operation() for _ in range(concurrency)))
    latencies: list[float] = []
    errors: defaultdict[str, int] = defaultdict(int)
    before, started = cpu_times(processes), time.perf_counter()
    end = started + seconds

    async def work() -> None:
        while (begun := time.perf_counter()) < end:
            try:
                await operation()
            except Exception as error:
                errors[f"{type(error).__name__}: {error}"[:200]] += 1
            else:
                latencies.append(time.perf_counter() - begun)

    await asyncio.gather(*(work() for _ in range(concurrency)))
    passed = time.perf_counter() - started
    after = cpu_times(processes)
    if not latencies:
        raise SystemExit(f"no operation succeeded: {dict(errors)}")
    cpu = {name: spent - before.get(name, 0.0) for name, spent in after.items()}
    return Measured(concurrency, sorted(latencies), passed, cpu, errors)


def cpu_times(processes: Mapping[str, Sequence[int]]) -> dict[str, float]:
    """CPU seconds of this process, of the named ones, and of what those started, in one sum for each name."""
    spent = {"client": _spent(psutil.Process(os.getpid()))}
    for name, pids in processes.items():
        named = [psutil.Process(pid) for pid in pids]
        spent[name] = sum(map(_spent, named))
        children = [child for process in named for child in process.children(recursive=True)]
        if children:
            spent[f"{name}, started by them"] = sum(map(_spent, children))
    return spent


def _spent(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def medians(turns: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The row of a measurement that was made several times: medians of the figures, sums of operations and errors."""
    errors: defaultdict[str, int] = defaultdict(int)
    for turn in turns:
        for text, count in turn["errors"].items():
            errors[text] += count
    kinds = turns[0]["cpuMsPerOperation"]
    return {
        "concurrency": turns[0]["concurrency"],
        "operations": sum(turn["operations"] for turn in turns),
        **{key: median(turn[key] for turn in turns) for key in ("perSecond", "p50Ms", "p99Ms")},
        "cpuMsPerOperation": {kind: median(turn["cpuMsPerOperation"][kind] for turn in turns) for kind in kinds},
        "errors": dict(errors),
    }


def print_table(title: str, rows: list[dict[str, Any]]) -> None:
    """Print measurements."""
    names = list(rows[0]["cpuMsPerOperation"])
    print(f"\n  {title}")
    print(f"  {'in flight':>9} {'/s':>8} {'p50 ms':>9} {'p99 ms':>9}   CPU ms each: {', '.join(names)}")
    for row in rows:
        cpu = ", ".join(f"{row['cpuMsPerOperation'].get(name, 0):.2f}" for name in names)
        print(
            f"  {row['concurrency']:>9} {row['perSecond']:>8.1f} {row['p50Ms']:>9.2f} {row['p99Ms']:>9.2f}   {cpu}",
            flush=True,
        )
        for text, count in row["errors"].items():
            print(f"            {count} failed: {text}", flush=True)
