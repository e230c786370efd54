"""Changes on the disk that survive a crash of the machine: whole or not at all, and synced before they return."""

import errno
import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make a change of names in a folder durable.

    Windows has no such call: there, renaming is journalled. Nor have some file systems.
    """
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder that is not there yet, with those that lead to it. Raises OSError."""
    folder = folder.absolute()
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def replace_file(path: Path, data: bytes) -> None:
    """Put data in the place of a file, or make it. One process at a time may replace a file.

    Raises:
        OSError: it cannot be written; what was there is there.
    """
    temporary = path.with_name(path.name + ".new")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)
