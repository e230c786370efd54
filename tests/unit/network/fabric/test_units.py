"""systemd units: what they forbid, how odd names are written, and that systemd takes them, where it is here."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from network.errors import ConfigurationError
from network.fabric import units
from network.fabric.units import Service

ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not here")

PEER = Service(
    name="peer0.city",
    description="peer of City",
    user="certledger",
    arguments=("/opt/fabric/peer", "node", "start"),
    environment={"FABRIC_CFG_PATH": "/srv/site/fabric/peer0.city"},
    folder=Path("/srv/site/fabric/peer0.city"),
    hidden=(Path("/srv/site/City/ca"), Path("/srv/site/City/users")),
    after=("registry.city",),
    ports=(7051, 7056),
)


def settings(unit: str) -> dict[str, list[str]]:
    """A unit's settings, by name."""
    found: dict[str, list[str]] = {}
    for line in unit.splitlines():
        name, mark, value = line.partition("=")
        if mark and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def test_a_node_is_in_a_sandbox() -> None:
    said = settings(units.service_unit(PEER))
    assert said["ExecStart"] == ["/opt/fabric/peer node start"]
    assert said["User"] == said["Group"] == ["certledger"]
    assert said["ReadWritePaths"] == ["/srv/site/fabric/peer0.city"]
    assert said["InaccessiblePaths"] == ["-/srv/site/City/ca", "-/srv/site/City/users"]
    assert said["EnvironmentFile"] == ["/etc/certledger/peer0.city.env"]
    assert said["ProtectSystem"] == ["strict"]
    assert said["Restart"] == ["always"]
    assert said["CapabilityBoundingSet"] == [""]
    for switch in ("NoNewPrivileges", "PrivateTmp", "PrivateDevices", "ProtectHome", "RestrictNamespaces"):
        assert said[switch] == ["yes"]
    assert "certledger-registry.city.service" in said["After"][0].split()
    assert said["PartOf"] == said["WantedBy"] == ["certledger.target"]
    assert settings(units.target_unit("nodes of City"))["WantedBy"] == ["multi-user.target"]


def test_what_is_in_a_home_is_read_and_not_written() -> None:
    for changed in (
        replace(PEER, folder=Path("/home/city/site/fabric/peer0.city")),
        replace(PEER, arguments=("/root/bin/peer", "node", "start")),
    ):
        assert settings(units.service_unit(changed))["ProtectHome"] == ["read-only"]


def test_ports_that_take_a_privilege_get_just_that_one() -> None:
    said = settings(units.service_unit(replace(PEER, ports=(443,))))
    assert said["CapabilityBoundingSet"] == said["AmbientCapabilities"] == ["CAP_NET_BIND_SERVICE"]


def test_variables_are_written_so_that_systemd_reads_them_as_they_are() -> None:
    text = units.environment_text({"B": 'a "b" \\ $HOME `x`', "A": "plain"})
    assert text == 'A="plain"\nB="a \\"b\\" \\\\ \\$HOME \\`x\\`"\n'


@pytest.mark.parametrize("user", ["", "Root", "a b", "x;y", "-x", "a" * 40, "root\n"])
def test_users_that_are_none(user: str) -> None:
    with pytest.raises(ConfigurationError, match="no name of a system user"):
        units.check_user(user)


def test_line_breaks_are_refused() -> None:
    for changed in (
        replace(PEER, folder=Path("/srv/a\nExecStartPre=x")),
        replace(PEER, arguments=("/x", "a\nb")),
        replace(PEER, hidden=(Path("/a\nb"),)),
        replace(PEER, description="a\nb"),
    ):
        with pytest.raises(ConfigurationError, match="cannot stand in a unit"):
            units.service_unit(changed)
    with pytest.raises(ConfigurationError, match="no program with quotes"):
        units.service_unit(replace(PEER, arguments=('/opt/"fabric"/peer',)))
    with pytest.raises(ConfigurationError, match="more than one line"):
        units.environment_text({"A": "a\nb"})


ODD = 'a site\'s %n $1 \\ "folder"'


@needs_systemd
@pytest.mark.parametrize("name", ["site", ODD])
def test_systemd_takes_them(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    program, folder, target = tmp_path / "a %n bin $1" / "peer", home / "fabric" / "peer0.city", tmp_path / "units"
    for path in (program.parent, folder, target):
        path.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    peer = replace(PEER, arguments=(str(program), "node", "50% of $HOME"), folder=folder, hidden=(home / "City",))
    registry = replace(peer, name="registry.city", after=())
    for one in (peer, registry):
        (target / units.unit_name(one.name)).write_text(units.service_unit(one))
    (target / units.TARGET).write_text(units.target_unit("nodes of City"))
    done = analyze("verify", *sorted(target.iterdir()), variables={"SYSTEMD_UNIT_PATH": f"{target}:"})
    assert done.returncode == 0, done
    assert str(target) not in done.stderr, done
    program.unlink()  # its path reached systemd as it is: without the program it says so
    refused = analyze("verify", *sorted(target.iterdir()), variables={"SYSTEMD_UNIT_PATH": f"{target}:"})
    assert refused.returncode != 0
    assert f"{program} is not executable" in refused.stderr


@needs_systemd
def test_systemd_finds_little_exposed(tmp_path: Path) -> None:
    path = tmp_path / "certledger-peer0.city.service"
    path.write_text(units.service_unit(PEER))
    done = analyze("security", "--no-pager", "--offline=true", "--threshold=20", path)
    assert done.returncode == 0, done.stdout[-500:]


def analyze(*arguments: str | Path, variables: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    assert ANALYZE
    return subprocess.run(
        [ANALYZE, *arguments], env=variables or {}, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.skipif(shutil.which("systemd-sysusers") is None, reason="systemd-sysusers is not here")
def test_the_user_and_the_folders_are_made_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "etc" / "sysusers.d").mkdir(parents=True)
    (tmp_path / "etc" / "sysusers.d" / "certledger.conf").write_text(
        units.sysusers_text("certledger", Path("/srv/a site"))
    )
    subprocess.run(["systemd-sysusers", f"--root={tmp_path}"], check=True, capture_output=True, timeout=60)
    (line,) = [one for one in (tmp_path / "etc" / "passwd").read_text().splitlines() if one.startswith("certledger:")]
    assert line.split(":")[5:] == ["/srv/a site", "/usr/sbin/nologin"]
    (tmp_path / "srv" / "a site").mkdir(parents=True)
    (tmp_path / "etc" / "tmpfiles.d").mkdir()
    folders = [Path("/srv/a site/fabric"), Path("/srv/a site/fabric/peer0.city")]
    (tmp_path / "etc" / "tmpfiles.d" / "certledger.conf").write_text(
        units.tmpfiles_text("certledger", Path("/srv/a site"), folders)
    )
    arguments = ["systemd-tmpfiles", "--create", f"--root={tmp_path}", "certledger.conf"]
    done = subprocess.run(arguments, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done
    assert (tmp_path / "srv" / "a site" / "fabric" / "peer0.city").is_dir()
