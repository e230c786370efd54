"""Chaincode packages: what Fabric reads as one is one, and nothing else; what is installed stays."""

import gzip
import io
import json
import random
import tarfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest

from network.embedded.system import Refused
from network.embedded.system import packages as packages_module
from network.embedded.system.packages import PackageStore, read_package
from node_client.protocol.chaincode_package import ServiceTls, chaincode_package, package_id, service_package
from node_client.protocol.errors import ProtocolError


def archive(files: Mapping[str, bytes], kinds: Mapping[str, bytes] | None = None) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.type = (kinds or {}).get(name, tarfile.REGTYPE)
            member.linkname = "metadata.json"
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return gzip.compress(plain.getvalue(), mtime=0)


CODE = archive({"connection.json": b"{}", "src/main.py": b"pass\n"})
METADATA = b'{"type": "ccaas", "label": "counter_1"}'


def package(metadata: bytes = METADATA, code: bytes = CODE, **more: bytes) -> bytes:
    return archive({"metadata.json": metadata, "code.tar.gz": code, **more})


def test_a_package_is_known_by_its_label_and_its_bytes() -> None:
    data = package()
    found = read_package(data)
    assert found.id == f"counter_1:{sha256(data).hexdigest()}" == package_id("counter_1", data)
    assert (found.label, found.type) == ("counter_1", "ccaas")
    assert found.code == {"connection.json": b"{}", "src/main.py": b"pass\n"}


def test_files_beside_code_and_metadata_are_passed_over() -> None:
    assert read_package(package(**{"README": b"hello"})).label == "counter_1"


def test_the_code_may_be_of_folders_and_named_from_here() -> None:
    code = archive(
        {"./connection.json": b"{}", "src": b"", "link": b""}, {"src": tarfile.DIRTYPE, "link": tarfile.SYMTYPE}
    )
    assert read_package(package(code=code)).code == {"connection.json": b"{}"}
    assert read_package(package(code=archive({}))).code == {}


@pytest.mark.parametrize("label", ["a", "a_", "a..b", "A.B+c-d_e", "1"])
def test_labels_are_those_that_fabric_takes(label: str) -> None:
    assert read_package(package(json.dumps({"label": label, "type": "x"}).encode())).label == label
    assert read_package(chaincode_package(label, "x", {})).label == label


@pytest.mark.parametrize("label", ["", "_a", "a b", "a/b", "../a", "ä", "a\n", "-", None])
def test_labels_that_are_none_are_refused(label: str | None) -> None:
    with pytest.raises(Refused, match="(?s)invalid label .* can only begin with alphanumerics"):
        read_package(package(json.dumps({"label": label, "type": "x"}).encode()))
    if label is not None:
        with pytest.raises(ProtocolError):
            chaincode_package(label, "x", {})


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        (b'{"label": "l"}', ("l", "")),
        (b'{"label": "l", "type": null}', ("l", "")),
        (b'{"Label": "l", "TYPE": "x"}', ("l", "x")),
        (b'{"label": "l", "type": "x", "path": "p", "other": [1]}', ("l", "x")),
        (b'{"label": "a", "label": "l"}', ("l", "")),
    ],
)
def test_metadata_is_read_as_gos_json_reads_it(metadata: bytes, expected: tuple[str, str]) -> None:
    found = read_package(package(metadata))
    assert (found.label, found.type) == expected


@pytest.mark.parametrize(
    "metadata",
    [
        b"",
        b"{",
        b"[]",
        b'"label"',
        b'{"label": 7}',
        b'{"label": "l", "type": 7}',
        b'{"label": "l", "x": NaN}',
        b"\xef\xbb\xbf" + METADATA,
        METADATA.decode().encode("utf-16"),
        b"[" * 100_000,
    ],
)
def test_metadata_that_is_none_is_refused(metadata: bytes) -> None:
    with pytest.raises(Refused, match=r"could not unmarshal metadata\.json as json"):
        read_package(package(metadata))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "error reading as gzip stream: EOF"),
        (b"\x1f\x8b", "error reading as gzip stream: unexpected EOF"),
        (b"no package at all", "error reading as gzip stream: gzip: invalid header"),
        (gzip.compress(b"no archive", mtime=0), "error inspecting next tar header"),
        (package()[:100], "error inspecting next tar header"),
        (archive({}), "did not find a code package inside the package"),
        (gzip.compress(b"", mtime=0), "did not find a code package inside the package"),
        (archive({"metadata.json": METADATA}), "did not find a code package inside the package"),
        (archive({"./metadata.json": METADATA, "./code.tar.gz": CODE}), "did not find a code package"),
        (archive({"code.tar.gz": CODE}), "did not find any package metadata (missing metadata.json)"),
        (
            archive({"d": b"", "code.tar.gz": CODE}, {"d": tarfile.DIRTYPE}),
            "tar entry d is not a regular file, type 53",
        ),
        (
            archive({"l": b"", "code.tar.gz": CODE}, {"l": tarfile.SYMTYPE}),
            "tar entry l is not a regular file, type 50",
        ),
        (package(code=b""), "error retrieving DB artifacts from code package"),
        (package(code=b"no archive"), "error retrieving DB artifacts from code package"),
    ],
)
def test_what_is_no_package_is_refused_in_fabrics_words(data: bytes, words: str) -> None:
    with pytest.raises(Refused) as caught:
        read_package(data)
    assert f"could not parse as a chaincode install package: {words}" in str(caught.value)


