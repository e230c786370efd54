"""The external builder, called as a peer calls it: programs in a folder, with the folders of Fabric's contract."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chaincode.builder import launched, service
from chaincode.builder.errors import Failure, PackageError
from chaincode.builder.installing import install

PLAIN = {"address": "registry.city:7055", "dial_timeout": "10s", "tls_required": False}
MUTUAL = {
    **PLAIN,
    "tls_required": True,
    "client_auth_required": True,
    "root_cert": "ROOT",
    "client_key": "KEY",
    "client_cert": "CERTIFICATE",
}
INDEX = '{"index": {"fields": ["owner"]}, "ddoc": "byOwner", "name": "byOwner", "type": "json"}'
# Tells what it is run with. There is a `json` beside it, which must not be taken for the library's.
CONTRACT = """
import json, os, sys
print(json.dumps({"module": __name__, "arguments": sys.argv, "environment": dict(os.environ), "json": json.__file__}))
"""


class Package:
    """A package that a peer has unpacked, and the folders that it hands to a builder."""

    def __init__(self, home: Path, kind: str, files: dict[str, str]) -> None:
        self.source, self.metadata = home / "src", home / "metadata"
        self.output, self.released, self.run = home / "bld", home / "release", home / "run"
        for folder in (self.source, self.metadata, self.output, self.released, self.run):
            folder.mkdir()
        (self.metadata / "metadata.json").write_text(json.dumps({"type": kind, "label": "x_1"}))
        for name, text in files.items():
            (self.source / name).parent.mkdir(parents=True, exist_ok=True)
            (self.source / name).write_text(text)

    def call(self, builder: Path, name: str, *folders: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run a program with the little environment that peers leave it."""
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        return subprocess.run(
            [builder / "bin" / name, *folders],
            env={**kept, **environment},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )

    def made(self, builder: Path, **environment: str) -> None:
        """Detect, build and release it, all of which must succeed."""
        for name, folders in (
            ("detect", (self.source, self.metadata)),
            ("build", (self.source, self.metadata, self.output)),
            ("release", (self.output, self.released)),
        ):
            done = self.call(builder, name, *folders, **environment)
            assert done.returncode == 0, done

    @property
    def connection(self) -> dict[str, Any]:
        """What the peer dials."""
        return dict(json.loads((self.released / "chaincode" / "server" / "connection.json").read_text()))


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("a builder's folder") / "builder"
    install(folder)
    install(folder)  # over an older one
    return folder


@pytest.fixture
def package(tmp_path: Path) -> Callable[..., Package]:
    return lambda kind, files: Package(tmp_path, kind, files)


def test_service_is_released_with_its_connection(builder: Path, package: Callable[..., Package]) -> None:
    made = package("ccaas", {"connection.json": json.dumps(MUTUAL), "META-INF/statedb/couchdb/indexes/i.json": INDEX})
    made.made(builder)
    assert made.connection == MUTUAL
    assert (made.released / "statedb" / "couchdb" / "indexes" / "i.json").read_text() == INDEX
    for path in (made.output / "connection.json", made.released / "chaincode" / "server" / "connection.json"):
        assert path.stat().st_mode & 0o077 == 0  # there is a key in it


def test_service_of_any_spelling_and_with_templates(builder: Path, package: Callable[..., Package]) -> None:
    made = package("CCAAS", {"connection.json": json.dumps({**PLAIN, "address": "{{.peername}}_x_ccaas:9999"})})
    made.made(builder, CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG='{"peername": "peer0"}')
    assert made.connection["address"] == "peer0_x_ccaas:9999"


