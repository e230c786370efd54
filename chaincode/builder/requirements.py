"""What a package of type `python` requires: a virtual environment, made when the package is built.

A package asks for one with a `requirements.txt`, a `pyproject.toml` (the package is then installed as a project), or
both. With wheels in its folder `wheels` everything comes from there, and nothing from elsewhere; `--hash` in the
requirements makes pip demand hashes for all of them. Without any of these the package runs with the builder's Python
and what is installed there.

The toolkit (`chaincode.shim`) must be importable. A package brings it among what it requires, or, when it does not, it
gets the builder's own, behind everything that the package has installed.

Peers copy what was built and refuse links that lead out of it, as a virtual environment's interpreter is one
(`core/container/externalbuilder/copy.go`): it is linked when the chaincode starts (`interpreter`).
"""

import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from shutil import rmtree

from chaincode.builder.errors import PackageError, RequirementsError

REQUIREMENTS, PROJECT, WHEELS = "requirements.txt", "pyproject.toml", "wheels"

# Where pip finds its index: what a peer must hand on to the builder, and what the builder hands on to pip alone, for
# there may be a password in it.
INDEX_SETTINGS = (
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_TRUSTED_HOST",
    "PIP_CERT",
    "PIP_CLIENT_CERT",
    "PIP_CONFIG_FILE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "https_proxy",
    "http_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
)

TIMEOUT = 270.0  # seconds for all of pip's work: clients wait 300 for an installation
_KEPT = ("HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "TMPDIR")
_TOOLKIT = "chaincode.shim"
_WORDS = 600  # characters of what pip said: a peer logs lines of some length only


def asked_for(source: Path) -> bool:
    """Whether a package requires an environment of its own."""
    return (source / REQUIREMENTS).exists() or (source / PROJECT).exists()


def make(source: Path, target: Path, environment: Mapping[str, str] = os.environ) -> None:
    """Make the environment that a package requires, complete but for its interpreter.

    Args:
        source: the package's code.
        target: the environment's folder, made here.
        environment: of which pip gets what it needs.

    Raises:
        RequirementsError: something cannot be installed, or the toolkit cannot be used with it.
    """
    import venv  # detect, which every package meets, has no use for it

    pip = find_spec("pip") is not None
    try:
        venv.EnvBuilder(symlinks=True, with_pip=not pip).create(target)
    except subprocess.CalledProcessError as error:
        raise RequirementsError(f"{sys.executable} has neither pip nor ensurepip, and one is needed") from error
    python = target / "bin" / "python"
    command = [sys.executable, "-I", "-m", "pip", "--python", str(python)] if pip else [str(python), "-I", "-m", "pip"]
    offline = any((source / WHEELS).glob("*.whl"))
    variables = {name: environment[name] for name in _KEPT if name in environment}
    options = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-warn-script-location"]
    if offline:
        options += ["--isolated", "--no-index", "--find-links", str(source / WHEELS)]
    else:
        variables |= {name: environment[name] for name in INDEX_SETTINGS if name in environment}
    for wanted in _wanted(source):
        _run([*command, "install", *options, *wanted], variables)
    _bring_toolkit(python, variables)
    rmtree(target / "bin")


def interpreter(target: Path) -> Path:
    """The environment's interpreter, which is linked here when it is not there.

    Raises:
        PackageError: the builder has another Python now than the one it was made for.
        OSError: it cannot be linked.
    """
    made = _version(target)
    if made != sys.version_info[:2]:
        raise PackageError(
            f"the package was built for Python {made[0]}.{made[1]}, and the builder has "
            f"{sys.version_info[0]}.{sys.version_info[1]} now: install it again as a new package"
        )
    python = target / "bin" / "python"
    base = str(getattr(sys, "_base_executable", sys.executable))
    if not python.is_symlink() or str(python.readlink()) != base:
        python.parent.mkdir(exist_ok=True)
        temporary = python.with_name(f".python-{os.getpid()}")
        temporary.symlink_to(base)
        temporary.replace(python)
    return python


def _wanted(source: Path) -> list[list[str]]:
    """What pip is told to install, call by call."""
    wanted = []
    requirements = source / REQUIREMENTS
    if requirements.exists():
        demanded = ["--require-hashes"] if b"--hash" in requirements.read_bytes() else []
        wanted.append([*demanded, "--requirement", str(requirements)])
    if (source / PROJECT).exists():
        wanted.append([str(source)])
    return wanted


def _run(command: Sequence[str], variables: Mapping[str, str]) -> None:
    try:
        done = subprocess.run(
            command,
            env=variables,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RequirementsError(f"what the package requires was not installed within {TIMEOUT:g} s") from error
    if done.returncode:
        said = done.stdout.decode("utf-8", "replace")
        raise RequirementsError(f"what the package requires cannot be installed: {_reason(said)}")


def _reason(said: str) -> str:
    """pip's own reason among all that it said."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR:")]
    return "; ".join(errors or lines[-3:])[:_WORDS]


def _bring_toolkit(python: Path, variables: Mapping[str, str]) -> None:
    if not _import_failure(python, variables):
        return
    (library,) = (python.parent.parent / "lib").glob("python*/site-packages")
    (library / "certledger-builder.pth").write_text("".join(f"{one}\n" for one in _own_path()), encoding="utf-8")
    if failure := _import_failure(python, variables):
        raise RequirementsError(
            f"the builder's {_TOOLKIT} does not work with what the package requires, and the package does not bring "
            f"its own: {failure}"
        )


def _import_failure(python: Path, variables: Mapping[str, str]) -> str:
    """Why the toolkit cannot be imported; empty when it can."""
    command = [str(python), "-I", "-c", f"import {_TOOLKIT}"]
    done = subprocess.run(command, env=variables, cwd="/", capture_output=True, timeout=TIMEOUT, check=False)
    return done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2][:_WORDS] if done.returncode else ""


def _own_path() -> list[str]:
    """Where the builder finds this toolkit and what it needs, without the standard library."""
    import chaincode

    root = str(Path(str(chaincode.__file__)).resolve().parent.parent)
    library = Path(sysconfig.get_path("stdlib")).resolve()
    own = {library, library / "lib-dynload"}
    found = [one for one in sys.path if one and Path(one).is_dir() and Path(one).resolve() not in own]
    return list(dict.fromkeys([*found, root]))


def _version(target: Path) -> tuple[int, int]:
    """The Python that an environment was made for. Raises PackageError."""
    for line in (target / "pyvenv.cfg").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "version":
            major, minor = value.strip().split(".")[:2]
            return int(major), int(minor)
    raise PackageError("the package's environment is damaged: install it again as a new package")
