"""`certledger network install`: Fabric's own programs, from its release archive."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.language import tr
from cli.output import Output

if TYPE_CHECKING:
    from network.fabric.installing import Confirm

MEGABYTE = 1_000_000


@click.command()
@click.option(
    "--archive", type=click.Path(path_type=Path), metavar="FILE", help="Fabric's release archive, where it is at hand."
)
@click.option("--url", default="", help="Where to get it (default: Fabric's releases on GitHub, for this platform).")
@click.option("--sha256", default="", metavar="DIGEST", help="Its digest. Without one it is shown, and you are asked.")
@click.option("--json", "as_json", is_flag=True, help="Print results as JSON Lines.")
def install(archive: Path | None, url: str, sha256: str, as_json: bool) -> None:
    """Install Fabric's peer and orderer into the cache folder. FABRIC_BIN and PATH are looked at first all the same."""
    from network.errors import BinariesError
    from network.fabric import binaries
    from network.fabric.installing import install as install_programs

    output = Output(as_json)
    if archive and url:
        raise click.UsageError(tr("give an archive with --archive, or its address with --url, not both"))
    shown = sys.stderr.isatty()

    def progress(done: int, total: int) -> None:
        if shown:
            if total:
                text = tr("\r{done} of {total} MB", done=done // MEGABYTE, total=total // MEGABYTE)
            else:
                text = tr("\r{done} MB", done=done // MEGABYTE)
            click.echo(text, err=True, nl=done == total)

    confirm = _confirm(output)
    found = install_programs(archive=archive, url=url, sha256=sha256, confirm=confirm, progress=progress)
    record = {
        "fabricVersion": found.version,
        "folder": str(found.folder),
        "sha256": found.sha256,
        "already": found.already,
    }
    if found.already:
        told = tr("Fabric {version} is installed already", version=found.version)
    else:
        told = tr("Fabric {version} is installed", version=found.version)
    output.result(record, f"✔ {told}  {found.folder}")
    try:
        used = binaries.find().peer.parent
    except BinariesError:
        return
    if used.resolve() != found.folder.resolve():
        output.message(tr("those in {folder} are used before these", folder=used))


def _confirm(output: Output) -> "Confirm":
    def confirm(name: str, digest: str) -> bool:
        if output.as_json or not sys.stdin.isatty():
            return False  # there is nobody to ask
        output.message(tr("{name} has the SHA-256 {digest}", name=name, digest=digest))
        return click.confirm(tr("Is this the digest of the archive that you trust?"), err=True)

    return confirm
