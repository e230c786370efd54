"""Where sources are tried: nothing stays, of what was killed neither, and nobody takes another's folder away."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from node_client.anchoring.checking import check
from node_client.anchoring.holding import erase
from node_client.anchoring.manifest import Manifest
from node_client.anchoring.members import Members
from node_client.anchoring.options import Control, Options
from node_client.anchoring.trial_folder import sweep, trial_folder
from node_client.certificates.register import Register
from tests.unit.node_client.anchoring.registers import HEADER, ISSUER, LEDGER, lines, members, reader, rows

# Tries something and dies by SIGKILL.
DYING = """
import os, signal, sys
from pathlib import Path
from node_client.anchoring.trial_folder import trial_folder

with trial_folder(Path(sys.argv[1])) as folder:
    (folder / "register.db").write_text("references")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def left_by_one_that_was_killed(beside: Path) -> Path:
    subprocess.run([sys.executable, "-c", DYING, str(beside)], check=False)
    (left,) = beside.glob(".trying-*")
    assert (left / "register.db").read_text() == "references"
    return left


def test_it_is_private_and_goes_away(tmp_path: Path) -> None:
    with trial_folder(tmp_path) as folder:
        assert (folder.parent, folder.stat().st_mode & 0o777) == (tmp_path, 0o700)
    assert not list(tmp_path.iterdir())


def test_of_one_that_was_killed_it_is_removed(tmp_path: Path) -> None:
    left_by_one_that_was_killed(tmp_path)
    sweep(tmp_path)
    assert not list(tmp_path.iterdir())


def test_while_a_source_is_tried_its_folder_stays(tmp_path: Path) -> None:
    left_by_one_that_was_killed(tmp_path)
    with trial_folder(tmp_path) as one:
        with trial_folder(tmp_path) as other:
            sweep(tmp_path)
            assert sorted(tmp_path.iterdir()) == sorted((one, other))
        sweep(tmp_path)
        assert sorted(tmp_path.iterdir()) == [one]
    sweep(tmp_path)
    assert not list(tmp_path.iterdir())


def again(register: Path, manifest: Path) -> None:
    with Manifest(manifest) as source:
        check(source, register, ISSUER, LEDGER, Options(), Control())


def forget(register: Path, manifest: Path) -> None:
    with Manifest(manifest) as source:
        run, _ = reader(register, Options()).source(source)
    (one,) = members(register, run)
    with Register(register) as opened:
        found = Members(opened).find(one.certificate_id)
        assert found
        erase(opened, found)


@pytest.mark.parametrize("command", [again, forget], ids=["another dry run", "erasing"])
def test_what_a_killed_dry_run_left_goes_with_the_next_command(
    tmp_path: Path, command: Callable[[Path, Path], None]
) -> None:
    manifest = tmp_path / "manifest.csv"
    manifest.write_bytes(lines(HEADER, *rows(range(1))))
    left = left_by_one_that_was_killed(tmp_path)
    command(tmp_path / "register.db", manifest)
    assert not left.exists()
