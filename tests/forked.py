"""Commands as forks of a process that has imported the program: most of what a command takes is its imports.

A fork is a process of its own, with its own folder, environment, files and exit status, and ends as any program does.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("cli", "node_client", "network")
NOT_IMPORTED = "network.embedded"  # commands start the embedded network, and are not it
PROGRAM = "from tests.forked import await_command; await_command(); from cli.main import main; main()"


class Forks:
    """Runs commands. Those that are run at the same time, from several threads, are forks of several processes."""

    def __init__(self) -> None:
        self._free: SimpleQueue[_Origin] = SimpleQueue()

    def run(
        self, arguments: Sequence[str], *, cwd: Path, environment: Mapping[str, str], timeout: float
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run a command to its end.

        Args:
            timeout: in seconds, after which SIGALRM ends it.
        """
        try:
            origin = self._free.get_nowait()
        except Empty:
            origin = _Origin()
        with TemporaryDirectory() as folder:
            files = [os.devnull, f"{folder}/output", f"{folder}/messages"]
            status = origin.run(
                arguments=arguments, cwd=str(cwd), environment=dict(environment), files=files, timeout=timeout
            )
            output, messages = (Path(file).read_bytes() for file in files[1:])
        self._free.put(origin)
        return subprocess.CompletedProcess(arguments, status, output, messages)

    def close(self) -> None:
        """End the processes that are forked."""
        while not self._free.empty():
            self._free.get().close()


class _Origin:
    """A process that is forked for one command at a time. It ends with the one that started it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", PROGRAM],
            env={**os.environ, "PYTHONPATH": str(ROOT), "GRPC_VERBOSITY": "NONE"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def run(self, **request: Any) -> int:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(request).encode() + b"\n")
        stdin.flush()
        return int(stdout.readline())

    def close(self) -> None:
        self._process.communicate()


def await_command() -> None:
    """Import the program, then fork for every command of standard input. Returns in the forks, ready to be run."""
    for package in map(import_module, PACKAGES):
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.startswith(NOT_IMPORTED):
                import_module(module.name)
    for line in sys.stdin.buffer:
        pid = os.fork()
        if not pid:
            _become(**json.loads(line))
            return
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()
    sys.exit()


def _become(*, arguments: list[str], cwd: str, environment: dict[str, str], files: list[str], timeout: float) -> None:
    signal.setitimer(signal.ITIMER_REAL, timeout)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    for descriptor, path in enumerate(files):
        opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.argv[1:] = arguments
