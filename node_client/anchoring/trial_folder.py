"""Where a source is tried: a folder beside the register, as private as the register, that does not stay.

What is tried holds references. Whoever tries a source removes its folder; of one that was killed the next run does.
A database in the folder, locked by whoever tries, tells the one from the other: SQLite's locks are on every platform,
and end with their process, however that ends. It is there before anything else; a folder without it holds nothing.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from node_client.certificates.register import usable

_PREFIX = ".trying-"
_LOCK = "lock.db"
_TAKE = "BEGIN EXCLUSIVE"


@contextmanager
def trial_folder(beside: Path) -> Iterator[Path]:
    """A new folder, until the block ends.

    Args:
        beside: the folder to make it in.

    Raises:
        OSError: it cannot be made.
        RegisterError: its lock cannot be made.
    """
    with TemporaryDirectory(dir=beside, prefix=_PREFIX) as name:
        folder = Path(name)
        with usable(folder / _LOCK):
            lock = sqlite3.connect(folder / _LOCK, isolation_level=None)
            lock.execute(_TAKE)
        with closing(lock):
            yield folder


def sweep(beside: Path) -> None:
    """Remove the folders of those who were killed.

    Args:
        beside: the folder that they are in.
    """
    for lock in beside.glob(f"{_PREFIX}*/{_LOCK}"):
        if _is_free(lock):
            shutil.rmtree(lock.parent, ignore_errors=True)


def _is_free(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as lock:
            lock.execute(_TAKE)
    except sqlite3.Error:
        return False  # somebody has it, or has removed it meanwhile
    return True
