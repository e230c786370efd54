"""Benchmarks: `python bench/run.py NAME… [--json FILE]`; `--help` tells the rest.

Without a target networks are made for the run and go away after it: the embedded one, and one of Fabric where its
programs are (see FABRIC_BIN). Load is made by this process, on the same machine: what the client costs is part of what
is measured, and is shown.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import audit, clients, idle, issue, offline
from bench.targets import Target, targets
from network.folder import Engine

BENCHMARKS: dict[str, Callable[[Target, list[int], float], Coroutine[Any, Any, Any]]] = {
    "audit": audit.run,
    "clients": clients.run,
    "issue": issue.run,
    "network": idle.run,
    "offline": offline.run,
}


def main() -> None:
    """Run the named benchmarks on every target; print tables, and write everything as JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", metavar="NAME", nargs="+", choices=sorted(BENCHMARKS))
    parser.add_argument(
        "--network", metavar="[NAME=]DIR", action="append", default=[], help="a running network's folder"
    )
    parser.add_argument("--engine", choices=list(Engine), help="make a network of this kind alone")
    parser.add_argument("--connection", metavar="FILE", type=Path, help="a connection profile of any network")
    parser.add_argument("--organisation", default="City", help="who issues, in the connection profile")
    parser.add_argument("--user", default="issuer")
    parser.add_argument("--trust", metavar="FILE", type=Path, help="its trust file; without it nothing is verified")
    parser.add_argument("--process", metavar="NAME=PID", action="append", default=[], help="whose CPU time is counted")
    parser.add_argument("--concurrency", default="1,16,64,256", help="comma-separated (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=8.0, help="of every measurement (default: %(default)s)")
    parser.add_argument(
        "--batch-timeout", metavar="LIST", default="", help="measure Fabric with each of these instead: 10ms,50ms,200ms"
    )
    parser.add_argument("--json", metavar="FILE", type=Path)
    arguments = parser.parse_args()
    levels = [int(level) for level in arguments.concurrency.split(",")]
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in arguments.names}
    report: dict[str, object] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": platform.machine(),
        **rows,
    }
    for opened in targets(arguments):
        with opened as target:
            for name in arguments.names:
                rows[name].append(_measured(name, target, levels, arguments.seconds))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _measured(name: str, target: Target, levels: list[int], seconds: float) -> dict[str, object]:
    ready = f", ready in {target.ready:.2f} s, again in {target.again:.2f} s" if target.ready and target.again else ""
    print(f"\n{name} on {target.name}{ready}", flush=True)
    before = os.getloadavg()[0]
    rows = asyncio.run(BENCHMARKS[name](target, levels, seconds))
    load = [round(before, 1), round(os.getloadavg()[0], 1)]
    print(f"\n  the machine's load average: {load[0]} before, {load[1]} after", flush=True)
    return {
        "target": target.name,
        "readySeconds": target.ready,
        "readyAgainSeconds": target.again,
        "readySteps": dict(target.steps),
        "loadAverage": load,
        "rows": rows,
    }


if __name__ == "__main__":
    main()
