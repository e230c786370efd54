"""A network that another version of this program made goes on with the registry that its peers have installed."""

from pathlib import Path

import pytest

from network import control
from network.fabric import nodes
from network.folder import Engine, Folder
from network.registry import LABEL, registry_package
from network.topology import CHANNEL
from node_client import Gateway
from node_client.admin._sync.lifecycle import Lifecycle
from node_client.protocol.chaincode_package import ServiceTls, package_id, service_package
from tests.conftest import Commands
from tests.scenarios.seeking import profile_of, write_something

# What Python runs first in every process: packages' files are their owner's alone there, which makes other bytes.
OTHER_VERSION = """
import tarfile

class TarInfo(tarfile.TarInfo):
    def __init__(self, name=""):
        super().__init__(name)
        self.mode = 0o600

tarfile.TarInfo = TarInfo
"""


def installed(folder: Folder) -> dict[str, set[str]]:
    """What each organisation's peer has installed: package ids."""
    found = {}
    for one in folder.topology().organisations:
        with Gateway.from_profile(profile_of(folder, one.name), one.name, "admin") as gateway:
            found[one.name] = {package.package_id for package in Lifecycle(gateway, CHANNEL).installed()}
    return found


def made_now(folder: Folder) -> set[str]:
    """The ids of the packages that this version makes for the network."""
    if folder.engine is Engine.EMBEDDED:
        return {package_id(LABEL, registry_package())}
    found = set()
    for one in folder.topology().organisations:
        keys = folder.organisation(one.name) / "registry"
        tls = ServiceTls(*((keys / name).read_bytes() for name in ("ca.crt", "client.key", "client.crt")))
        found.add(package_id(LABEL, service_package(LABEL, nodes.registry(one).address, tls)))
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder.at(tmp_path / "net")


def up(folder: Folder, home: Path, **environment: str) -> None:
    result = Commands(folder, home)("network", "up", "--ports", "auto", **environment)
    assert result.status == 0, result


def test_a_network_made_by_another_version_keeps_its_registry(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "sitecustomize.py").write_text(OTHER_VERSION, encoding="utf-8")
    try:
        up(folder, tmp_path, PYTHONPATH=str(tmp_path / "other"))
        before = installed(folder)
        assert not set().union(*before.values()) & made_now(folder)
        control.down(folder)
        control.up(folder)
        assert installed(folder) == before
        assert write_something(folder)
    finally:
        control.down(folder)
