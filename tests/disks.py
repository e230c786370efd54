"""Small disks of their own, to fill them: file systems in memory, which root may mount."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MEGABYTE = 1 << 20


def require_disks() -> None:
    """Skip the test where file systems cannot be mounted."""
    if os.name != "posix" or os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("only root can mount a small disk")


@contextmanager
def disk(place: Path, size: int, *options: str) -> Iterator[Path]:
    """An empty disk of so many bytes. Whoever uses it must have let go of it in the end."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", ",".join([f"size={size}", *options]), "tmpfs", place]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this system lets nobody mount a small disk")
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


@contextmanager
def full(folder: Path, left: int = 0) -> Iterator[Path]:
    """Fill a folder's disk, but for so many bytes. Yields the file that fills it: whoever removes it makes room."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        while (free := shutil.disk_usage(folder).free - left) > 0:
            file.write(bytes(min(free, MEGABYTE)))
    try:
        yield filler
    finally:
        filler.unlink(missing_ok=True)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let nobody write to a disk that nobody writes to now."""
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
