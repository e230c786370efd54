"""Registers that runs are read into, without any network."""

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from node_client.anchoring.manifest import Manifest
from node_client.anchoring.members import Member, Members
from node_client.anchoring.options import Control, Options
from node_client.anchoring.reading import Tally
from node_client.anchoring.run import Run
from node_client.anchoring.running import RunReader
from node_client.anchoring.source import Source
from node_client.certificates.register import Register
from node_client.certificates.statement import Ledger

LEDGER = Ledger("cd" * 32, "certificates", "registry")
ISSUER = "CityMSP"


def digest(number: int) -> str:
    """The digest of a document that there might be."""
    return sha256(b"%d" % number).hexdigest()


def reader(
    register: Path, options: Options | None = None, *, run: str = "", control: Control | None = None
) -> RunReader:
    """What reads runs into a register, which is made when it is not there."""
    Register(register).close()
    return RunReader(register, ISSUER, LEDGER, options or Options(), run, control or Control())


def read(register: Path, source: Source, options: Options | None = None, *, run: str = "") -> tuple[Run, Tally]:
    """Read a source to its end."""
    return reader(register, options, run=run).source(source)


def read_manifest(register: Path, content: bytes, options: Options | None = None, **others: str) -> tuple[Run, Tally]:
    """Read a manifest of this content to its end."""
    path = register.parent / "manifest"
    path.write_bytes(content)
    with Manifest(path, others.get("encoding")) as manifest:
        return read(register, manifest, options, run=others.get("run", ""))


def members(register: Path, run: Run) -> list[Member]:
    """A run's certificates, in their order."""
    with Register(register) as opened:
        found = Members(opened)
        return [one for batch in found.batches.of_run(run.run) for one in found.of_batch(batch)]


def lines(*rows: str, end: str = "\n") -> bytes:
    """A text of lines, in UTF-8."""
    return "".join(row + end for row in rows).encode()


def rows(numbers: Iterable[int]) -> list[str]:
    """Rows with the columns sha256, size and reference."""
    return [f"{digest(number)},{number + 1},R{number}" for number in numbers]


HEADER = "sha256,size,reference"
