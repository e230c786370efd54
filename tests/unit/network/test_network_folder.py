"""A network's folder: made whole or not at all, known by its stamp, and never taken for something else."""

import errno
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from network import folder as folder_module
from network.errors import ConfigurationError, FolderError
from network.folder import FORMAT, STAMP, Engine, Folder, default_folder
from network.topology import default_configtx


def fill(path: Path) -> None:
    (path / "configtx.yaml").write_text(default_configtx(), encoding="utf-8")
    (path / "City").mkdir()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder in which a network has been made."""
    folder = Folder.at(tmp_path / "net")
    folder.make(fill)
    return folder


def others(folder: Folder) -> list[str]:
    """What lies beside the folder, and should not."""
    return sorted(path.name for path in folder.path.parent.iterdir() if path != folder.path)


def test_a_folder_that_is_not_there_holds_no_network(tmp_path: Path) -> None:
    folder = Folder.at(tmp_path / "net")
    assert not folder.exists
    for ask in (folder.require, folder.remove, folder.topology, lambda: folder.engine, lambda: folder.lock):
        with pytest.raises(FolderError, match="there is no network in") as caught:
            ask()
        assert "certledger network up" in caught.value.next_step


def test_what_was_made_is_there_and_says_what_it_is(folder: Folder) -> None:
    assert folder.exists
    assert json.loads((folder.path / STAMP).read_text()) == {"format": FORMAT, "engine": "embedded"}
    assert folder.engine is Engine.EMBEDDED
    assert [one.name for one in folder.topology().organisations] == ["City", "Nishitetsu", "TriValley"]
    assert folder.organisation("City") == folder.path / "City"
    assert folder.lock == folder.path / "embedded" / "lock"
    assert others(folder) == []


def test_a_folder_keeps_its_engine(tmp_path: Path) -> None:
    folder = Folder.at(tmp_path / "net")
    folder.make(fill, Engine.FABRIC)
    assert folder.engine is Engine.FABRIC
    assert folder.home == folder.path / "fabric"


def test_a_folder_from_before_there_were_engines_is_the_embedded_ones(folder: Folder) -> None:
    (folder.path / STAMP).write_text(json.dumps({"format": FORMAT}))
    assert folder.engine is Engine.EMBEDDED


def test_only_its_owner_may_look_into_a_new_folder(folder: Folder) -> None:
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700


def test_a_network_is_made_in_a_folder_that_is_there_and_empty(tmp_path: Path) -> None:
    folder = Folder.at(tmp_path / "net")
    folder.path.mkdir()
    assert not folder.exists
    folder.make(fill)
    assert folder.exists


def test_folders_that_lead_to_it_are_made(tmp_path: Path) -> None:
    folder = Folder.at(tmp_path / "a" / "b" / "net")
    folder.make(fill)
    assert folder.exists


@pytest.mark.parametrize("content", ["a file in it", "a file"])
def test_something_else_is_left_alone(tmp_path: Path, content: str) -> None:
    folder = Folder.at(tmp_path / "net")
    if content == "a file":
        folder.path.write_text("somebody's")
    else:
        folder.path.mkdir()
        (folder.path / "somebody's").write_text("text")
    for ask in (lambda: folder.exists, folder.require, folder.remove, folder.topology):
        with pytest.raises(FolderError, match="is not a network's folder, and not empty"):
            ask()
    with pytest.raises(FolderError):
        folder.make(fill)
    assert folder.path.exists()
    assert others(folder) == []


@pytest.mark.parametrize("found", [0, 2, 999, "1", None, [1], {}])
def test_a_folder_of_another_format_is_refused_and_left_alone(folder: Folder, found: object) -> None:
    (folder.path / STAMP).write_text(json.dumps({"format": found}))
    for ask in (lambda: folder.exists, folder.require, folder.remove, folder.topology, lambda: folder.engine):
        with pytest.raises(FolderError, match="was made by another version of certledger") as caught:
            ask()
        assert "use that version" in caught.value.next_step
    assert (folder.path / "City").exists()


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"7", b"{}", b"null", b"\xff\xfe", b'"format"'])
def test_a_damaged_stamp_is_told_of(folder: Folder, text: bytes) -> None:
    (folder.path / STAMP).write_bytes(text)
    for ask in (lambda: folder.exists, folder.remove, lambda: folder.engine):
        with pytest.raises(FolderError, match="is damaged"):
            ask()
    assert (folder.path / "City").exists()


@pytest.mark.parametrize("engine", ["steam", 7, None, []])
def test_an_engine_that_is_not_known_is_refused(folder: Folder, engine: object) -> None:
    (folder.path / STAMP).write_text(json.dumps({"format": FORMAT, "engine": engine}))
    assert folder.exists
    with pytest.raises(FolderError, match="an engine that is not known"):
        _ = folder.engine


def test_a_stamp_that_cannot_be_read_is_told_of(folder: Folder) -> None:
    (folder.path / STAMP).unlink()
    (folder.path / STAMP).mkdir()
    with pytest.raises(FolderError, match="cannot be read"):
        _ = folder.exists


@pytest.mark.parametrize("damage", ["missing", "no text", "no YAML"])
def test_a_configtx_that_is_not_there_or_none_is_told_of(folder: Folder, damage: str) -> None:
    path = folder.path / "configtx.yaml"
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(b"\xff\xfe" if damage == "no text" else b"{")
    with pytest.raises(FolderError if damage != "no YAML" else ConfigurationError):
        folder.topology()


def failing(number: int) -> Callable[[Path], None]:
    def fail(path: Path) -> None:
        fill(path)
        raise OSError(number, os.strerror(number))

    return fail


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    folder = Folder.at(tmp_path / "net")
    with pytest.raises(FolderError, match="cannot be written: .*No space left"):
        folder.make(failing(errno.ENOSPC))
    assert list(tmp_path.iterdir()) == []


def test_whatever_goes_wrong_leaves_nothing(tmp_path: Path) -> None:
    def fail(path: Path) -> None:
        fill(path)
        raise ConfigurationError("configtx.yaml cannot be used")

    with pytest.raises(ConfigurationError):
        Folder.at(tmp_path / "net").make(fail)
    assert list(tmp_path.iterdir()) == []


def test_a_parent_that_is_no_folder_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    for place in ("file/net", "file/a/net"):
        with pytest.raises(FolderError, match="cannot be made"):
            Folder.at(tmp_path / place).make(fill)


def test_a_parent_that_cannot_be_written_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> str:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(folder_module, "mkdtemp", refuse)  # the rights of a folder do not keep root out
    with pytest.raises(FolderError, match="cannot be made: .*Permission denied") as caught:
        Folder.at(tmp_path / "net").make(fill)
    assert "--dir" in caught.value.next_step


def test_of_two_who_make_a_network_at_once_one_does_and_the_other_is_told(tmp_path: Path) -> None:
    folder = Folder.at(tmp_path / "net")

    def overtaken(path: Path) -> None:
        fill(path)
        folder.make(fill)
        (folder.path / "first").touch()

    with pytest.raises(FolderError, match="another command has just made the network") as caught:
        folder.make(overtaken)
    assert caught.value.next_step == "run the command again"
    assert folder.exists
    assert (folder.path / "first").exists()
    assert others(folder) == []


def test_a_network_is_removed_with_everything(folder: Folder) -> None:
    (folder.path / "City" / "key.pem").write_text("key")
    folder.remove()
    assert not folder.exists
    assert list(folder.path.parent.iterdir()) == []


def test_what_could_not_be_removed_is_named_and_is_no_network(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop_half_way(path: Path) -> None:
        (path / STAMP).unlink()
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    monkeypatch.setattr(folder_module, "rmtree", stop_half_way)
    with pytest.raises(FolderError, match="cannot be removed") as caught:
        folder.remove()
    (left,) = folder.path.parent.iterdir()
    assert str(left) in caught.value.next_step
    assert not folder.exists  # a new one can be made


def test_the_default_is_what_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CERTLEDGER_DIR", "/somewhere/net")
    assert default_folder() == Path("/somewhere/net")
    for value in ("", None):
        monkeypatch.delenv("CERTLEDGER_DIR") if value is None else monkeypatch.setenv("CERTLEDGER_DIR", value)
        assert default_folder() == Path(".certledger")


def test_a_folder_is_where_it_was_named_whatever_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Folder.at(Path("net"))
    monkeypatch.chdir("/")
    assert folder.path == tmp_path / "net"