def test_launched_module_gets_what_the_peer_says(builder: Path, package: Callable[..., Package]) -> None:
    files = {"launch.json": '{"module": "contract"}', "contract.py": CONTRACT, "json.py": "raise SystemExit('taken')"}
    made = package("python", files)
    made.made(builder)
    told = {
        "chaincode_id": "x_1:abc",
        "peer_address": "localhost:7052",
        "client_cert": "CERTIFICATE",
        "client_key": "KEY",
        "root_cert": "ROOT",
        "mspid": "CityMSP",
    }
    (made.run / "chaincode.json").write_text(json.dumps(told))
    done = made.call(builder, "run", made.output, made.run)
    assert done.returncode == 0, done
    said = json.loads(done.stdout)
    assert said["module"] == "__main__"
    assert "site-packages" not in said["json"]
    assert str(made.output) not in said["json"]
    variables = said["environment"]
    assert variables["CORE_CHAINCODE_ID_NAME"] == "x_1:abc"
    assert variables["CORE_PEER_ADDRESS"] == "localhost:7052"
    assert variables["CORE_PEER_LOCALMSPID"] == "CityMSP"
    assert variables["CORE_PEER_TLS_ENABLED"] == "true"
    for variable, content in (
        ("CORE_TLS_CLIENT_KEY_FILE", "KEY"),
        ("CORE_TLS_CLIENT_CERT_FILE", "CERTIFICATE"),
        ("CORE_PEER_TLS_ROOTCERT_FILE", "ROOT"),
    ):
        path = Path(variables[variable])
        assert path.parent == made.run
        assert path.read_text() == content
        assert path.stat().st_mode & 0o077 == 0


def test_without_tls_there_are_no_files(builder: Path, package: Callable[..., Package]) -> None:
    made = package("python", {"launch.json": '{"module": "contract"}', "contract.py": CONTRACT})
    made.made(builder)
    told = dict.fromkeys(["chaincode_id", "peer_address", "client_cert", "client_key", "root_cert", "mspid"], "")
    (made.run / "chaincode.json").write_text(json.dumps(told))
    said = json.loads(made.call(builder, "run", made.output, made.run).stdout)
    assert said["environment"]["CORE_PEER_TLS_ENABLED"] == "false"
    assert "CORE_TLS_CLIENT_KEY_FILE" not in said["environment"]
    assert [path.name for path in made.run.iterdir()] == ["chaincode.json"]


@pytest.mark.parametrize("kind", ["golang", "node", "", "ccaas2"])
def test_other_packages_are_left_to_others(builder: Path, package: Callable[..., Package], kind: str) -> None:
    made = package(kind, {"connection.json": json.dumps(PLAIN)})
    done = made.call(builder, "detect", made.source, made.metadata)
    assert done.returncode == 1
    assert "not for this builder" in done.stderr


def test_damaged_packages_are_refused_with_a_reason(builder: Path, package: Callable[..., Package]) -> None:
    made = package("python", {"launch.json": "{}"})
    done = made.call(builder, "build", made.source, made.metadata, made.output)
    assert done.returncode == Failure.PACKAGE
    assert "launch.json" in done.stderr
    assert "Traceback" not in done.stderr
    (made.metadata / "metadata.json").write_text("[]")
    assert made.call(builder, "detect", made.source, made.metadata).returncode == 1
    assert made.call(builder, "detect", made.source).returncode == 1
    module = [sys.executable, "-m", "chaincode.builder", "dance"]
    assert b"usage" in subprocess.run(module, capture_output=True, check=False).stderr


@pytest.mark.parametrize("text", ["{}", "[]", "hello", '{"index": "owner"}'])
def test_indexes_that_couchdb_could_not_use(builder: Path, package: Callable[..., Package], text: str) -> None:
    made = package("ccaas", {"connection.json": json.dumps(PLAIN), "META-INF/statedb/couchdb/indexes/i.json": text})
    done = made.call(builder, "build", made.source, made.metadata, made.output)
    assert done.returncode == Failure.PACKAGE
    assert "the index couchdb/indexes/i.json" in done.stderr


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"address": ""}, "lacks address"),
        ({"tls_required": True}, "lacks root_cert"),
        ({**MUTUAL, "client_key": ""}, "lacks client_key"),
        ({**MUTUAL, "client_cert": ""}, "lacks client_cert"),
        ({"tls_required": "yes"}, "neither true nor false"),
        ({"address": 7055}, "not a text"),
        ({"address": "{{.peername}}:1"}, "has no peername"),
    ],
)
def test_connection_that_a_peer_could_not_use(changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(PackageError, match=reason):
        service.connection(json.dumps({**PLAIN, **changed}).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b"null"])
def test_connection_that_is_none(data: bytes) -> None:
    with pytest.raises(PackageError, match="JSON"):
        service.connection(data)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"module": 1}', '{"module": "../x"}', '{"module": "a b"}', "null"])
def test_launch_that_names_no_module(text: str) -> None:
    with pytest.raises(PackageError, match=r"launch\.json"):
        launched.module(text.encode())
