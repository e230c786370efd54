"""A network at rest: the steps until it was ready, and what each process holds and spends while nothing is asked."""

import asyncio
from typing import Any

import psutil

from bench.processes import CLIENT, cpu_times, running
from bench.targets import Target

MIB = 1 << 20


async def run(target: Target, levels: list[int], seconds: float) -> dict[str, Any]:
    """Leave the network alone for so many seconds, then look at its processes.

    Args:
        levels: nothing is in flight.

    Returns:
        `memory`, MiB by kind of process and process: resident, and what is no other process's; `cpu`, the share of a
        core by kind.
    """
    for step, reached in target.steps.items():
        print(f"  {reached:>7.2f} s  {step}")
    before = cpu_times(target.processes)
    await asyncio.sleep(seconds)
    spent = cpu_times(target.processes).since(before).kinds
    cpu = {kind: round(passed / seconds, 4) for kind, passed in spent.items() if kind != CLIENT}
    memory: dict[str, list[dict[str, float]]] = {}
    for kind, _, process in running(target.processes):
        memory.setdefault(kind, []).append(_memory(process))
    nodes = [pid for named in target.processes.values() for pid in named.values()]
    if keepers := {process for process in map(_keeper, nodes) if process}:
        memory["keeper"] = [_memory(process) for process in keepers]
    print(f"\n  {'MiB each: resident (own)':<60} % of a core")
    for kind, found in memory.items():
        each = ", ".join(f"{one['residentMiB']:.0f} ({one['ownMiB']:.0f})" for one in found)
        share = f"{100 * cpu[kind]:.1f}" if kind in cpu else ""
        print(f"  {kind}: {each:<{58 - len(kind)}} {share}", flush=True)
    return {"memory": memory, "cpu": cpu}


def _memory(process: psutil.Process) -> dict[str, float]:
    found = process.memory_full_info()
    return {"residentMiB": round(found.rss / MIB, 1), "ownMiB": round(found.uss / MIB, 1)}


def _keeper(pid: int) -> psutil.Process | None:
    """What keeps one of Fabric's nodes running."""
    parent = psutil.Process(pid).parent()
    return parent if parent and "network.fabric" in parent.cmdline() else None
