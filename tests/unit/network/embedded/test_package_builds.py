"""What a peer of the embedded network builds of packages: by the external builder, once, and within its own folder."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from network.embedded import package_builds
from network.embedded.package_builds import PackageBuilds, is_launched
from network.embedded.system import Refused
from network.embedded.system.packages import Package, read_package
from node_client.protocol.chaincode_package import chaincode_package, service_package

CODE = {"launch.json": b'{"module": "points"}', "points.py": b"pass\n"}


def package(**more: bytes) -> Package:
    return read_package(chaincode_package("points_1", "python", {**CODE, **more}))


async def test_a_package_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    create = asyncio.create_subprocess_exec

    async def counted(*arguments: Any, **options: Any) -> Any:
        started.append(arguments[4])
        return await create(*arguments, **options)

    monkeypatch.setattr(package_builds.asyncio, "create_subprocess_exec", counted)
    builds = PackageBuilds(tmp_path / "builds")
    (tmp_path / "builds" / ".build-killed").mkdir(parents=True)  # left by a network that was killed
    first, second = await asyncio.gather(builds.build(package()), builds.build(package()))
    assert first == second
    assert started == ["build", "release"]
    assert (first / "code" / "points.py").read_bytes() == b"pass\n"
    assert [path.name for path in (tmp_path / "builds").iterdir()] == [first.name]


@pytest.mark.parametrize("name", ["../outside", "sub/../../outside", "/outside"])
async def test_nothing_is_written_outside(tmp_path: Path, name: str) -> None:
    builds = PackageBuilds(tmp_path / "around" / "builds")
    with pytest.raises(Refused, match="tar contains the absolute or escaping path"):
        await builds.build(package(**{name: b"x"}))
    assert [path.name for path in tmp_path.rglob("*")] == ["around", "builds"]


async def test_the_builders_words_are_told_with_its_status(tmp_path: Path) -> None:
    builds = PackageBuilds(tmp_path)
    with pytest.raises(Refused) as caught:
        await builds.build(package(**{"launch.json": json.dumps({"module": "a b"}).encode()}))
    told = str(caught.value)
    assert told.startswith(
        "could not build chaincode: external builder failed: external builder failed to build: "
        "external builder 'certledger' failed: exit status 65: build: launch.json"
    )
    assert list(tmp_path.iterdir()) == []


def test_what_peers_launch() -> None:
    assert is_launched(package())
    assert is_launched(read_package(chaincode_package("x", "Python", CODE)))
    assert not is_launched(read_package(service_package("x", "localhost:1")))
