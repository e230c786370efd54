"""Fabric's nodes, started as their systemd units say and not by the keeper: nothing that they need is missing."""

import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.exit_codes import ExitCode
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
    used = ("users", "register.db", "client.key")  # by the commands here
    people = [path for path in for_nobody if path.name not in used]
    with out_of_sight(people), running(units):

        def issued() -> None:
            assert commands("issue", "after.pdf").status == 0

        commands.document("after.pdf")
        patiently(issued, AssertionError)
        (verdict,) = commands.ok("verify", "before.pdf")
        assert verdict["verdict"] == "genuine"
        (status,) = commands.ok("network", "status")
        assert (status["running"], status["pid"], status["trouble"]) == (True, None, None)
        for node in status["nodes"]:
            asked = node["kind"] != "chaincode"
            assert (node["pid"], node["healthy"]) == (None, True if asked else None)
            assert (node["height"] is not None) == asked
            assert node["kind"] != "peer" or "registry 1" in node["chaincode"]
        assert sum(node["leader"] is True for node in status["nodes"]) == 1
        (approved,) = commands.ok("network", "approve")
        assert len(approved["packageIds"]) == 3
        (committed,) = commands.ok("network", "commit")
        assert committed["already"] is True
    commands.ok("network", "renew")  # the registry's keys are others then, and so is its package
    commands.ok("network", "export-units", "units")
    with running(units):

        def renewed() -> None:
            assert commands("network", "approve").status == 0
            assert commands("issue", "renewed.pdf").status == 0

        commands.document("renewed.pdf")
        patiently(renewed, AssertionError)
        (revoked,) = commands.ok("identity", "revoke", "City", "issuer", "--reason", "keyCompromise")
        assert revoked["block"]
        refused = commands("issue", commands.document("too late.pdf").name)
        assert refused.status == ExitCode.REFUSED, refused
    stopped = commands("network", "approve")
    assert stopped.status == 10
    assert "do not run" in stopped.messages


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
