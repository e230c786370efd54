"""The four programs. Each takes the folders that the peer names, and ends with status 0 when it has done its part."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from shutil import copytree

from chaincode.builder import launched, requirements, service
from chaincode.builder.errors import NotForUs, PackageError, WrongCall

SERVICE, LAUNCHED = "ccaas", "python"
CONNECTION = "connection.json"
CODE, ENVIRONMENT = "code", "venv"  # in the build's output: a launched package's code, and what it requires
_LEFT_OUT = {requirements.WHEELS}
INDEXES = Path("META-INF") / "statedb"


def detect(source: Path, metadata: Path) -> None:
    """Take the package, or raise NotForUs."""
    try:
        found = _type(metadata)
    except PackageError as error:
        raise NotForUs(str(error)) from error
    if found not in (SERVICE, LAUNCHED):
        raise NotForUs(f"packages of type {found!r} are not for this builder")


def build(source: Path, metadata: Path, output: Path) -> None:
    """Make what `release` and `run` need. Raises PackageError."""
    if _type(metadata) == SERVICE:
        data = service.connection(_file(source, CONNECTION), os.environ.get(service.SETTINGS, ""))
        _write_private(output / CONNECTION, data)
    else:
        launched.module(_file(source, launched.LAUNCH))
        copytree(source, output / CODE, ignore=lambda folder, _: _LEFT_OUT if Path(folder) == source else set())
        if requirements.asked_for(source):
            requirements.make(source, output / ENVIRONMENT)
    if (source / INDEXES).is_dir():
        _check_indexes(source / INDEXES)
        copytree(source / INDEXES, output / INDEXES)


def _check_indexes(folder: Path) -> None:
    """Check what a peer would give to CouchDB when the chaincode is defined: too late to tell anybody.

    Raises:
        PackageError: an index is not a JSON object that says what it is of.
    """
    for path in sorted(folder.rglob("*.json")):
        try:
            content = json.loads(path.read_bytes())
        except ValueError as error:
            raise PackageError(f"the index {path.relative_to(folder)} is not JSON: {error}") from error
        if not isinstance(content, dict) or not isinstance(content.get("index"), dict):
            raise PackageError(f"the index {path.relative_to(folder)} does not say what it is of")


def release(output: Path, released: Path) -> None:
    """Tell the peer where the service is, and its CouchDB indexes. Raises PackageError."""
    if (output / CONNECTION).exists():
        target = released / "chaincode" / "server"
        target.mkdir(parents=True)
        _write_private(target / CONNECTION, (output / CONNECTION).read_bytes())
    if (output / INDEXES).is_dir():
        copytree(output / INDEXES, released / "statedb")


def run(output: Path, metadata: Path) -> None:
    """Be the chaincode until it ends. Raises PackageError."""
    launched.run(output / CODE, output / ENVIRONMENT, metadata)


_PROGRAMS: Mapping[str, tuple[int, Callable[..., None]]] = {
    "detect": (2, detect),
    "build": (3, build),
    "release": (2, release),
    "run": (2, run),
}
NAMES = tuple(_PROGRAMS)


def call(name: str, folders: Sequence[str]) -> None:
    """Run a program by its name. Raises PackageError, OSError."""
    count, program = _PROGRAMS[name]
    if len(folders) != count:
        raise WrongCall(f"{name} takes {count} folders")
    program(*map(Path, folders))


def _type(metadata: Path) -> str:
    """The package's type, in any case, as Fabric's own builder takes it."""
    try:
        found = json.loads(_file(metadata, "metadata.json"))["type"]
    except (ValueError, KeyError, TypeError) as error:
        raise PackageError(f"metadata.json lacks {error}") from error
    return str(found).lower()


def _file(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise PackageError(f"the package has no {name}") from error


def _write_private(path: Path, data: bytes) -> None:
    """Write a file that only the peer's user can read: there may be a key in it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
