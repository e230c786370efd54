"""Chaincode packages: what an organisation installs. Source: Fabric's `core/chaincode/persistence`."""

import io
import json
import re
import tarfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from network.embedded.system import Refused

MAX_SIZE = 100 * 1024 * 1024
_LABEL = re.compile("[a-zA-Z0-9][a-zA-Z0-9_.+-]*")
GZIP, GZIP_HEADER = b"\x1f\x8b", 10  # what such data begin with, and how long their header is


@dataclass(frozen=True)
class Package:
    """An installed package.

    Attributes:
        id: its label and the SHA-256 of its bytes.
        type: what runs it: `ccaas`, or `python` for what the peer launches.
        code: the files in it, by name.
    """

    id: str
    label: str
    type: str
    code: dict[str, bytes]


def read_package(data: bytes) -> Package:
    """Read a package: a tar.gz with `metadata.json` and `code.tar.gz`.

    Raises:
        Refused: it is not one.
    """
    if not data.startswith(GZIP) or len(data) < GZIP_HEADER:
        why = "unexpected EOF" if data else "EOF"
        why = "gzip: invalid header" if len(data) >= GZIP_HEADER else why
        raise _unusable(f"error reading as gzip stream: {why}")
    try:
        outer = _files(data)
        if "code.tar.gz" not in outer:
            raise _unusable("did not find a code package inside the package")
        if "metadata.json" not in outer:
            raise _unusable("did not find any package metadata (missing metadata.json)")
        metadata = json.loads(outer["metadata.json"])
        label, kind = str(metadata.get("label", "")), str(metadata.get("type", ""))
        if not _LABEL.fullmatch(label):
            raise _unusable(
                f"invalid label '{label}'. Label must be non-empty, can only consist of alphanumerics, symbols from "
                "'.+-_', and can only begin with alphanumerics"
            )
        code = _files(outer["code.tar.gz"])
    except (OSError, tarfile.TarError, ValueError, TypeError, AttributeError, EOFError) as error:
        raise _unusable(str(error)) from error
    return Package(f"{label}:{sha256(data).hexdigest()}", label, kind, code)


def _unusable(why: str) -> Refused:
    return Refused(f"could not parse as a chaincode install package: {why}")


def _files(data: bytes) -> dict[str, bytes]:
    found = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
            for member in archive:
                if member.size > MAX_SIZE:
                    raise ValueError("a file is too large")
                file = archive.extractfile(member) if member.isfile() else None
                if file:
                    found[member.name.removeprefix("./")] = file.read()
    except tarfile.ReadError as error:
        if str(error) != "empty file":  # an archive of nothing is one
            raise
    return found


class PackageStore:
    """An organisation's installed packages, as files.

    Args:
        folder: where they are; made when the first one is installed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def install(self, data: bytes) -> Package:
        """Keep a package. Raises Refused when it is none, or is there already."""
        package = read_package(data)
        path = self._path(package.id)
        if path.exists():
            raise Refused(
                f"failed to invoke backing implementation of 'InstallChaincode': chaincode already successfully "
                f"installed (package ID '{package.id}')"
            )
        self._folder.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".new")
        temporary.touch(mode=0o600)  # a package may hold a client key
        temporary.write_bytes(data)
        temporary.replace(path)
        return package

    def all(self) -> list[Package]:
        """Every installed package."""
        return [read_package(path.read_bytes()) for path in sorted(self._folder.glob("*.tar.gz"))]

    def has(self, package_id: str) -> bool:
        """Whether a package is installed."""
        return bool(package_id) and self._path(package_id).is_file()

    def get(self, package_id: str) -> tuple[Package, bytes] | None:
        """A package and its bytes, by its id."""
        path = self._path(package_id)
        if not path.is_file():
            return None
        data = path.read_bytes()
        return read_package(data), data

    def _path(self, package_id: str) -> Path:
        return self._folder / f"{package_id.replace(':', '.')}.tar.gz"
