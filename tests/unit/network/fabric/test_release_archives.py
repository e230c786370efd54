"""What is taken out of a release archive, and which archives are refused: nothing is written outside, ever."""

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from network.errors import BinariesError
from network.fabric import release
from network.fabric.release import platform_name, release_url, unpack

PROGRAM = b"#!/bin/sh\nprintf ' Version: v3.1.5\\n'\n"
FILES = {
    "bin/peer": PROGRAM,
    "bin/orderer": PROGRAM,
    "bin/configtxgen": PROGRAM,
    "config/core.yaml": b"peer:\n",
    "builders/ccaas/bin/detect": b"#!/bin/sh\n",
}


def archive(
    files: Mapping[str, bytes] = FILES, *more: tarfile.TarInfo, sizes: Mapping[str, int] | None = None
) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        folder = tarfile.TarInfo("bin")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            member.mode = 0o4777
            tar.addfile(member, io.BytesIO(data))
        for member in more:
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    return gzip.compress(plain.getvalue(), mtime=0)


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname, found.size = kind, link, size
    return found


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """The folder to unpack into, within one that holds nothing else."""
    target = tmp_path / "around" / "target"
    target.mkdir(parents=True)
    return target


def taken(target: Path, data: bytes) -> None:
    unpack(io.BytesIO(data), "archive.tar.gz", target)


def test_the_programs_are_taken_and_nothing_else(target: Path) -> None:
    taken(target, archive({f"./{name}" if name == "bin/peer" else name: data for name, data in FILES.items()}))
    assert {path.name for path in target.iterdir()} == {"peer", "orderer"}
    for path in target.iterdir():
        assert path.read_bytes() == PROGRAM
        assert path.stat().st_mode & 0o7777 & ~0o755 == 0


@pytest.mark.parametrize(
    "odd",
    [
        member("../outside", size=1),
        member("bin/../../outside", size=1),
        member("/outside", size=1),
        member("bin\\..\\outside", size=1),
        member("bin/link", tarfile.SYMTYPE, "/etc/passwd"),
        member("bin/hard", tarfile.LNKTYPE, "bin/peer"),
        member("bin/device", tarfile.CHRTYPE),
        member("bin/block", tarfile.BLKTYPE),
        member("bin/pipe", tarfile.FIFOTYPE),
        member("bin/peer", size=1),
    ],
    ids=lambda one: f"{one.name} {one.type.decode()}",
)
@pytest.mark.parametrize("first", [True, False], ids=["first", "last"])
def test_what_does_not_belong_makes_the_archive_refused(target: Path, odd: tarfile.TarInfo, first: bool) -> None:
    data = archive(FILES, odd)
    if first and odd.name != "bin/peer":
        data = archive({}, odd)
    with pytest.raises(BinariesError, match=r"archive\.tar\.gz is refused") as caught:
        taken(target, data)
    assert "release page" in caught.value.next_step
    assert [path.name for path in target.parent.iterdir()] == ["target"]


def test_an_archive_that_lacks_a_program(target: Path) -> None:
    with pytest.raises(BinariesError, match="has no bin/orderer"):
        taken(target, archive({"bin/peer": PROGRAM, "orderer": PROGRAM}))
    with pytest.raises(BinariesError, match="has no bin/peer and no bin/orderer"):
        taken(target, archive({}))


def test_limits(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = archive({**FILES, "config/zeros": bytes(3_000_000)})
    assert len(bomb) < 50_000
    with monkeypatch.context() as patch:
        patch.setattr(release, "MAX_UNPACKED", 2_000_000)
        with pytest.raises(BinariesError, match="unpacks to more than"):
            taken(target, bomb)
    for name, why in (("MAX_MEMBERS", "more than 3 files"), ("MAX_PROGRAM", "larger than 3 bytes")):
        folder = target / name
        folder.mkdir()
        with monkeypatch.context() as patch:
            patch.setattr(release, name, 3)
            with pytest.raises(BinariesError, match=why):
                taken(folder, archive())


def test_a_bomb_after_the_archives_end_is_not_unpacked_for_ever(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "MAX_UNPACKED", 2_000_000)
    data = gzip.decompress(archive()) + bytes(3_000_000)
    with pytest.raises(BinariesError, match="unpacks to more than"):
        taken(target, gzip.compress(data))


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_truncated_archives(target: Path, part: float) -> None:
    data = archive({**FILES, "bin/peer": PROGRAM * 1000})
    with pytest.raises(BinariesError, match="truncated"):
        taken(target, data[: int(len(data) * part)])


@pytest.mark.parametrize("data", [b"", b"hello", gzip.compress(b"hello", mtime=0), b"PK\x03\x04" + bytes(100)])
def test_what_is_no_archive(target: Path, data: bytes) -> None:
    with pytest.raises(BinariesError, match=r"archive\.tar\.gz"):
        taken(target, data)
    assert list(target.iterdir()) == []


def test_a_damaged_byte_is_noticed(target: Path) -> None:
    data = bytearray(archive())
    data[-8] ^= 1  # the checksum, of which nothing depends but that it is looked at
    with pytest.raises(BinariesError, match="damaged"):
        taken(target, bytes(data))


def test_platforms_as_fabric_names_them() -> None:
    assert platform_name("linux", "x86_64") == "linux-amd64"
    assert platform_name("linux", "aarch64") == "linux-arm64"
    assert platform_name("darwin", "arm64") == "darwin-arm64"
    for system, machine in (("win32", "AMD64"), ("linux", "riscv64")):
        with pytest.raises(BinariesError, match="no release of Fabric for"):
            platform_name(system, machine)
    assert release_url("linux-amd64", "3.1.5").endswith("/v3.1.5/hyperledger-fabric-linux-amd64-3.1.5.tar.gz")
