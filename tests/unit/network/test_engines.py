"""What a folder's engine allows, and what the embedded one has not."""

from pathlib import Path

import pytest

from network import control
from network.embedded.running import EmbeddedProcess
from network.engine import engine_of, named
from network.errors import BinariesError, ConfigurationError, NetworkError, NotRunning
from network.fabric import binaries
from network.fabric.running import FabricNetwork
from network.folder import Engine, Folder


@pytest.fixture(scope="module", params=list(Engine), ids=str)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """A network that was made and not started, though Fabric's programs may not be here."""
    folder = Folder.at(tmp_path_factory.mktemp("engine") / "net")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(binaries, "find", lambda: None)
        control.create(folder, engine=request.param)
    return folder


def test_a_folder_is_run_by_the_engine_that_it_was_made_for(folder: Folder) -> None:
    kind = FabricNetwork if folder.engine is Engine.FABRIC else EmbeddedProcess
    assert isinstance(engine_of(folder), kind)
    assert folder.home == folder.path / folder.engine


def test_another_engine_is_refused(folder: Folder) -> None:
    (other,) = set(Engine) - {folder.engine}
    with pytest.raises(NetworkError, match=f"made for the engine {folder.engine}, not {other}") as caught:
        control.up(folder, engine=other)
    assert "--engine" in caught.value.next_step


def test_what_does_not_run_says_so(folder: Folder) -> None:
    status = control.status(folder)
    assert (status.engine, status.running, status.pid) == (folder.engine, False, None)
    assert [one.height for one in status.organisations] == [None] * 3
    assert [(one.pid, one.height, one.leader) for one in status.nodes] == [(None, None, None)] * len(status.nodes)
    assert len(status.nodes) == (9 if folder.engine is Engine.FABRIC else 0)
    assert control.logs(folder) == []
    assert control.down(folder) is False


def test_nodes_of_what_does_not_run_cannot_be_restarted(folder: Folder) -> None:
    if folder.engine is Engine.FABRIC:
        with pytest.raises(NotRunning):
            control.restart(folder, "PEER0.City")
        with pytest.raises(ConfigurationError, match="no peer9"):
            control.restart(folder, "peer9.city")
    else:
        with pytest.raises(NetworkError, match="one process"):
            control.restart(folder, "peer0.city")


def test_without_fabrics_programs_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FABRIC_BIN", str(tmp_path / "nowhere"))
    with pytest.raises(BinariesError):
        control.up(Folder.at(tmp_path / "net"), engine=Engine.FABRIC)
    assert list(tmp_path.iterdir()) == []


def test_names_are_taken_in_any_case() -> None:
    assert named("PEER0.city", ["orderer0.city", "peer0.city"]) == "peer0.city"
    with pytest.raises(ConfigurationError) as caught:
        named("peer1.city", ["peer0.city", "registry.city"])
    assert caught.value.next_step == "use one of: peer0.city, registry.city"
