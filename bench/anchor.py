"""Anchoring: `python bench/anchor.py [--sizes 1000,100000,1000000] [--json FILE]`; `--help` tells the rest.

Measured is what a user runs: `certledger anchor MANIFEST` as a process of its own, from a CSV manifest with document
digests to receipts that are ready, on an embedded network that is made for the run. The peers do their part of the same
job in the same run: OpenAttestation wraps documents (`bench/openattestation`, where npm has installed it), and pymerkle
makes trees and proofs. The ratio to OpenAttestation compares its wrap of so many documents, in memory, with anchoring
as many certificates: by the clock, the command's start, the register on the disk and the ledger included.
"""

import argparse
import asyncio
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psutil

from bench.processes import cpu_times
from chaincode.registry.model.merkle import leaf_hash
from network import control
from network.folder import Folder
from node_client.anchoring.holding import all_receipts, find_receipt
from node_client.anchoring.tree import PathReader, TreeBuilder, root_of, split
from node_client.certificates.register import Register

HERE = Path(__file__).resolve().parent
PROOFS = 2_000  # of a tree, when proofs are measured
EXPORTS = 300
SAMPLE = 0.1  # seconds between looks at the processes' memory
KINDRED = 3  # so many looks at the same processes: to find them takes time of the cores that are measured


def write_manifest(path: Path, count: int, mark: str) -> None:
    """A manifest of documents that nobody has."""
    with path.open("w") as file:
        file.write("sha256,size,reference\n")
        file.writelines(
            f"{sha256(f'{mark}{number}'.encode()).hexdigest()},{1000 + number},{mark}-{number:08d}\n"
            for number in range(count)
        )


def anchor(folder: Folder, size: int, batch_size: int, jobs: int) -> dict[str, Any]:
    """Anchor a new manifest, and export some of its receipts."""
    place = folder.path.parent
    manifest, mark = place / "manifest.csv", f"{size}-{time.monotonic_ns():x}"
    write_manifest(manifest, size, mark)
    register = folder.organisation("City") / "register.db"
    before = sum(path.stat().st_size for path in register.parent.glob("register.db*"))
    network = {"network": {"network": control.status(folder).pid or 0}}
    before_cpu, begun = cpu_times(network), time.perf_counter()
    command = [sys.executable, "-P", "-c", "from cli.main import main; main()", "anchor", str(manifest), "--json"]
    options = ["--batch-size", str(batch_size), "--jobs", str(jobs), "--run", mark]
    with subprocess.Popen([*command, *options], env=_environment(folder), stdout=subprocess.PIPE) as process:
        peak = _peak_memory(process)
        assert process.stdout is not None
        batches = [json.loads(line) for line in process.stdout]
    seconds = time.perf_counter() - begun
    if process.returncode or sum(batch["size"] for batch in batches) != size:
        raise SystemExit(f"anchoring {size} failed: {batches}")
    usage = _children_since()
    stored = sum(path.stat().st_size for path in register.parent.glob("register.db*")) - before
    return {
        "certificates": size,
        "batches": len(batches),
        "seconds": round(seconds, 2),
        "perSecond": round(size / seconds),
        "cpuMicrosecondsEach": round(1e6 * usage / size, 2),
        "networkCpuSeconds": round(cpu_times(network).since(before_cpu).kinds["network"], 2),
        "peakMegabytes": round(peak / 1e6),
        "registerBytesEach": round(stored / size),
        **_exports(register, mark, size),
    }


