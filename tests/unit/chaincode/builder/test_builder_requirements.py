"""What a package requires: a virtual environment of its own, from its wheels or an index, and told when it fails."""

import json
import subprocess
import sys
import threading
import venv
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import copytree, rmtree

import pytest

from chaincode.builder import requirements
from chaincode.builder.errors import Failure, RequirementsError
from chaincode.builder.installing import install
from tests.unit.chaincode.builder.test_builder_programs import Package
from tests.wheels import wheel

# Tells where what it needs comes from.
CONTRACT = """
import json, os, sys
import chaincode.shim
import adding
print(json.dumps({
    "sum": adding.add(2, 3),
    "adding": adding.__file__,
    "shim": chaincode.shim.__file__,
    "prefix": sys.prefix,
    "environment": dict(os.environ),
}))
"""
ADDING = {"adding.py": "def add(a, b):\n    return a + b\n"}
FILES = {"launch.json": '{"module": "contract"}', "contract.py": CONTRACT, "requirements.txt": "adding\n"}
TOLD = dict.fromkeys(["chaincode_id", "peer_address", "client_cert", "client_key", "root_cert", "mspid"], "")


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("builder")
    install(folder)
    return folder


def package(home: Path, **changed: str) -> Package:
    made = Package(home, "python", {**FILES, **changed})
    (made.run / "chaincode.json").write_text(json.dumps(TOLD))
    return made


def built(made: Package, builder: Path, **environment: str) -> tuple[int, str]:
    """Build it. Returns the status and what was said."""
    done = made.call(builder, "build", made.source, made.metadata, made.output, **environment)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def moved(made: Package) -> Path:
    """The build's output where a peer copies it, as Fabric does it: without links that lead out of it."""
    for path in made.output.rglob("*"):
        if path.is_symlink():
            assert not path.readlink().is_absolute()
            assert path.resolve().is_relative_to(made.output.resolve())
    target = made.output.parent / "kept by the peer"
    copytree(made.output, target, symlinks=True)
    rmtree(made.output)
    rmtree(made.source)
    return target


def said(made: Package, builder: Path, **environment: str) -> dict[str, object]:
    """What the contract says that runs from what was built."""
    output = moved(made)
    for _ in range(2):  # launched, and launched again
        done = made.call(builder, "run", output, made.run, **environment)
        assert done.returncode == 0, done
    found: dict[str, object] = json.loads(done.stdout)
    assert str(found["prefix"]) == str(output / "venv")
    return found


def test_wheels_in_the_package_are_installed_without_an_index(builder: Path, tmp_path: Path) -> None:
    made = package(tmp_path)
    wheel(made.source / "wheels", "adding", ADDING)
    # An index that would fail, if anybody asked it.
    assert built(made, builder, PIP_INDEX_URL="http://127.0.0.1:1/simple") == (0, "")
    assert not (made.output / "code" / "wheels").exists()
    found = said(made, builder)
    assert found["sum"] == 5
    assert str(found["adding"]).startswith(str(found["prefix"]))
    assert not str(found["shim"]).startswith(str(found["prefix"]))  # the builder's own


def test_a_package_may_bring_its_own_toolkit(builder: Path, tmp_path: Path) -> None:
    made = package(tmp_path, **{"requirements.txt": "adding\ncertledger\n"})
    wheel(made.source / "wheels", "adding", ADDING)
    wheel(made.source / "wheels", "certledger", {"chaincode/__init__.py": "", "chaincode/shim/__init__.py": ""}, "9")
    assert built(made, builder) == (0, "")
    found = said(made, builder)
    assert str(found["shim"]).startswith(str(found["prefix"]))


@pytest.mark.parametrize("right", [True, False])
def test_hashes_are_honoured(builder: Path, tmp_path: Path, right: bool) -> None:
    made = package(tmp_path)
    digest = sha256(wheel(made.source / "wheels", "adding", ADDING).read_bytes()).hexdigest()
    given = digest if right else digest[::-1]
    (made.source / "requirements.txt").write_text(f"adding==1.0 --hash=sha256:{given}\n")
    status, words = built(made, builder)
    assert status == (0 if right else Failure.REQUIREMENTS)
    assert ("HASHES" in words) is not right


