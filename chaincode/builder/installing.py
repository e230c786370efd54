"""The builder's folder, as a peer's core.yaml names it."""

import shlex
import sys
from pathlib import Path

from chaincode.builder.programs import NAMES


def install(folder: Path, interpreter: str = sys.executable) -> None:
    """Write `bin/detect`, `bin/build`, `bin/release` and `bin/run`, over older ones.

    Args:
        folder: the builder's folder; made when it is not there.
        interpreter: a Python that has this package.

    Raises:
        OSError: it cannot be written.
    """
    bin_folder = folder / "bin"
    bin_folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        path = bin_folder / name
        text = f'#!/bin/sh\nexec {shlex.quote(interpreter)} -P -m chaincode.builder {name} "$@"\n'
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