def _environment(folder: Folder) -> dict[str, str]:
    paths = os.pathsep.join([str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "CERTLEDGER_DIR": str(folder.path), "PYTHONPATH": paths}


def _peak_memory(process: "subprocess.Popen[bytes]") -> int:
    """The most memory that a process and those that it started had at a time."""
    peak, looks, watched = 0, 0, psutil.Process(process.pid)
    kindred = [watched]
    while process.poll() is None:
        try:
            if looks % KINDRED == 0:
                kindred = [watched, *watched.children(recursive=True)]
            peak = max(peak, sum(one.memory_info().rss for one in kindred))
        except psutil.NoSuchProcess:
            looks = 0
            continue
        looks += 1
        time.sleep(SAMPLE)
    return peak


def _children_since(seen: list[float] = [0.0]) -> float:  # noqa: B006 - what was there at the last look
    times = os.times()
    now = times.children_user + times.children_system
    since, seen[0] = now - seen[0], now
    return since


def _exports(path: Path, mark: str, size: int) -> dict[str, Any]:
    """How long it takes to find a receipt and write it, each with the register newly opened or not."""
    chance = random.Random(size)
    names = [f"{mark}-{chance.randrange(size):08d}" for _ in range(min(EXPORTS, size))]
    spent = []
    with Register(path) as register:
        for name in names:
            begun = time.perf_counter()
            find_receipt(register, name).to_bytes()
            spent.append(time.perf_counter() - begun)
        begun, count = time.perf_counter(), 0
        for _ in all_receipts(register):
            count += 1
            if time.perf_counter() - begun > 3:
                break
        every = (time.perf_counter() - begun) / count
    spent.sort()
    return {
        "exportMs": {
            "p50": round(1000 * spent[len(spent) // 2], 2),
            "p99": round(1000 * spent[len(spent) * 99 // 100], 2),
        },
        "exportAllMicrosecondsEach": round(1e6 * every, 1),
    }


def trees(size: int) -> dict[str, Any]:
    """A tree over so many leaves, and proofs of some: ours and pymerkle's."""
    from pymerkle import InmemoryTree

    entries = [b"%d" % number for number in range(size)]
    chosen = random.Random(size).choices(range(size), k=PROOFS)
    with _timed() as ours:
        leaves = [leaf_hash(entry) for entry in entries]
        tiles: dict[tuple[int, int], list[bytes]] = {}
        builder = TreeBuilder(lambda level, tile, hashes: tiles.update({(level, tile): split(hashes)}))
        for place in range(0, size, 256):
            tiles[0, place >> 8] = leaves[place : place + 256]
            builder.add(root_of(tiles[0, place >> 8]))
        root = builder.finish()
    with _timed() as our_proofs:
        paths = [PathReader(lambda level, tile: tiles[level, tile], size).path(index) for index in chosen]
    with _timed() as all_proofs:
        reader = PathReader(lambda level, tile: tiles[level, tile], size)
        for index in range(size):
            reader.path(index)
    with _timed() as theirs:
        peer = InmemoryTree(algorithm="sha256")
        peer.append_entries(entries)
        same = peer.get_root() == root
    with _timed() as their_proofs:
        their_paths = [peer.prove_inclusion(index + 1, size).path[1:] for index in chosen]
    if not same or paths != their_paths:
        raise SystemExit("the trees differ")
    each = 1e6 / PROOFS
    return {
        "leaves": size,
        "treeSeconds": {"certledger": round(ours[0], 3), "pymerkle": round(theirs[0], 3)},
        "proofMicroseconds": {
            "certledger, any": round(each * our_proofs[0], 1),
            "certledger, in order": round(1e6 * all_proofs[0] / size, 1),
            "pymerkle": round(each * their_proofs[0], 1),
        },
        "times": {
            "tree": round(theirs[0] / ours[0], 1),
            "tree and every proof": round((theirs[0] + their_proofs[0] / PROOFS * size) / (ours[0] + all_proofs[0]), 1),
        },
    }


@contextmanager
def _timed() -> Iterator[list[float]]:
    """CPU seconds of this process: other work on the machine does not count."""
    spent = [0.0]
    begun = time.process_time()
    yield spent
    spent[0] = time.process_time() - begun


def openattestation(counts: list[int], anchored: Mapping[int, float]) -> list[dict[str, Any]]:
    """OpenAttestation's wrap of so many documents at a time; nothing where it is not installed.

    Args:
        anchored: the seconds in which as many certificates were anchored, by their number.
    """
    node = shutil.which("node")
    if node is None or not (HERE / "openattestation" / "node_modules").is_dir():
        print("OpenAttestation is not measured: npm ci --ignore-scripts in bench/openattestation installs it")
        return []
    rows = []
    for count in counts:
        done = subprocess.run(
            [node, str(HERE / "openattestation" / "wrap.js"), str(count)], capture_output=True, check=True, text=True
        )
        found = json.loads(done.stdout)
        seconds = found["seconds"]
        times = round(seconds / anchored[count], 1)
        rows.append({"documents": count, "seconds": round(seconds, 2), "timesAnchoring": times})
        text = f"{seconds:8.2f} s  {1e6 * seconds / count:8.1f} µs each"
        print(
            f"  OpenAttestation wraps {count:>9,}: {text}  {times:6.1f} x as long as anchoring as many in"
            f" {anchored[count]} s",
            flush=True,
        )
    return rows


async def _run(arguments: argparse.Namespace) -> dict[str, Any]:
    report: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "load": os.getloadavg()[0],
        "anchor": [],
        "trees": [],
    }
    with TemporaryDirectory(prefix="certledger-bench-") as place:
        folder = Folder.at(Path(place) / "net")
        control.up(folder, ports="auto")
        try:
            for size in sorted({*arguments.sizes, *arguments.wrap}):
                _children_since()
                row = anchor(folder, size, arguments.batch_size, arguments.jobs)
                report["anchor"].append(row)
                print(f"  {json.dumps(row)}", flush=True)
        finally:
            control.down(folder)
    anchored = {row["certificates"]: row["seconds"] for row in report["anchor"]}
    report["openattestation"] = openattestation(arguments.wrap, anchored)
    for size in arguments.trees:
        report["trees"].append(trees(size))
        print(f"  {json.dumps(report['trees'][-1])}", flush=True)
    return report


def _sizes(text: str) -> list[int]:
    return [int(size) for size in text.split(",") if size]


def main() -> None:
    """Measure, print, and write everything as JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=_sizes, default=[1_000, 10_000, 100_000, 1_000_000], help="certificates")
    parser.add_argument("--batch-size", type=int, default=1_000_000)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: the cores)")
    parser.add_argument("--wrap", type=_sizes, default=[1_000, 10_000, 50_000], help="documents for OpenAttestation")
    parser.add_argument("--trees", type=_sizes, default=[100_000], help="leaves for the trees")
    parser.add_argument("--json", metavar="FILE", type=Path)
    arguments = parser.parse_args()
    report = asyncio.run(_run(arguments))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
