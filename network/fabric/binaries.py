"""Where Fabric's programs are: `FABRIC_BIN`, then `PATH`, then the cache folder."""

import errno
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from network.errors import BinariesError

PROGRAMS = ("peer", "orderer")
SUPPORTED = (3, 1)  # the version, and the first minor one of it that works: the channel has the capability V3_0

_NEXT = (
    "get Fabric v3.1 with: certledger network install, or set FABRIC_BIN to the folder that has its peer and orderer"
)
_VERSION = re.compile(r"^\s*Version: v?((\d+)\.(\d+)\S*)", re.MULTILINE)


@dataclass(frozen=True)
class Binaries:
    """Fabric's programs.

    Attributes:
        version: theirs, as they say it.
    """

    peer: Path
    orderer: Path
    version: str


def find(environment: Mapping[str, str] = os.environ) -> Binaries:
    """Find the programs, and check that they are of a version that works.

    Raises:
        BinariesError: one is missing, does not run, or is of another version.
    """
    return _checked({name: _path(name, environment) for name in PROGRAMS})


def at(folder: Path) -> Binaries:
    """The programs in a folder, checked. Raises BinariesError."""
    return _checked({name: folder / name for name in PROGRAMS})


def _checked(paths: Mapping[str, Path]) -> Binaries:
    versions = {name: version(path) for name, path in paths.items()}
    if len(set(versions.values())) > 1:
        found = " and ".join(f"{paths[name]} is {versions[name]}" for name in PROGRAMS)
        raise BinariesError(f"peer and orderer are of different versions: {found}", _NEXT)
    return Binaries(paths["peer"], paths["orderer"], versions["peer"])


def cache(environment: Mapping[str, str] = os.environ) -> Path:
    """Where programs are that were installed for certledger alone."""
    base = environment.get("XDG_CACHE_HOME") or Path(environment.get("HOME") or Path.home()) / ".cache"
    return Path(base) / "certledger" / "fabric" / "bin"


def version(path: Path) -> str:
    """The version of a program. Raises BinariesError when it does not say one, or one that does not work."""
    try:
        done = subprocess.run([path, "version"], capture_output=True, timeout=30, check=False, env={})
    except (OSError, subprocess.TimeoutExpired) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOEXEC:
            raise BinariesError(f"{path} does not run: it is not for this platform, or damaged", _NEXT) from error
        raise BinariesError(f"{path} does not run: {error}", _NEXT) from error
    found = parse_version(done.stdout.decode("utf-8", "replace"))
    if not found:
        raise BinariesError(f"{path} is not a program of Fabric: it does not say its version", _NEXT)
    text, major, minor = found
    if major != SUPPORTED[0] or minor < SUPPORTED[1]:
        raise BinariesError(f"{path} is of version {text}, and Fabric v3.1 is needed", _NEXT)
    return text


def parse_version(text: str) -> tuple[str, int, int] | None:
    """The version in what `peer version` prints: as text, and its first two numbers."""
    match = _VERSION.search(text)
    return (match[1], int(match[2]), int(match[3])) if match else None


def _path(name: str, environment: Mapping[str, str]) -> Path:
    named = environment.get("FABRIC_BIN")
    if named:
        # Whoever names a folder means it: another version from elsewhere would be a surprise.
        found = shutil.which(name, path=named)
        if not found:
            raise BinariesError(f"FABRIC_BIN is {named}, which has no program {name}", _NEXT)
        return Path(found).absolute()
    found = shutil.which(name, path=environment.get("PATH", "")) or shutil.which(name, path=str(cache(environment)))
    if not found:
        raise BinariesError(f"Fabric's {name} is not here: FABRIC_BIN is not set, and PATH does not have it", _NEXT)
    return Path(found).absolute()
