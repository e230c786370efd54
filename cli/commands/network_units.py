"""`certledger network export-units`: systemd units for the nodes of a site."""

from pathlib import Path

import click

from cli.language import tr
from cli.settings import Settings, folder_options


@click.command("export-units")
@click.argument("target", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--user", default="certledger", show_default=True, help="The system user as whom the nodes run.")
@folder_options
def export_units(settings: Settings, target: Path, user: str) -> None:
    """Write systemd units for the nodes of this site into DIR, which is laid out like the machine's root."""
    from network.fabric import binaries
    from network.fabric.exporting import export_units as export

    done = export(settings.folder, target, user, binaries.find())
    record = {
        "directory": str(target.absolute()),
        "user": user,
        "files": [str(path) for path in done.files],
        "programsInHomes": [str(path) for path in done.homes],
    }
    lines = [f"✔ {tr('the units are written')}  {target}", *(f"    {path}" for path in done.files)]
    settings.output.result(record, "\n".join(lines))
    for path in done.homes:
        settings.output.message(tr("{path} is in a home, which the user {user} may not read", path=path, user=user))