def test_an_archive_that_would_fill_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages_module, "MAX_SIZE", 1000)
    small = {"metadata.json": METADATA, "code.tar.gz": archive({"a": b"x" * 10})}
    assert sum(map(len, small.values())) < 1000
    read_package(archive(small))
    with pytest.raises(Refused, match="too large"):
        read_package(archive({**small, "b": b"\0" * 1000}))
    with pytest.raises(Refused, match="too large"):
        read_package(package(code=archive({"a": b"\0" * 600, "b": b"\0" * 600})))


def test_a_damaged_package_is_read_or_refused() -> None:
    data, chance = package(), random.Random(1)
    plain = gzip.decompress(data)
    refused = 0
    for number in range(1500):
        changed = bytearray(data if number % 2 else plain)
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        try:
            read_package(bytes(changed) if number % 2 else gzip.compress(bytes(changed), 1, mtime=0))
        except Refused:
            refused += 1
    assert refused > 500


def test_equal_content_makes_equal_packages() -> None:
    assert chaincode_package("l", "x", {"a": b"1", "b": b"2"}) == chaincode_package("l", "x", {"a": b"1", "b": b"2"})
    assert chaincode_package("l", "x", {"a": b"1"}) != chaincode_package("l", "x", {"a": b"2"})


def test_a_services_package_says_where_it_is_and_how_it_is_known() -> None:
    plain = json.loads(read_package(service_package("counter_1", "localhost:9999")).code["connection.json"])
    assert plain == {"address": "localhost:9999", "dial_timeout": "10s", "tls_required": False}
    tls = ServiceTls(root=b"root", client_key=b"key", client_certificate=b"certificate")
    secured = json.loads(read_package(service_package("counter_1", "localhost:9999", tls)).code["connection.json"])
    assert secured == {
        "address": "localhost:9999",
        "dial_timeout": "10s",
        "tls_required": True,
        "client_auth_required": True,
        "root_cert": "root",
        "client_key": "key",
        "client_cert": "certificate",
    }


@pytest.fixture
def store(tmp_path: Path) -> PackageStore:
    return PackageStore(tmp_path / "packages" / "City")


def test_what_is_installed_is_there_after_a_restart(store: PackageStore, tmp_path: Path) -> None:
    data = package()
    installed = store.install(data)
    again = PackageStore(tmp_path / "packages" / "City")
    assert again.all() == [installed]
    assert again.get(installed.id) == (installed, data)
    assert again.has(installed.id)
    (path,) = (tmp_path / "packages" / "City").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600


def test_nothing_is_installed_twice(store: PackageStore) -> None:
    installed = store.install(package())
    with pytest.raises(Refused, match=f"already successfully installed .package ID '{installed.id}'."):
        store.install(package())
    other = store.install(package(code=archive({"other": b""})))
    assert {one.id for one in store.all()} == {installed.id, other.id}


def test_what_is_no_package_is_not_kept(store: PackageStore, tmp_path: Path) -> None:
    with pytest.raises(Refused):
        store.install(b"nothing")
    assert store.all() == []
    assert not (tmp_path / "packages").exists()


def test_a_label_that_is_too_long_for_a_file_is_refused(store: PackageStore) -> None:
    with pytest.raises(Refused, match="could not save chaincode install package"):
        store.install(package(json.dumps({"label": "l" * 300, "type": "x"}).encode()))
    assert store.all() == []


@pytest.mark.parametrize(
    "identifier", ["", "counter_1", "counter_1:", "counter_1:" + "0" * 64, "a:b", "a\0:" + "0" * 64]
)
def test_a_package_that_is_not_installed_is_not_there(store: PackageStore, identifier: str) -> None:
    store.install(package())
    assert not store.has(identifier)
    assert store.get(identifier) is None


def test_an_id_never_leads_out_of_the_folder(store: PackageStore, tmp_path: Path) -> None:
    store.install(package())
    (tmp_path / "secret.tar.gz").write_bytes(package())
    for identifier in ("../../secret", "/" + str(tmp_path / "secret"), "../City/counter_1"):
        assert not store.has(identifier)
        assert store.get(identifier) is None


def test_a_damaged_package_is_left_out_and_told_of(
    store: PackageStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damaged = store.install(package())
    whole = store.install(package(code=archive({})))
    (tmp_path / "packages" / "City" / f"{damaged.id.replace(':', '.')}.tar.gz").write_bytes(b"")
    assert store.all() == [whole]
    assert "the installed chaincode counter_1" in caplog.text
    with pytest.raises(Refused):
        store.get(damaged.id)
