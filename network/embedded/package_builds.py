"""What an organisation's peer builds of its packages, by the external builder that Fabric's peers use too.

The programs are called as Fabric calls them (`core/container/externalbuilder`): with folders, and with few of the
variables of this process. What was built is kept by package id; what is not there any more is built again when it is
needed.
"""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

from chaincode.builder.programs import LAUNCHED
from chaincode.builder.requirements import INDEX_SETTINGS
from network.embedded.system import Refused
from network.embedded.system.packages import Package
from node_client.durable import make_folder

BUILDER = ("-P", "-m", "chaincode.builder")
_KEPT = ("HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "SYSTEMROOT", "TMPDIR", *INDEX_SETTINGS)


class PackageBuilds:
    """An organisation's built packages.

    Args:
        folder: where they are; made when the first one is built.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._building = asyncio.Lock()  # one at a time: two installations of one package would be in each other's way

    async def build(self, package: Package) -> Path:
        """Build a package that the peer launches, unless it is built.

        Returns:
            The build's output.

        Raises:
            Refused: the builder could not build it; the words are the builder's.
        """
        target = self._folder / package.id.replace(":", "-")
        async with self._building:
            if not target.exists():
                try:
                    await self._build(package, target)
                except OSError as error:
                    raise _not_built(f"could not create build context: {error}") from error
        return target

    async def _build(self, package: Package, target: Path) -> None:
        make_folder(self._folder)
        for left in self._folder.glob(".build-*"):  # of a network that was killed while it built
            rmtree(left, ignore_errors=True)
        with TemporaryDirectory(prefix=".build-", dir=self._folder) as name:
            source, metadata, output, released = (Path(name) / one for one in ("src", "metadata", "bld", "release"))
            for folder in (source, metadata, output, released):
                folder.mkdir()
            _unpack(package, source)
            (metadata / "metadata.json").write_bytes(package.metadata)
            await _run("build", "failed to build", source, metadata, output)
            await _run("release", "failed to release", output, released)
            output.rename(target)


def is_launched(package: Package) -> bool:
    """Whether the peer launches the package's chaincode."""
    return package.type.lower() == LAUNCHED


async def _run(step: str, failure: str, *folders: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *BUILDER,
        step,
        *map(str, folders),
        env={name: os.environ[name] for name in _KEPT if name in os.environ},
        cwd="/",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        _, said = await process.communicate()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # pip as well
            await process.wait()
    if process.returncode:
        words = "; ".join(said.decode("utf-8", "replace").split("\n")).strip("; ")
        # Fabric tells the status alone, and writes the words into the peer's log.
        builder = f"builder 'certledger' {'release ' if step == 'release' else ''}failed"
        builder = builder if step == "release" else f"external {builder}"
        raise _not_built(f"external builder {failure}: {builder}: exit status {process.returncode}: {words}")


def _unpack(package: Package, folder: Path) -> None:
    for name, data in package.code.items():
        path = folder / name
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise _not_built(
                "could not create build context: could not untar source package: tar contains the absolute or "
                f"escaping path '{name}'"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _not_built(why: str) -> Refused:
    return Refused(f"could not build chaincode: external builder failed: {why}")
