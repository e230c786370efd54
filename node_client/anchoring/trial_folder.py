"""Where a source is tried: a folder beside the register, as private as the register, that does not stay.

What is tried holds references. Whoever tries a source removes its folder; of one that was killed the next run does.
Nobody removes the folder of one that goes on: whoever tries a source shares the lock of the folder that all of these
are in, and whoever removes has that lock alone. A lock ends with its process, however that ends.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

_PREFIX = ".trying-"

if sys.platform == "win32":

    @contextmanager
    def _locked(folder: Path, *, alone: bool) -> Iterator[bool]:
        yield not alone  # folders have no locks there: what a killed process left stays
else:
    import fcntl

    @contextmanager
    def _locked(folder: Path, *, alone: bool) -> Iterator[bool]:
        """Hold a folder's lock. Gives whether it is held: others may have it, or the file system may have no locks."""
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH)
            except OSError:
                yield False
            else:
                yield True
        finally:
            os.close(descriptor)


@contextmanager
def trial_folder(beside: Path) -> Iterator[Path]:
    """A new folder, until the block ends.

    Args:
        beside: the folder to make it in.

    Raises:
        OSError: it cannot be made.
    """
    with _locked(beside, alone=False), TemporaryDirectory(dir=beside, prefix=_PREFIX) as folder:
        yield Path(folder)


def sweep(beside: Path) -> None:
    """Remove the folders of those who were killed, unless a source is being tried now.

    Args:
        beside: the folder that they are in.

    Raises:
        OSError: it cannot be read.
    """
    with _locked(beside, alone=True) as held:
        for folder in beside.glob(f"{_PREFIX}*") if held else ():
            shutil.rmtree(folder, ignore_errors=True)
