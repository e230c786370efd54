"""One process a folder: a lock that ends with the process that holds it, however that ends."""

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


MOMENT = 1.0  # seconds; whoever only looks who holds a lock holds it much shorter
POLL = 0.01


class Held(Exception):
    """Another process holds the lock."""


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Hold the lock and write this process's id into its file. Raises Held when another process has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + MOMENT
        while not _take(descriptor):
            if time.monotonic() > deadline:
                raise Held(str(path))
            time.sleep(POLL)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def holder(path: Path) -> int | None:
    """The id of the process that holds the lock, or None."""
    try:
        descriptor = _open(path)
    except FileNotFoundError:
        return None
    try:
        if _take(descriptor):
            return None
        deadline = time.monotonic() + MOMENT
        while not (text := path.read_text()).isdigit():  # it has only just got it
            if time.monotonic() > deadline:
                return 0
            time.sleep(POLL)
        return int(text)
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR)
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES):
            raise
        return os.open(path, os.O_RDONLY)


def _take(descriptor: int) -> bool:
    try:
        _lock(descriptor)
    except OSError:
        return False
    return True
