"""What processes made durable, and what they only wrote: their system calls, as strace tells them.

A machine that loses its power keeps what was synced. A file's content is safe after `fsync` of the file, its name after
`fsync` of the folder; killing a process cannot show that either is missing.
"""

import functools
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

CALLS = (
    "openat,write,writev,pwrite64,pwritev,ftruncate,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,"
    "rmdir,unlink,unlinkat,fsync,fdatasync"
)
_LINE = re.compile(r"(\d+) +(\d+\.\d+) (.*)")
_CALL = re.compile(r"(\w+)\((.*)\) += (-?\d+)")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>(.*)")
_OPENED = re.compile(r"\d+<(.*?)>(?:\(deleted\))?")
_NAMED = re.compile(r'"((?:[^"\\]|\\.)*)"')


@functools.cache
def _works() -> bool:
    strace = shutil.which("strace")
    if not strace:
        return False
    done = subprocess.run([strace, "-f", "-o", os.devnull, "true"], capture_output=True, check=False)
    return done.returncode == 0


def require_strace() -> None:
    """Skip the test where strace is not installed, or may not trace."""
    if not _works():
        pytest.skip("strace is not installed, or may not trace processes here")


@dataclass(frozen=True)
class Call:
    """A system call that succeeded. `began` and `ended` are seconds since 1970."""

    name: str
    arguments: str
    result: str
    began: float
    ended: float

    @property
    def opened(self) -> Path:
        """The file behind its descriptor."""
        found = _OPENED.match(self.arguments)
        return Path(found[1]) if found else Path()

    @property
    def names(self) -> list[Path]:
        """The paths that it names."""
        return [Path(name) for name in _NAMED.findall(self.arguments)]


def calls(trace: Path) -> list[Call]:
    """The calls in a trace's file, in the order in which they ended."""
    found = []
    unfinished: dict[str, tuple[float, str]] = {}
    for line in trace.read_text(errors="replace").splitlines():
        parts = _LINE.fullmatch(line)
        if not parts:
            continue
        pid, now, text = parts[1], float(parts[2]), parts[3]
        began = now
        if text.endswith("<unfinished ...>"):
            unfinished[pid] = (now, text.removesuffix("<unfinished ...>").rstrip())
            continue
        if (rest := _RESUMED.fullmatch(text)) and pid in unfinished:
            began, head = unfinished.pop(pid)
            text = head + rest[1]
        call = _CALL.match(text)
        if call and int(call[3]) >= 0:
            found.append(Call(call[1], call[2], text[call.end(2) :], began, now))
    return found


@dataclass
class Disk:
    """What of a folder would be lost with the power, call by call.

    Args:
        folder: what is watched.
        known: files whose names were durable before.
    """

    folder: Path
    known: set[Path]
    unsynced: set[Path] = field(default_factory=set)  # content
    unnamed: set[Path] = field(default_factory=set)  # names

    def apply(self, call: Call) -> None:
        """What a call changes."""
        if call.name in ("fsync", "fdatasync"):
            self.unsynced.discard(call.opened)
            self.unnamed = {path for path in self.unnamed if path.parent != call.opened}
        elif call.name in ("write", "writev", "pwrite64", "pwritev", "ftruncate"):
            if self._watches(call.opened) and "(deleted)" not in call.arguments:
                self.unsynced.add(call.opened)
        elif call.name == "openat":
            made = call.names[0] if "O_CREAT" in call.arguments else Path()
            if self._watches(made):
                self._named(made)
        elif call.name.startswith("mkdir"):
            self._named(call.names[0])
        elif call.name.startswith("rename"):
            self._renamed(*call.names)
        elif call.name.startswith("link"):
            self._named(call.names[1])
        elif call.name in ("rmdir", "unlink", "unlinkat"):
            self._removed(call.opened / call.names[0])  # beside the folder that `unlinkat` is given, if it is

    def _watches(self, path: Path) -> bool:
        return path.is_relative_to(self.folder)

    def _named(self, path: Path) -> None:
        if path not in self.known:
            self.known.add(path)
            self.unnamed.add(path)

    def _removed(self, path: Path) -> None:
        for paths in (self.unsynced, self.unnamed, self.known):
            paths.difference_update({one for one in paths if one.is_relative_to(path)})

    def _renamed(self, old: Path, new: Path) -> None:
        def moved(paths: set[Path]) -> set[Path]:
            return {new / path.relative_to(old) if path.is_relative_to(old) else path for path in paths}

        self.unsynced, self.unnamed, self.known = moved(self.unsynced), moved(self.unnamed), moved(self.known)
        self.known.add(new)
        self.unnamed.add(new)


def lost(trace: Path, folder: Path, moment: float, known: set[Path]) -> set[Path]:
    """What of a folder would be lost if the power failed at a moment: contents and names.

    Args:
        known: files that were there before.
    """
    disk = Disk(folder, set(known))
    for call in calls(trace):
        if call.ended <= moment:
            disk.apply(call)
    return {path for path in disk.unsynced | disk.unnamed if path.is_relative_to(folder)}


def everything(folder: Path) -> set[Path]:
    """A folder with all that is in it."""
    return {folder, *folder.rglob("*")}


def traced(command: Sequence[str | Path], trace: Path) -> list[str | Path]:
    """A command that runs another one under strace."""
    return ["strace", "-f", "-y", "-ttt", "-s", "0", "-e", f"trace={CALLS}", "-o", trace, *command]


@contextmanager
def attached(pid: int, *options: str, trace: Path) -> Iterator[None]:
    """Trace a running process and its threads."""
    command = ["strace", "-f", "-y", "-ttt", "-s", "0", *options, "-o", str(trace), "-p", str(pid)]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert tracer.stderr is not None
    try:
        line = tracer.stderr.readline()
        assert "attached" in line, line
        yield
    finally:
        tracer.terminate()
        tracer.communicate()


def now() -> float:
    """The moment, as traces have it."""
    return time.time()
