"""One process a folder: a lock that ends with the process that holds it, however that ends."""

import errno
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _is_alive(pid: int) -> bool:
        return True  # asking would end it
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _is_alive(pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except PermissionError:
            return True
        return True


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
    """The id of the process that holds the lock, or None; 0 when it does not say which it is."""
    try:
        descriptor = _open(path)
    except FileNotFoundError:
        return None
    try:
        if _take(descriptor):
            return None
        deadline = time.monotonic() + MOMENT
        # It may have only just got it, with the id still there of one that held it before and was killed. That one's
        # id may be another program's by now, but hardly at this very moment.
        while not (pid := _stated(path)) or not _is_alive(pid):
            if time.monotonic() > deadline:
                return 0
            time.sleep(POLL)
        return pid
    finally:
        os.close(descriptor)


def _stated(path: Path) -> int:
    text = path.read_bytes()
    return int(text) if re.fullmatch(rb"[1-9][0-9]{0,9}", text) else 0


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
