"""Chaincode packages: what an organisation installs. Source: Fabric's `core/chaincode/persistence`."""

import io
import json
import logging
import re
import tarfile
import zlib
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from network.embedded.system import Refused
from node_client.durable import make_folder, replace_file

logger = logging.getLogger(__name__)

MAX_SIZE = 100 * 1024 * 1024  # of all files in an archive together
_LABEL = re.compile("[a-zA-Z0-9][a-zA-Z0-9_.+-]*")
_ID = re.compile(f"{_LABEL.pattern}:[0-9a-f]{{64}}")
GZIP, GZIP_HEADER = b"\x1f\x8b", 10  # what such data begin with, and how long their header is


@dataclass(frozen=True)
class Package:
    """An installed package.

    Attributes:
        id: its label and the SHA-256 of its bytes.
        type: what runs it: `ccaas`, or `python` for what the peer launches.
        code: the files in it, by name.
        metadata: its `metadata.json`, as it stands there.
    """

    id: str
    label: str
    type: str
    code: dict[str, bytes]
    metadata: bytes = b""


def read_package(data: bytes) -> Package:
    """Read a package: a tar.gz with `metadata.json` and `code.tar.gz`.

    Raises:
        Refused: it is not one.
    """
    if not data.startswith(GZIP) or len(data) < GZIP_HEADER:
        why = "unexpected EOF" if data else "EOF"
        why = "gzip: invalid header" if len(data) >= GZIP_HEADER else why
        raise _unusable(f"error reading as gzip stream: {why}")
    outer = _files(data, "error inspecting next tar header", regular_only=True)
    if "code.tar.gz" not in outer:
        raise _unusable("did not find a code package inside the package")
    if "metadata.json" not in outer:
        raise _unusable("did not find any package metadata (missing metadata.json)")
    label, kind = _metadata(outer["metadata.json"])
    if not _LABEL.fullmatch(label):
        raise _unusable(
            f"invalid label '{label}'. Label must be non-empty, can only consist of alphanumerics, symbols from "
            "'.+-_', and can only begin with alphanumerics"
        )
    code = _files(outer["code.tar.gz"], "error retrieving DB artifacts from code package")
    return Package(f"{label}:{sha256(data).hexdigest()}", label, kind, code, outer["metadata.json"])


def _unusable(why: str) -> Refused:
    return Refused(f"could not parse as a chaincode install package: {why}")


def _metadata(data: bytes) -> tuple[str, str]:
    """The label and the type in a `metadata.json`. Go's JSON takes keys in any case, and null for nothing."""
    try:
        found = json.loads(data.decode(errors="replace"), parse_constant=_refuse_constant)
        stated = {str(name).lower(): value for name, value in ({} if found is None else found).items()}
    except (ValueError, AttributeError, RecursionError) as error:
        raise _unusable(f"could not unmarshal metadata.json as json: {error}") from error
    label, kind = stated.get("label") or "", stated.get("type") or ""
    if not isinstance(label, str) or not isinstance(kind, str):
        raise _unusable("could not unmarshal metadata.json as json: label and type must be texts")
    return label, kind


def _refuse_constant(name: str) -> object:
    raise ValueError(f"invalid character '{name[0]}' looking for beginning of value")


def _files(data: bytes, failure: str, *, regular_only: bool = False) -> dict[str, bytes]:
    """The files in a compressed archive, by name.

    Args:
        failure: what is said of an archive that cannot be read.
        regular_only: refuse anything but files, and leave names as they are.
    """
    found: dict[str, bytes] = {}
    room = MAX_SIZE
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
            for member in archive:
                if regular_only and not member.isfile():
                    raise _unusable(f"tar entry {member.name} is not a regular file, type {ord(member.type)}")
                room -= member.size
                if room < 0:
                    raise ValueError("the files are too large")
                file = archive.extractfile(member) if member.isfile() else None
                if file:
                    name = member.name if regular_only else member.name.removeprefix("./")
                    found[name] = file.read()
    except (OSError, tarfile.TarError, ValueError, EOFError, zlib.error, OverflowError) as error:
        if str(error) != "empty file" or not data:  # nothing compressed is an archive of nothing
            raise _unusable(f"{failure}: {error}") from error
    return found


class PackageStore:
    """An organisation's installed packages, as files.

    Args:
        folder: where they are; made when the first one is installed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._there: set[str] = set()

    def install(self, data: bytes) -> Package:
        """Keep a package, durable when this returns.

        Raises:
            Refused: it is none, is there already, or cannot be kept.
        """
        package = read_package(data)
        path = self._folder / _file_name(package.id)
        if path.exists():
            raise _not_installed(f"chaincode already successfully installed (package ID '{package.id}')")
        try:
            make_folder(self._folder)
            replace_file(path, data, 0o600)  # it may hold a client key
        except OSError as error:
            raise _not_installed(f"could not save chaincode install package: {error}") from error
        return package

    def remove(self, package_id: str) -> None:
        """Remove a package that was just installed and turned out to be of no use."""
        self._there.discard(package_id)
        (self._folder / _file_name(package_id)).unlink(missing_ok=True)

    def all(self) -> list[Package]:
        """Every installed package; one that has been damaged is left out."""
        found = []
        for path in sorted(self._folder.glob("*.tar.gz")):
            try:
                found.append(read_package(path.read_bytes()))
            except (Refused, OSError) as error:
                logger.error("the installed chaincode %s cannot be read: %s", path.name, error)
        return found

    def has(self, package_id: str) -> bool:
        """Whether a package is installed."""
        if package_id in self._there:  # nothing is ever uninstalled
            return True
        found = bool(_ID.fullmatch(package_id)) and (self._folder / _file_name(package_id)).is_file()
        if found:
            self._there.add(package_id)
        return found

    def get(self, package_id: str) -> tuple[Package, bytes] | None:
        """A package and its bytes, by its id. Raises Refused when it has been damaged."""
        if not self.has(package_id):
            return None
        try:
            data = (self._folder / _file_name(package_id)).read_bytes()
        except OSError as error:
            raise Refused(f"could not read chaincode package with id '{package_id}': {error}") from error
        return read_package(data), data


def _file_name(package_id: str) -> str:
    return f"{package_id.replace(':', '.')}.tar.gz"


def _not_installed(why: str) -> Refused:
    return Refused(f"failed to invoke backing implementation of 'InstallChaincode': {why}")
