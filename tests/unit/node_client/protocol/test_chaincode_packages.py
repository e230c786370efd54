"""Chaincode packages: bytes that follow from the content alone, and what a package says of itself."""

import gzip
import io
import json
import tarfile
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_client.protocol.chaincode_package import (
    PackageInfo,
    ServiceTls,
    chaincode_package,
    package_id,
    package_info,
    service_package,
)
from node_client.protocol.errors import ProtocolError
from node_client.protocol.stored_gzip import stored_gzip


def unpacked(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        return {member.name: (tar.extractfile(member) or io.BytesIO()).read() for member in tar}


def code(package: bytes) -> dict[str, bytes]:
    return unpacked(unpacked(package)["code.tar.gz"])


def packed(files: Mapping[str, bytes]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return gzip.compress(plain.getvalue(), mtime=0)


@given(st.binary(max_size=300) | st.integers(65530, 65540).map(bytes) | st.integers(131065, 131075).map(bytes))
def test_gzip_of_stored_blocks_is_read_as_what_it_was_made_of(data: bytes) -> None:
    assert gzip.decompress(stored_gzip(data)) == data
    assert len(stored_gzip(data)) == len(data) + 18 + 5 * max(1, -(-len(data) // 65535))


def test_ids_are_the_same_on_every_machine() -> None:
    # Recorded: whoever changes these bytes changes the ids that organisations have agreed on.
    made = chaincode_package("points_1", "python", {"launch.json": b'{"module": "points"}', "証明.py": b"pass\n"})
    assert package_id("points_1", made) == "points_1:2df08e220ba4bf17ade582dd9f7dfaad00059f365d08635b24f39c7773ef53cb"
    assert (
        package_id("points_1", service_package("points_1", "localhost:9999"))
        == "points_1:37b93e5ac9a43f0b7363f4794c8d684a6d6a8244c593bbdc0bb649f328d0c0d5"
    )


def test_the_order_of_files_does_not_count() -> None:
    files = {"b": b"2", "a": b"1", "sub/c": b"3"}
    made = chaincode_package("x", "python", files)
    assert made == chaincode_package("x", "python", dict(reversed(files.items())))
    assert code(made) == files
    assert json.loads(unpacked(made)["metadata.json"]) == {"type": "python", "label": "x"}


def test_a_service_with_a_client_certificate_or_without() -> None:
    def connection(tls: ServiceTls | None) -> dict[str, object]:
        return dict(json.loads(code(service_package("x", "host:1", tls, "3s"))["connection.json"]))

    plain = {"address": "host:1", "dial_timeout": "3s"}
    assert connection(None) == {**plain, "tls_required": False}
    one_way = {**plain, "tls_required": True, "client_auth_required": False, "root_cert": "ROOT"}
    assert connection(ServiceTls(b"ROOT")) == one_way
    assert connection(ServiceTls(b"ROOT", b"KEY", b"CERTIFICATE")) == {
        **one_way,
        "client_auth_required": True,
        "client_key": "KEY",
        "client_cert": "CERTIFICATE",
    }


def test_what_makes_no_service() -> None:
    with pytest.raises(ProtocolError, match="belong together"):
        service_package("x", "host:1", ServiceTls(b"ROOT", b"KEY"))
    with pytest.raises(ProtocolError, match="not a duration: soon"):
        service_package("x", "host:1", dial_timeout="soon")


def test_a_package_tells_what_it_is_whoever_made_it() -> None:
    made = service_package("x_1", "host:1")
    assert package_info(made) == PackageInfo(package_id("x_1", made), "x_1", "ccaas")
    # As the `peer` command writes it, with a path; Go reads names in any case.
    other = packed({"code.tar.gz": b"", "metadata.json": b'{"path":"","Type":"node","Label":"y_1"}'})
    assert package_info(other) == PackageInfo(package_id("y_1", other), "y_1", "node")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no tar.gz"),
        (b"hello", "no tar.gz"),
        (service_package("x_1", "host:1")[:700], "no tar.gz"),
        (packed({"code.tar.gz": b""}), "label"),
        (packed({"code.tar.gz": b"", "metadata.json": b"[]"}), "metadata.json"),
        (packed({"code.tar.gz": b"", "metadata.json": b'{"label": "../x", "type": "node"}'}), "no label"),
        (packed({"metadata.json": b'{"label": "x", "type": "node"}'}), "no code"),
    ],
)
def test_what_is_no_package(data: bytes, why: str) -> None:
    with pytest.raises(ProtocolError, match=why):
        package_info(data)
