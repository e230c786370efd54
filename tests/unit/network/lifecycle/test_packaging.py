"""Packages from files: what is taken, what is left out, and what is refused before a peer sees it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from network.authority import Authority, KeyPair
from network.errors import ConfigurationError
from network.lifecycle import packaging
from network.lifecycle.packaging import FolderSource, ServiceSource, read_package, write_package
from tests.unit.node_client.protocol.test_chaincode_packages import code

Write = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A contract's folder."""
    folder = tmp_path / "a contract"
    for name, data in {
        "launch.json": b'{"module": "points"}',
        "points.py": b"pass\n",
        "requirements.txt": b"adding\n",
        "wheels/adding-1-py3-none-any.whl": b"PK",
        "META-INF/statedb/couchdb/indexes/i.json": b"{}",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def test_everything_is_taken_but_what_nobody_wrote(folder: Path) -> None:
    before = FolderSource(folder).package("points_1")
    for name in (".git/HEAD", ".env", "__pycache__/points.pyc", "sub/old.pyc", "points.egg-info/PKG-INFO"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"left out")
    assert FolderSource(folder).package("points_1") == before
    assert sorted(code(before)) == [
        "META-INF/statedb/couchdb/indexes/i.json",
        "launch.json",
        "points.py",
        "requirements.txt",
        "wheels/adding-1-py3-none-any.whl",
    ]


def test_times_and_modes_do_not_count(folder: Path) -> None:
    before = FolderSource(folder).package("points_1")
    (folder / "points.py").chmod(0o755)
    (folder / "points.py").touch()
    assert FolderSource(folder).package("points_1") == before


def test_what_is_no_contracts_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="no label"):
        FolderSource(folder).package("a label")
    with pytest.raises(ConfigurationError, match="missing cannot be read: No such file"):
        FolderSource(folder / "missing").package("x")
    monkeypatch.setattr(packaging, "MAX_SIZE", 30)
    with pytest.raises(ConfigurationError, match="too large"):
        FolderSource(folder).package("x")
    monkeypatch.undo()
    (folder / "link").symlink_to("/etc/passwd")
    with pytest.raises(ConfigurationError, match="link is a link"):
        FolderSource(folder).package("x")
    (folder / "link").unlink()
    (folder / "launch.json").unlink()
    with pytest.raises(ConfigurationError, match=r"launch\.json must be"):
        FolderSource(folder).package("x")


@pytest.fixture(scope="module")
def pair() -> KeyPair:
    return Authority.create("City", "tlsca.city").issue_tls("peer")


@pytest.fixture
def files(tmp_path: Path, pair: KeyPair) -> dict[str, Path]:
    pair.write(tmp_path / "client.key", tmp_path / "client.crt")
    (tmp_path / "nothing").write_bytes(b"nothing")
    return {name: tmp_path / name for name in ("client.key", "client.crt", "nothing")}


def test_service_with_certificates(files: dict[str, Path]) -> None:
    key, certificate = files["client.key"], files["client.crt"]
    source = ServiceSource(address="cc:1", root=certificate, client_key=key, client_certificate=certificate)
    found = code(source.package("x"))["connection.json"]
    assert key.read_text().splitlines()[1].encode() in found
    assert (
        b'"client_auth_required": false'
        in code(ServiceSource(address="cc:1", root=certificate).package("x"))["connection.json"]
    )


def test_service_whose_address_the_builder_fills_in() -> None:
    assert b"{{.peer}}_cc:9999" in code(ServiceSource(address="{{.peer}}_cc:9999").package("x"))["connection.json"]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"address": "nowhere"}, "no address"),
        ({"address": "host:0"}, "no address"),
        ({"address": "host:65536"}, "no address"),
        ({"dial_timeout": "soon"}, "not a duration"),
        ({"client_key": "client.key"}, "over TLS only"),
        ({"root": "client.crt", "client_key": "client.key"}, "belong together"),
        ({"root": "nothing"}, "nothing is no certificate"),
        ({"root": "client.crt", "client_key": "nothing", "client_certificate": "client.crt"}, "nothing is no private"),
        ({"root": "missing"}, "missing cannot be read"),
    ],
)
def test_service_that_no_peer_could_dial(files: dict[str, Path], options: dict[str, str], why: str) -> None:
    folder = files["nothing"].parent
    paths = {name: folder / text if name not in ("address", "dial_timeout") else text for name, text in options.items()}
    with pytest.raises(ConfigurationError, match=why):
        ServiceSource(**{"address": "host:1", **paths}).package("x")  # type: ignore[arg-type]


def test_key_of_another_certificate(files: dict[str, Path], tmp_path: Path) -> None:
    other = Authority.create("City", "tlsca.city").issue_tls("peer")
    other.write(tmp_path / "other.key", tmp_path / "other.crt")
    with pytest.raises(ConfigurationError, match=r"other\.key is not the key of"):
        ServiceSource(
            address="host:1",
            root=files["client.crt"],
            client_key=tmp_path / "other.key",
            client_certificate=files["client.crt"],
        ).package("x")


def test_package_files_are_their_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.tar.gz"
    info = write_package(path, ServiceSource(address="host:1").package("x"))
    assert path.stat().st_mode & 0o077 == 0
    assert read_package(path) == (info, path.read_bytes())
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_package(tmp_path / "missing" / "x", b"")
    path.write_bytes(b"nothing")
    with pytest.raises(ConfigurationError, match=r"x\.tar\.gz is no chaincode package"):
        read_package(path)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_package(tmp_path / "missing")
