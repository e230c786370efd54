"""Fabric's own programs, where they are: in the folder that FABRIC_BIN names, else on PATH."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def find(program: str) -> Path | None:
    """Where a program of Fabric is, such as `configtxgen`; None when it is not here."""
    folder = os.environ.get("FABRIC_BIN")
    found = shutil.which(program, path=folder) if folder else shutil.which(program)
    return Path(found).absolute() if found else None


def require(program: str) -> Path:
    """Where a program of Fabric is; the test is skipped when it is not here."""
    found = find(program)
    if found is None:
        pytest.skip(f"Fabric's {program} is not here: name its folder with FABRIC_BIN, or put it on PATH")
    return found


def configtxgen(folder: Path, profile: str, channel: str, output: Path) -> bytes | None:
    """The first block that configtxgen makes of the `configtx.yaml` in a folder; None when it refuses the file.

    Skips the test when configtxgen is not here.
    """
    program = require("configtxgen")
    done = subprocess.run(
        [program, "-configPath", folder, "-profile", profile, "-channelID", channel, "-outputBlock", output],
        cwd=folder,
        env={"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "FABRIC_LOGGING_SPEC": "error"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return output.read_bytes() if done.returncode == 0 else None
