"""A network at rest: the steps until it was ready, and what each process holds and spends while nothing is asked."""

import asyncio
from typing import Any

import psutil

from bench.load import cpu_times
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
    after = cpu_times(target.processes)
    cpu = {kind: round((after[kind] - before.get(kind, 0.0)) / seconds, 4) for kind in after if kind != "client"}
    memory: dict[str, list[dict[str, float]]] = {}
    for kind, pids in target.processes.items():
        named = [psutil.Process(pid) for pid in pids]
        children = [child for process in named for child in process.children(recursive=True)]
        for name, processes in ((kind, named), (f"{kind}, started by them", children)):
            if processes:
                memory[name] = [_memory(process) for process in processes]
    if keepers := {process for pids in target.processes.values() for process in map(_keeper, pids) if process}:
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
