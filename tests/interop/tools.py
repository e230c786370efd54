"""Other languages' tools, and what they install or build for the tests: made once, kept until their sources change."""

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import NoReturn

import pytest

HERE = Path(__file__).resolve().parent
INSTALL_DEADLINE = 600.0
# Memory and start-up time matter more here than speed at full load.
JAVA_OPTIONS = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Xmx512m")

_UNREACHABLE = re.compile(
    r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|ETIMEDOUT|"  # npm
    r"Unknown host|Connection refused|Connection reset|Connect(ion)? timed out|No route to host|"  # Maven
    r"Network is unreachable|Temporary failure in name resolution|offline mode"
)


def unavailable(reason: str) -> NoReturn:
    """Skip what cannot run here; in CI, where everything must be there, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def require(tool: str, oldest: int = 0) -> str:
    """The path of a command, of at least this major version."""
    path = shutil.which(tool)
    if path is None:
        unavailable(f"{tool} is not installed")
    if oldest:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60, check=False)
        found = re.search(r"\d+", done.stdout + done.stderr)
        if found is None or int(found[0]) < oldest:
            unavailable(f"{tool} is older than version {oldest}: {found[0] if found else 'unknown'}")
    return path


def npm_project(name: str) -> Path:
    """The folder of a Node program, with its packages as the lock file names them.

    Their install scripts do not run: none is needed, and some of them compile.
    """
    require("node", 20)
    npm, folder = require("npm"), HERE / name
    stamp = folder / "node_modules" / ".installed"
    wanted = _digest([folder / "package.json", folder / "package-lock.json"])
    with _alone_in(folder):
        if not stamp.is_file() or stamp.read_text() != wanted:
            _install(npm, ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)
            stamp.write_text(wanted)
    return folder


def java_program(name: str) -> list[str]:
    """The command, but for its main class, that runs a Java program, compiled and with the libraries it needs."""
    java, maven, folder = require("java", 17), require("mvn"), HERE / name
    stamps = {kind: folder / "target" / f".{kind}" for kind in ("libraries", "classes")}
    pom = folder / "pom.xml"
    wanted = {"libraries": _digest([pom]), "classes": _digest([pom, *sorted(folder.glob("src/**/*.java"))])}
    with _alone_in(folder):
        fresh = {kind for kind, stamp in stamps.items() if stamp.is_file() and stamp.read_text() == wanted[kind]}
        if "classes" not in fresh:
            options = ["--batch-mode", "--quiet", "-Dstyle.color=never"]
            offline = ["--offline"] if "libraries" in fresh else []
            _install(maven, [*options, *offline, "clean", "process-classes"], folder)
            for kind, stamp in stamps.items():
                stamp.write_text(wanted[kind])
    target = folder / "target"
    return [java, *JAVA_OPTIONS, "-cp", f"{target / 'classes'}{os.pathsep}{target / 'dependency' / '*'}"]


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep the other test processes out while something is made in a folder; who comes second finds it made."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _install(tool: str, arguments: Sequence[str], folder: Path) -> None:
    done = subprocess.run(
        [tool, *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=INSTALL_DEADLINE,
        check=False,
    )
    if done.returncode:
        said = (done.stdout + done.stderr)[-3000:]
        for line in said.splitlines():
            if _UNREACHABLE.search(line):
                unavailable(f"what {folder.name} needs cannot be fetched: {line.strip()[:300]}")
        pytest.fail(f"{Path(tool).name} {' '.join(arguments)} in {folder.name} failed:\n{said}")


def _digest(paths: Iterable[Path]) -> str:
    digest = sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
