"""What every test may use: one running network, and commands that run on it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from network import control
from network.errors import BinariesError
from network.fabric import binaries
from network.folder import Engine, Folder
from tests.forked import Forks

DEADLINE = 120.0
PYTHON = [sys.executable, "-P", "-c"]
PROGRAM = "from cli.main import main; main()"
SCENARIOS = Path(__file__).parent / "scenarios"
FORKS = Forks()

settings.register_profile("no clock", settings(), deadline=None)  # how fast an example is depends on the machine
settings.load_profile("no clock")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine",
        choices=[str(one) for one in Engine],
        default=str(Engine.EMBEDDED),
        help="what runs the scenarios' networks; fabric needs Fabric's programs, see FABRIC_BIN (default: %(default)s)",
    )
    parser.addoption(
        "--network",
        metavar="DIR",
        help="run the scenarios on the network of this folder, which runs already, instead of one of their own",
    )
    parser.addoption(
        "--record",
        action="store_true",
        help="record the answers of --network, which is real Fabric, as vectors, instead of comparing with them",
    )


def pytest_configure(config: pytest.Config) -> None:
    # Commands that the tests run make networks for this engine, whatever the caller's environment says.
    os.environ["CERTLEDGER_ENGINE"] = config.getoption("--engine")


def pytest_unconfigure() -> None:
    FORKS.close()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    missing = ""
    if engine() is Engine.FABRIC:
        try:
            binaries.find()
        except BinariesError as error:
            missing = f"{error}; {error.next_step}"
    embedded = engine() is Engine.EMBEDDED and not config.getoption("--network")
    for item in items:
        if item.get_closest_marker("fabric") and engine() is Engine.EMBEDDED:
            item.add_marker(pytest.mark.skip(reason="about Fabric's own processes: run with --engine fabric"))
        elif item.get_closest_marker("embedded") and not embedded:
            item.add_marker(pytest.mark.skip(reason="about the embedded network alone"))
        elif missing and SCENARIOS in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=missing))


def engine() -> Engine:
    """What runs the scenarios' networks."""
    return Engine(os.environ["CERTLEDGER_ENGINE"])


@dataclass(frozen=True)
class Result:
    """What a command did."""

    status: int
    output: str
    messages: str

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.output.splitlines()]


def certledger(
    *arguments: str | Path,
    cwd: Path,
    folder: Folder | None = None,
    prefix: Sequence[str] = (),
    program: str = PROGRAM,
    **environment: str,
) -> Result:
    """Run a command as users do: as a process of its own, in English.

    Args:
        prefix: what the command line begins with, as to run it on another machine.
        program: what the process does with the arguments; a test may change something first.
    """
    variables = {**os.environ, "CERTLEDGER_LANG": "en", **environment}
    if folder is not None:
        variables["CERTLEDGER_DIR"] = str(folder.path)
    if prefix or program != PROGRAM or environment:
        # Some variables mean something to the interpreter.
        done = subprocess.run(
            [*prefix, *PYTHON, program, *map(str, arguments)],
            cwd=cwd,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=DEADLINE,
            check=False,
        )
    else:
        done = FORKS.run([*map(str, arguments)], cwd=cwd, environment=variables, timeout=DEADLINE)
    result = Result(done.returncode, done.stdout.decode(), done.stderr.decode())
    said = result.output + result.messages
    at = said.find("Traceback")
    assert at < 0, said[max(at - 500, 0) : at + 3000]
    return result


@dataclass(frozen=True)
class Commands:
    """Commands on a network, run in a folder of their own."""

    folder: Folder
    home: Path
    prefix: tuple[str, ...] = ()
    program: str = PROGRAM

    def __call__(self, *arguments: str | Path, **environment: str) -> Result:
        return certledger(
            *arguments, cwd=self.home, folder=self.folder, prefix=self.prefix, program=self.program, **environment
        )

    def ok(self, *arguments: str | Path) -> list[dict[str, Any]]:
        """Run a command that must succeed, for its JSON."""
        result = self(*arguments, "--json") if "--" not in arguments else self("--json", *arguments)
        assert result.status == 0, result
        return result.records

    def start(self, *arguments: str | Path, stdin: int | None = None) -> "subprocess.Popen[bytes]":
        """Start a command, in English, to follow what it prints and to do something to it meanwhile."""
        return subprocess.Popen(
            [*self.prefix, *PYTHON, self.program, *map(str, arguments)],
            cwd=self.home,
            env={**os.environ, "CERTLEDGER_LANG": "en", "CERTLEDGER_DIR": str(self.folder.path)},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,  # `communicate` does not see what `readline` has read ahead
        )

    def document(self, name: str, content: bytes = b"") -> Path:
        """A document in the commands' folder, unlike every other unless its content is given."""
        path = self.home / name
        path.write_bytes(content or name.encode("utf-8", "surrogateescape") + os.urandom(16))
        return path


@contextmanager
def running_network(path: Path) -> Iterator[Folder]:
    """A network in a new folder, which is stopped in the end unless it has been removed."""
    folder = Folder.at(path)
    control.up(folder, ports="auto", engine=engine())
    try:
        yield folder
    finally:
        if folder.exists:
            control.down(folder)


@pytest.fixture(scope="session")
def network(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    """A running network that tests share: they add to its ledger and rely on nothing else there."""
    given: Sequence[str] | None = request.config.getoption("--network")
    if given:
        yield Folder.at(Path(str(given)))
        return
    with running_network(tmp_path_factory.mktemp("shared") / "net") as folder:
        yield folder


@pytest.fixture
def own_network(tmp_path: Path) -> Iterator[Folder]:
    """A network that one test has for itself."""
    with running_network(tmp_path / "own net") as folder:
        yield folder


@pytest.fixture
def commands(network: Folder, tmp_path: Path) -> Commands:
    """Commands on the shared network."""
    home = tmp_path / "home"
    home.mkdir()
    return Commands(network, home)