def test_with_one_hash_all_need_one(builder: Path, tmp_path: Path) -> None:
    made = package(tmp_path)
    digest = sha256(wheel(made.source / "wheels", "adding", ADDING).read_bytes()).hexdigest()
    wheel(made.source / "wheels", "other", {"other.py": ""})
    (made.source / "requirements.txt").write_text(f"adding==1.0 --hash=sha256:{digest}\nother==1.0\n")
    status, words = built(made, builder)
    assert status == Failure.REQUIREMENTS
    assert "--require-hashes" in words


def test_what_is_not_among_the_wheels_is_told(builder: Path, tmp_path: Path) -> None:
    made = package(tmp_path, **{"requirements.txt": "adding\nsubtracting\n"})
    wheel(made.source / "wheels", "adding", ADDING)
    status, words = built(made, builder)
    assert status == Failure.REQUIREMENTS
    assert "No matching distribution found for subtracting" in words
    assert len(words) < 1000


def test_a_project_is_installed_with_its_own_way_of_building(builder: Path, tmp_path: Path) -> None:
    backend = f"""
import sys
sys.path.insert(0, {str(Path(__file__).resolve().parents[4])!r})
from pathlib import Path
from tests.wheels import wheel

def build_wheel(folder, settings=None, metadata=None):
    return wheel(Path(folder), "adding", {ADDING!r}).name
"""
    project = '[project]\nname = "adding"\nversion = "1.0"\n[build-system]\nrequires = []\n'
    project += 'build-backend = "backend"\nbackend-path = ["."]\n'
    made = package(tmp_path, **{"pyproject.toml": project, "backend.py": backend})
    (made.source / "requirements.txt").unlink()
    assert built(made, builder) == (0, "")
    assert said(made, builder)["sum"] == 5


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """A package index on this machine."""
    wheel(tmp_path / "index" / "simple" / "adding", "adding", ADDING)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "index")))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/simple"
    server.shutdown()
    server.server_close()
    thread.join()


def test_without_wheels_pip_asks_the_index_that_the_peer_names_and_nobody_else_sees_it(
    builder: Path, tmp_path: Path, index: str
) -> None:
    (tmp_path / "made").mkdir()
    made = package(tmp_path / "made")
    settings = {"PIP_INDEX_URL": index, "HOME": str(tmp_path), "OTHER": "kept"}
    assert built(made, builder, **settings) == (0, "")
    environment = said(made, builder, **settings)["environment"]
    assert isinstance(environment, dict)
    assert "PIP_INDEX_URL" not in environment
    assert "PYTHONPATH" not in environment
    assert environment["OTHER"] == "kept"


def test_an_environment_of_another_python_is_told(builder: Path, tmp_path: Path) -> None:
    made = package(tmp_path)
    wheel(made.source / "wheels", "adding", ADDING)
    assert built(made, builder) == (0, "")
    settings = made.output / "venv" / "pyvenv.cfg"
    ours = f"version = {sys.version_info[0]}.{sys.version_info[1]}."
    settings.write_text(settings.read_text().replace(ours, "version = 3.7."))
    done = made.call(builder, "run", made.output, made.run)
    assert done.returncode == Failure.PACKAGE
    assert "built for Python 3.7" in done.stderr


def test_what_does_not_work_with_the_toolkit_is_told_when_it_is_installed(builder: Path, tmp_path: Path) -> None:
    made = package(tmp_path, **{"requirements.txt": "grpcio\n"})
    wheel(made.source / "wheels", "grpcio", {"grpc/__init__.py": "raise ImportError('too old for you')\n"})
    status, words = built(made, builder)
    assert status == Failure.REQUIREMENTS
    assert "too old for you" in words


def test_a_python_without_pip_and_ensurepip_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(*_: object) -> None:
        raise subprocess.CalledProcessError(1, "ensurepip")

    monkeypatch.setattr(requirements, "find_spec", lambda name: None)
    monkeypatch.setattr(venv.EnvBuilder, "create", lacking)
    with pytest.raises(RequirementsError, match="neither pip nor ensurepip"):
        requirements.make(tmp_path, tmp_path / "venv")
