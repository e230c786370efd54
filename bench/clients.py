"""Issuing with our client and with the official Node client, on the same network and with the same registry.

They take turns; reported are medians of the turns, and ratios of these. Each client runs on the network's own machine,
in a process of its own, with as many certificates in flight.
"""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bench.issuing import measure_calls, measure_pipeline
from bench.load import TURNS, Measured, medians
from bench.processes import CLIENT, CpuTimes, cpu_times
from bench.targets import Target
from node_client import AsyncGateway, ConnectionProfile

NODE_CLIENT = Path(__file__).resolve().parent / "node_client"
NODE = "Node"
# Of the design: at least so many times the Node client's rate, with at most this share of its CPU time.
AIMS = {"a call each": (1.5, 1 / 4), "pipeline": (1.7, 1 / 6)}

Measurement = Callable[[int, float], Awaitable[Measured]]


async def run(target: Target, levels: list[int], seconds: float) -> list[dict[str, Any]]:
    """Measure every client at every level of concurrency, in turns.

    Returns:
        A row for each client and level, with ratios to the Node client's row where Node is here.
    """
    async with _own(target) as clients, _node(target) as node:
        if node:
            clients = {NODE: node, **clients}
        rows = []
        for level in levels:
            turns: dict[str, list[dict[str, Any]]] = {name: [] for name in clients}
            for _ in range(TURNS):
                for name, client in clients.items():
                    turns[name].append((await client(level, seconds)).row())
            rows += _compared(level, turns)
    return rows


def _compared(level: int, turns: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The medians of a level, printed."""
    rows = {name: {"client": name, **medians(found), "turns": found} for name, found in turns.items()}
    print(f"\n  issue, {level} in flight; medians of {TURNS} turns of each client")
    for name, row in rows.items():
        cpu = ", ".join(f"{kind} {spent:.2f}" for kind, spent in row["cpuMsPerOperation"].items())
        print(f"  {name:>12} {row['perSecond']:>7.1f}/s   p50 {row['p50Ms']:>7.1f} ms   CPU ms each: {cpu}")
        for text, count in row["errors"].items():
            print(f"               {count} failed: {text}")
        if NODE not in rows or name == NODE:
            continue
        other, (rate_aim, cpu_aim) = rows[NODE], AIMS[name]
        row["rateToNode"] = round(row["perSecond"] / other["perSecond"], 2)
        row["cpuToNode"] = round(row["cpuMsPerOperation"]["client"] / other["cpuMsPerOperation"]["client"], 3)
        print(
            f"               {row['rateToNode']} x Node's rate (aim {rate_aim}), "
            f"{row['cpuToNode']} of its CPU time (aim {cpu_aim:.3f})",
            flush=True,
        )
    return list(rows.values())


@asynccontextmanager
async def _own(target: Target) -> AsyncIterator[dict[str, Measurement]]:
    """Our client, in both ways."""
    profile = ConnectionProfile.load(target.connection)
    async with AsyncGateway.from_profile(profile, target.organisation, target.user) as gateway:
        yield {
            "a call each": partial(measure_calls, target, gateway),
            "pipeline": partial(measure_pipeline, target, gateway),
        }


@asynccontextmanager
async def _node(target: Target) -> AsyncIterator[Measurement | None]:
    """The Node client; None where it is not installed."""
    node = shutil.which("node")
    if node is None or not (NODE_CLIENT / "node_modules").is_dir():
        print("  the Node client is not measured: npm ci --ignore-scripts in bench/node_client installs it")
        yield None
        return
    arguments = [str(NODE_CLIENT / "issue.js"), str(target.connection), target.organisation, target.user]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(node, *arguments, stdin=pipe, stdout=pipe, limit=1 << 26)
    assert process.stdin
    assert process.stdout

    async def measured(level: int, seconds: float) -> Measured:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps({"concurrency": level, "seconds": seconds}).encode() + b"\n")
        if not await process.stdout.readline():
            raise SystemExit("the Node client ended")
        before = cpu_times(target.processes)
        found = json.loads(await process.stdout.readline())
        after = cpu_times(target.processes)
        if not found["latencies"]:
            raise SystemExit(f"the Node client issued nothing: {found['errors']}")
        cpu = CpuTimes({**after.since(before).each, (CLIENT, CLIENT): found["cpu"]})
        return Measured(level, sorted(found["latencies"]), found["seconds"], cpu, found["errors"])

    try:
        yield measured
    finally:
        process.stdin.close()  # which ends it
        await process.wait()
