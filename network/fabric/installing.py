"""Putting Fabric's programs into the cache folder, out of a release archive.

<cache>/certledger/fabric/
    bin                    a link to the folder of the release that is in use
    <release>-<digest>/    the programs

A release is put there under its own name and then linked, so that there is a whole one at every moment, or none.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

from network.errors import BinariesError, NotConfirmed
from network.fabric import binaries, release
from network.fabric.binaries import Binaries
from network.fabric.download import Progress, download
from node_client.durable import make_folder, sync_folder, sync_tree

Confirm = Callable[[str, str], bool]  # asked with the archive's name and its SHA-256, whether it is the right one

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Installed:
    """Fabric's programs in the cache folder.

    Attributes:
        folder: where they are found.
        sha256: of the archive that they are from.
        already: whether they were there before.
    """

    version: str
    folder: Path
    sha256: str
    already: bool


def install(
    *,
    archive: Path | None = None,
    url: str = "",
    sha256: str = "",
    confirm: Confirm,
    progress: Progress = lambda done, total: None,
    environment: Mapping[str, str] = os.environ,
) -> Installed:
    """Install Fabric's programs.

    Args:
        archive: the release archive, where it is at hand.
        url: where it is otherwise; Fabric's release page by default.
        sha256: its digest. Without one, `confirm` is asked about the digest that it has.

    Raises:
        BinariesError: the archive cannot be used, or its digest is another.
        DownloadError: it cannot be had.
        NotConfirmed: nobody says that it is the right one.
    """
    wanted = sha256.strip().lower().removeprefix("sha256:")
    if wanted and not _DIGEST.fullmatch(wanted):
        raise BinariesError(f"{sha256} is no SHA-256", "write it as 64 hexadecimal digits")
    where = binaries.cache(environment)
    home = where.parent
    if where.exists() and not where.is_symlink():
        raise BinariesError(
            f"{where} is there already, and was not put there by this command", "use it as it is, or remove it first"
        )
    if wanted and (known := _linked(where, wanted)):
        return Installed(known.version, where, wanted, already=True)
    try:
        make_folder(home)
        with TemporaryDirectory(prefix=".install-", dir=home) as name:
            if archive is None:
                url = url or release.release_url(release.platform_name())
                archive = Path(name) / "archive"
                download(url, archive, plain=bool(wanted), progress=progress)
            return _install(archive, url or str(archive), wanted, confirm, where, Path(name))
    except OSError as error:
        raise BinariesError(f"Fabric's programs cannot be installed: {error}", "make room on the disk") from error


def _install(archive: Path, name: str, wanted: str, confirm: Confirm, where: Path, work: Path) -> Installed:
    with archive.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
        if wanted and digest != wanted:
            raise BinariesError(
                f"{name} has the SHA-256 {digest}, and not {wanted}", "do not use it: get the archive again"
            )
        if known := _linked(where, digest):
            return Installed(known.version, where, digest, already=True)
        if not wanted and not confirm(name, digest):
            raise NotConfirmed(
                f"{name} has the SHA-256 {digest}, and nobody has said that this is the right one",
                "compare it with one that you trust, then give it with --sha256",
            )
        file.seek(0)
        programs = work / "programs"
        programs.mkdir()
        release.unpack(file, name, programs)
    version = binaries.at(programs).version
    target = where.with_name(f"{re.sub(r'[^0-9A-Za-z.]', '_', version)}-{digest}")
    sync_tree(programs)
    if not _works(target):  # one that works, another command has put there just now
        rmtree(target, ignore_errors=True)
        programs.rename(target)
    _link(where, target, work)
    _remove_others(where, target)
    return Installed(version, where, digest, already=False)


def _linked(where: Path, digest: str) -> Binaries | None:
    """The programs that are linked, where they are of the archive with this digest, and work."""
    if not where.is_symlink() or not where.readlink().name.endswith(f"-{digest}"):
        return None
    return _works(where)


def _works(folder: Path) -> Binaries | None:
    try:
        return binaries.at(folder)
    except BinariesError:
        return None


def _link(where: Path, target: Path, work: Path) -> None:
    link = work / "bin"
    link.symlink_to(target.name)
    link.replace(where)
    sync_folder(where.parent)


def _remove_others(where: Path, target: Path) -> None:
    """Remove earlier releases: running programs keep their files."""
    for path in where.parent.iterdir():
        if path.is_dir() and not path.is_symlink() and path != target and re.fullmatch(r"\d.*-[0-9a-f]{64}", path.name):
            rmtree(path, ignore_errors=True)
