"""`certledger network install`, as scripts and people run it."""

from hashlib import sha256
from pathlib import Path

import pytest

from tests.conftest import certledger
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


def test_one_place_at_a_time(home: Path) -> None:
    command = ["network", "install", "--archive", "fabric.tar.gz", "--url", "https://localhost/"]
    done = certledger(*command, cwd=home, **environment(home))
    assert done.status == 2
    assert "--archive" in done.messages
