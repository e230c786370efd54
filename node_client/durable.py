"""Changes on the disk that survive a crash of the machine: whole or not at all, and synced before they return."""

import errno
import os
from pathlib import Path
from secrets import token_hex


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


def replace_file(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Put data in the place of a file, or make it.

    Args:
        mode: who may use it, as far as the process's mask lets them.

    Raises:
        OSError: it cannot be written; what was there is there.
    """
    temporary = path.with_name(f".{path.name}-{token_hex(8)}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_tree(folder: Path) -> None:
    """Make a folder durable with everything in it; its own name in its parent is not."""
    for path in folder.iterdir():
        if path.is_symlink():
            continue
        if path.is_dir():
            sync_tree(path)
        else:
            _sync_file(path)
    sync_folder(folder)


def _sync_file(path: Path) -> None:
    # Windows syncs only what is open for writing.
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
