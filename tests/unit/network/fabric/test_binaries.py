"""Where Fabric's programs are looked for, and which are taken."""

from collections.abc import Callable
from pathlib import Path

import pytest

from network.errors import BinariesError
from network.fabric import binaries
from network.fabric.binaries import find, parse_version

Place = Callable[..., Path]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A folder with programs that say a version."""

    def made(name: str, *, version: str = "v3.1.5", programs: tuple[str, ...] = ("peer", "orderer")) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        for program in programs:
            path = folder / program
            path.write_text(f"#!/bin/sh\nprintf '{program}:\\n Version: {version}\\n Commit SHA: 1\\n'\n")
            path.chmod(0o755)
        return folder

    return made


def test_named_folder_then_path_then_cache(place: Place, tmp_path: Path) -> None:
    cached = place("cache/certledger/fabric/bin", version="3.1.1")
    onpath, named = place("path", version="3.1.2"), place("named", version="3.1.3")
    environment = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    assert find({**environment, "FABRIC_BIN": str(named), "PATH": str(onpath)}).peer == named / "peer"
    assert find({**environment, "PATH": str(onpath)}).orderer == onpath / "orderer"
    assert find({**environment, "PATH": ""}).peer == cached / "peer"
    assert find(environment).version == "3.1.1"
    home = place("home/.cache/certledger/fabric/bin")
    assert find({"HOME": str(tmp_path / "home"), "PATH": ""}).peer == home / "peer"


def test_named_folder_without_them_is_an_error_even_when_path_has_them(place: Place) -> None:
    onpath, named = place("path"), place("named", programs=("peer",))
    with pytest.raises(BinariesError, match="FABRIC_BIN is .*named, which has no program orderer") as caught:
        find({"FABRIC_BIN": str(named), "PATH": str(onpath)})
    assert "FABRIC_BIN" in caught.value.next_step


def test_nowhere(tmp_path: Path) -> None:
    with pytest.raises(BinariesError, match="FABRIC_BIN is not set") as caught:
        find({"HOME": str(tmp_path), "PATH": ""})
    assert "v3.1" in caught.value.next_step


@pytest.mark.parametrize("version", ["2.5.9", "3.0.0", "4.0.0"])
def test_other_versions_are_refused(place: Place, version: str) -> None:
    folder = place("old", version=version)
    with pytest.raises(BinariesError, match=f"is of version {version}, and Fabric v3.1 is needed"):
        find({"FABRIC_BIN": str(folder)})


def test_versions_that_differ_are_refused(place: Place) -> None:
    folder = place("mixed")
    (folder / "orderer").write_text("#!/bin/sh\necho ' Version: 3.1.4'\n")
    with pytest.raises(BinariesError, match="different versions"):
        find({"FABRIC_BIN": str(folder)})


@pytest.mark.parametrize("text", ["#!/bin/sh\necho hello\n", "#!/nowhere/at/all\n", "\x7fELF nothing"])
def test_what_is_no_program_of_fabric(place: Place, text: str) -> None:
    folder = place("wrong")
    (folder / "peer").write_text(text)
    with pytest.raises(BinariesError, match="does not run|not a program of Fabric") as caught:
        find({"FABRIC_BIN": str(folder)})
    assert str(folder / "peer") in str(caught.value)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("peer:\n Version: 3.1.5\n Go version: go1.26.8\n", ("3.1.5", 3, 1)),
        ("orderer:\n Version: v3.2.0-beta\n", ("3.2.0-beta", 3, 2)),
        (" Go version: go1.26.8\n", None),
        ("", None),
    ],
)
def test_version_as_programs_print_it(text: str, version: tuple[str, int, int] | None) -> None:
    assert parse_version(text) == version


def test_cache_is_the_users() -> None:
    assert binaries.cache({"XDG_CACHE_HOME": "/c"}) == Path("/c/certledger/fabric/bin")
    assert binaries.cache({"HOME": "/h"}) == Path("/h/.cache/certledger/fabric/bin")
