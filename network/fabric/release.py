"""Fabric's release archive: its name for a platform, and what is taken out of it.

An archive is somebody else's bytes until its digest has been compared, and after that still only an archive: nothing is
written but the programs that are needed, under their own names, and an archive that asks for anything else than files
and folders inside itself is refused as a whole.
"""

import gzip
import os
import platform
import sys
import tarfile
import zlib
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from network.errors import BinariesError
from network.fabric.binaries import PROGRAMS

RELEASE = "3.1.5"  # with which this project is tried
_DOWNLOADS = "https://github.com/hyperledger/fabric/releases/download"

MAX_ARCHIVE = 1024**3  # bytes; those of v3.1 have about 150 MB
MAX_UNPACKED = 4 * 1024**3  # bytes, of everything in it
MAX_PROGRAM = 512 * 1024**2  # bytes
MAX_MEMBERS = 10_000
_CHUNK = 1024 * 1024

_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def platform_name(system: str = sys.platform, machine: str | None = None) -> str:
    """This platform as Fabric's archives name it, such as `linux-amd64`.

    Raises:
        BinariesError: Fabric is not released for it.
    """
    machine = machine or platform.machine()
    known = _MACHINES.get(machine.lower())
    if system not in ("linux", "darwin") or not known:
        raise BinariesError(
            f"there is no release of Fabric for {system} on {machine}",
            "build it from its source, and set FABRIC_BIN to the folder that has peer and orderer",
        )
    return f"{system}-{known}"


def release_url(platform_name: str, release: str = RELEASE) -> str:
    """Where the release for a platform is."""
    return f"{_DOWNLOADS}/v{release}/hyperledger-fabric-{platform_name}-{release}.tar.gz"


def unpack(archive: BinaryIO, name: str, target: Path) -> None:
    """Take the programs out of an archive.

    Args:
        name: what it is called in messages.
        target: an empty folder, into which the programs are written.

    Raises:
        BinariesError: it is damaged, has something in it that does not belong, or lacks a program.
        OSError: they cannot be written.
    """
    found: set[str] = set()
    count = 0
    try:
        plain = _Limited(gzip.GzipFile(fileobj=archive), name)
        with tarfile.open(fileobj=plain, mode="r|") as members:  # type: ignore[call-overload]
            for member in members:
                count += 1
                if count > MAX_MEMBERS:
                    raise _refused(name, f"it has more than {MAX_MEMBERS} files")
                program = _program(member, name)
                if not program:
                    continue
                if program in found:
                    raise _refused(name, f"it has {member.name} twice")
                if member.size > MAX_PROGRAM:
                    raise _refused(name, f"{member.name} is larger than {MAX_PROGRAM} bytes")
                found.add(program)
                file = members.extractfile(member)
                if file is None:
                    raise _refused(name, f"{member.name} is no file")
                _write(file, target / program, member.size, name)
        while plain.read(_CHUNK):
            pass  # to the end, where gzip has its checksum
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError, OverflowError) as error:
        raise BinariesError(
            f"{name} is damaged or truncated, or no release archive: {error}", "get the archive again"
        ) from error
    missing = [one for one in PROGRAMS if one not in found]
    if missing:
        raise BinariesError(
            f"{name} has no {' and no '.join(f'bin/{one}' for one in missing)}",
            "take the archive called hyperledger-fabric-…, of the release's page",
        )


def _program(member: tarfile.TarInfo, name: str) -> str:
    """Which program a member is; empty for what is passed over. Raises BinariesError for what does not belong."""
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or "\\" in member.name or "\0" in member.name:
        raise _refused(name, f"{member.name!r} leads out of it")
    if not (member.isreg() or member.isdir()):
        raise _refused(name, f"{member.name!r} is neither a file nor a folder")
    if member.isreg() and len(path.parts) == 2 and path.parts[0] == "bin" and path.name in PROGRAMS:
        return path.name
    return ""


def _write(file: "BinaryIO | tarfile.ExFileObject", path: Path, size: int, name: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755)
    with os.fdopen(descriptor, "wb") as target:
        written = 0
        while block := file.read(_CHUNK):
            written += target.write(block)
    if written != size:
        raise BinariesError(f"{name} is truncated", "get the archive again")


class _Limited:
    """What is unpacked, up to so much of it: an archive of a few kilobytes can unpack to more than any disk holds."""

    def __init__(self, file: gzip.GzipFile, name: str) -> None:
        self._file, self._name = file, name
        self._left = MAX_UNPACKED

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise _refused(self._name, f"it unpacks to more than {MAX_UNPACKED} bytes")
        return data


def _refused(name: str, why: str) -> BinariesError:
    return BinariesError(f"{name} is refused: {why}", "do not use it: get the archive from Fabric's own release page")
