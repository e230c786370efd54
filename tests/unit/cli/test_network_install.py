"""`certledger network install`, as scripts and people run it."""

import os
import pty
from hashlib import sha256
from pathlib import Path

import pytest

from network.folder import Folder
from tests.conftest import DEADLINE, Commands, certledger
from tests.unit.network.fabric.test_release_archives import archive


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "fabric.tar.gz").write_bytes(archive())
    return tmp_path


def environment(home: Path) -> dict[str, str]:
    return {"XDG_CACHE_HOME": str(home / "cache"), "FABRIC_BIN": ""}


def test_a_script_gives_the_digest(home: Path) -> None:
    digest = sha256((home / "fabric.tar.gz").read_bytes()).hexdigest()
    command = ["network", "install", "--archive", "fabric.tar.gz", "--sha256", digest, "--json"]
    for already in (False, True):
        done = certledger(*command, cwd=home, **environment(home))
        assert done.status == 0, done
        (record,) = done.records
        assert record["fabricVersion"] == "3.1.5"
        assert record["already"] is already
        assert (Path(record["folder"]) / "peer").exists()


def test_without_one_nobody_can_be_asked(home: Path) -> None:
    done = certledger("network", "install", "--archive", "fabric.tar.gz", "--json", cwd=home, **environment(home))
    assert done.status == 2
    error = done.records[0]["error"]
    assert error["code"] == "not-confirmed"
    assert sha256((home / "fabric.tar.gz").read_bytes()).hexdigest() in error["message"]
    assert not (home / "cache" / "certledger" / "fabric" / "bin").exists()


@pytest.mark.parametrize("agrees", [True, False])
def test_somebody_at_a_terminal_is_shown_the_digest_and_asked(
    home: Path, agrees: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(home).items():
        monkeypatch.setenv(name, value)
    terminal, inside = pty.openpty()
    try:
        process = Commands(Folder.at(home / "net"), home).start(
            "network", "install", "--archive", "fabric.tar.gz", stdin=inside
        )
        os.write(terminal, b"y\n" if agrees else b"n\n")
        output, told = (one.decode() for one in process.communicate(timeout=DEADLINE))
    finally:
        os.close(terminal)
        os.close(inside)
    digest = sha256((home / "fabric.tar.gz").read_bytes()).hexdigest()
    assert told.index(f"fabric.tar.gz has the SHA-256 {digest}") < told.index("Is this the digest")
    assert process.returncode == (0 if agrees else 2), told
    assert ("Fabric 3.1.5 is installed" in output) is agrees
    assert (home / "cache" / "certledger" / "fabric" / "bin").exists() is agrees


def test_an_archive_of_another_digest_is_not_installed(home: Path) -> None:
    command = ["network", "install", "--archive", "fabric.tar.gz", "--sha256", 64 * "0", "--json"]
    done = certledger(*command, cwd=home, **environment(home))
    assert done.status == 2
    assert sha256((home / "fabric.tar.gz").read_bytes()).hexdigest() in done.records[0]["error"]["message"]
    assert not (home / "cache" / "certledger" / "fabric" / "bin").exists()


def test_one_place_at_a_time(home: Path) -> None:
    command = ["network", "install", "--archive", "fabric.tar.gz", "--url", "https://localhost/"]
    done = certledger(*command, cwd=home, **environment(home))
    assert done.status == 2
    assert "--archive" in done.messages
