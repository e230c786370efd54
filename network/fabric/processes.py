"""Processes that outlive whoever started them, and are found again without mistaking another process for them.

A process is known by its id together with the time at which it started: ids are used again, and a file that names one
may be older than the machine's last start.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from network import process_end
from network.process_end import Ended

PATIENCE = 10.0  # seconds that processes have to end before they are killed


@dataclass(frozen=True)
class Process:
    """A process that was started.

    Attributes:
        started: when, in the system's own words.
        exits: how often it had ended before and was started again.
        status: with which it ended last.
    """

    pid: int
    started: str
    exits: int = 0
    status: int | None = None

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return bool(self.started) and start_time(self.pid) == self.started

    def write(self, path: Path) -> None:
        """Remember it in a file, at once or not at all."""
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps(asdict(self)), encoding="utf-8")
        temporary.replace(path)


def read(path: Path) -> Process | None:
    """The process that a file remembers, whether it runs or not; None when there is none or it is damaged."""
    try:
        return Process(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def start_time(pid: int) -> str:
    """When a process started, in words that only another start of the same process id would change; empty for none.

    One that has ended and that nobody has waited for counts as none.
    """
    with suppress(FileNotFoundError, ProcessLookupError):
        return parse_stat(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace"))
    if Path("/proc/self/stat").exists():
        return ""
    done = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, check=False)  # noqa: S607
    state, _, started = done.stdout.decode("utf-8", "replace").strip().partition(" ")
    return "" if state.startswith("Z") else started.strip()


def parse_stat(text: str) -> str:
    """The start time in Linux' `/proc/PID/stat`, in clock ticks since the machine's start; empty for a zombie."""
    # The program's name is in parentheses and may contain any of them: what follows the last one counts.
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]


def stop(processes: Sequence[Process], patience: float = PATIENCE) -> None:
    """End processes, each the first of its group: ask them, wait, and kill the groups of those that did not end."""
    with ExitStack() as stack:
        running = []
        for one in processes:
            with suppress(Ended):
                opened = stack.enter_context(process_end.Process(one.pid))
                if one.alive:  # asked after it was opened: it is this one, and no later one with its id
                    running.append((one, opened))
        for _, opened in running:
            opened.send(signal.SIGTERM)
        deadline = time.monotonic() + patience
        for one, opened in running:
            if not opened.wait(max(0.0, deadline - time.monotonic())):
                opened.send(signal.SIGKILL)
                opened.wait(patience)
            kill_group(one.pid)  # what it started and left behind


def kill_group(pid: int) -> None:
    """Kill what a process started, where it stayed in the process's group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
