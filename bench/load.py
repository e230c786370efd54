"""Making load and measuring it: latencies, rate, and what each process spent."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.processes import CpuTimes, Named, cpu_times

TURNS = 3  # of what is compared, one after the other: a machine's other work comes and goes


@dataclass(frozen=True)
class Measured:
    """What a measurement came to.

    Attributes:
        concurrency: how many operations were in flight all the time.
        latencies: of every operation, in seconds, sorted.
        seconds: from the first one's start to the last one's end.
        cpu: what each process spent meanwhile.
        errors: failed operations, by their words.
    """

    concurrency: int
    latencies: list[float]
    seconds: float
    cpu: CpuTimes
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
            "cpuMsPerOperation": {kind: round(1000 * spent / count, 3) for kind, spent in self.cpu.kinds.items()},
            "cpuMsOfProcesses": {
                f"{kind}: {name}": round(1000 * spent / count, 3) for (kind, name), spent in self.cpu.each.items()
            },
            "errors": dict(self.errors),
        }


async def measure(
    operation: Callable[[], Awaitable[object]],
    *,
    concurrency: int,
    seconds: float,
    processes: Named,
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
    return Measured(concurrency, sorted(latencies), passed, after.since(before), errors)


def medians(turns: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The row of a measurement that was made several times: medians of the figures, sums of operations and errors."""
    errors: defaultdict[str, int] = defaultdict(int)
    for turn in turns:
        for text, count in turn["errors"].items():
            errors[text] += count
    return {
        "concurrency": turns[0]["concurrency"],
        "operations": sum(turn["operations"] for turn in turns),
        **{key: median(turn[key] for turn in turns) for key in ("perSecond", "p50Ms", "p99Ms")},
        **{
            key: {name: median(turn[key][name] for turn in turns) for name in turns[0][key]}
            for key in ("cpuMsPerOperation", "cpuMsOfProcesses")
        },
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
    each = list(dict.fromkeys(name for row in rows for name in row["cpuMsOfProcesses"]))
    if len(each) == len(names):
        return
    title = "CPU ms each, by process; in flight:"
    width = max(map(len, [title, *each]))
    levels = " ".join(f"{row['concurrency']:>7}" for row in rows)
    print(f"\n  {title:<{width}} {levels}")
    for name in each:
        spent = " ".join(f"{row['cpuMsOfProcesses'].get(name, 0):>7.2f}" for row in rows)
        print(f"  {name:<{width}} {spent}", flush=True)
