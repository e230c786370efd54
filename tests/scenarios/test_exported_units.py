"""Fabric's nodes, started as their systemd units say and not by the keeper: nothing that they need is missing."""

import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from network import control
from network.folder import Folder
from tests.conftest import Commands
from tests.scenarios.deploying import patiently
from tests.unit.network.fabric.test_units import settings

pytestmark = pytest.mark.fabric


@contextmanager
def running(units: Path) -> Iterator[None]:
    """Run every unit's command with the little environment that systemd gives, and its EnvironmentFile."""
    processes = []
    for path in sorted((units / "etc" / "systemd" / "system").glob("*.service")):
        said = settings(path.read_text())
        (file,), (folder,), (command,) = said["EnvironmentFile"], said["WorkingDirectory"], said["ExecStart"]
        variables = dict(one.partition("=")[::2] for one in shlex.split((units / file.removeprefix("/")).read_text()))
        processes.append(
            subprocess.Popen(
                shlex.split(command),
                cwd=folder,
                env={"PATH": os.defpath, "HOME": "/nonexistent", "LANG": "C.UTF-8", **variables},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=60)


@contextmanager
def out_of_sight(paths: list[Path]) -> Iterator[None]:
    """Move what no node may see out of the way."""
    moved = [(path, path.with_name(f"{path.name}.hidden")) for path in paths if path.exists()]
    for path, aside in moved:
        path.rename(aside)
    try:
        yield
    finally:
        for path, aside in moved:
            aside.rename(path)


def test_nodes_serve_as_their_units_start_them(own_network: Folder, tmp_path: Path) -> None:
    commands = Commands(own_network, tmp_path)
    commands.ok("issue", commands.document("before.pdf"))
    control.down(own_network)
    (done,) = commands.ok("network", "export-units", "units")
    units = tmp_path / "units"
    assert len(done["files"]) == 9 + 9 + 3
    hidden = [
        {Path(shlex.split(one)[0].removeprefix("-")) for one in settings(path.read_text())["InaccessiblePaths"]}
        for path in (units / "etc" / "systemd" / "system").glob("*.service")
    ]
    for_nobody = sorted(set.intersection(*hidden))
    assert own_network.organisation("City") / "ca" in for_nobody
    for path in (units / "etc" / "certledger").iterdir():
        assert path.stat().st_mode & 0o077 == 0
    people = [path for path in for_nobody if path.name not in ("users", "register.db")]  # the commands here need these
    with out_of_sight(people), running(units):

        def issued() -> None:
            assert commands("issue", "after.pdf").status == 0

        commands.document("after.pdf")
        patiently(issued, AssertionError)
        (verdict,) = commands.ok("verify", "before.pdf")
        assert verdict["verdict"] == "genuine"


def test_what_is_no_site_of_nodes_has_no_units(commands: Commands, tmp_path: Path) -> None:
    site = Commands(Folder.at(tmp_path / "site"), tmp_path)
    site.ok("network", "init-org", "City")
    refused = site("network", "export-units", "units")
    assert refused.status == 2
    assert "channel-block" in refused.messages
    refused = commands("network", "export-units", "units", "--user", "Root!")
    assert refused.status == 2
    assert "no name of a system user" in refused.messages
    assert not (commands.home / "units").exists()
