"""One process a folder: a lock that ends with the process that holds it, however that ends."""

import os
import sys
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


class Held(Exception):
    """Another process holds the lock."""


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Hold the lock and write this process's id into its file. Raises Held when another process has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            _lock(descriptor)
        except OSError as error:
            raise Held(str(path)) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def holder(path: Path) -> int | None:
    """The id of the process that holds the lock, or None."""
    try:
        with hold_briefly(path):
            return None
    except Held:
        text = path.read_text()
        return int(text) if text.isdigit() else 0
    except FileNotFoundError:
        return None


@contextmanager
def hold_briefly(path: Path) -> Iterator[None]:
    """Hold the lock without touching its file. Raises Held, FileNotFoundError."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        try:
            _lock(descriptor)
        except OSError as error:
            raise Held(str(path)) from error
        yield
    finally:
        os.close(descriptor)
