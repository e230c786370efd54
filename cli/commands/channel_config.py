"""`certledger network config`: change the channel's configuration, together with the other organisations."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.language import tr
from cli.settings import Settings, identity_options

if TYPE_CHECKING:
    from network.config_files import ConfigDesk, UpdateState

FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("config")
def config() -> None:
    """The channel's configuration: fetch it, edit the JSON, propose, have it signed, submit.

    Fabric's own `peer channel signconfigtx` and `update` take the same UPDATE files."""


@config.command()
@click.argument("file", type=FILE)
@identity_options
def fetch(settings: Settings, file: Path) -> None:
    """Write the configuration in force to FILE, as JSON to be edited."""
    found = _desk(settings).fetch(file)
    record = {"file": str(file), "sequence": found.sequence, "block": found.block.number}
    settings.output.result(record, f"✔ {file}  {tr('block')} {found.block.number}")


@config.command()
@click.argument("file", type=FILE)
@click.argument("update", type=FILE)
@identity_options
def propose(settings: Settings, file: Path, update: Path) -> None:
    """Write to UPDATE what the edited configuration in FILE changes, and tell who must sign it."""
    _tell(settings, update, _desk(settings).propose(file, update))


@config.command()
@click.argument("update", type=FILE)
@identity_options
def sign(settings: Settings, update: Path) -> None:
    """Sign UPDATE as the profile's user, and tell who must sign it still."""
    _tell(settings, update, _desk(settings).sign(update))


@config.command()
@click.argument("update", type=FILE)
@identity_options
def submit(settings: Settings, update: Path) -> None:
    """Submit UPDATE, and return when it is in force."""
    found = _desk(settings).submit(update)
    record = {"file": str(update), "sequence": found.sequence, "block": found.block.number}
    settings.output.result(record, f"✔ {tr('in force')}  {tr('block')} {found.block.number}")


def _desk(settings: Settings) -> "ConfigDesk":
    from network.config_files import ConfigDesk

    return ConfigDesk(settings.profile())


def _tell(settings: Settings, update: Path, state: "UpdateState") -> None:
    record = {
        "file": str(update),
        "changes": list(state.changes),
        "signatures": state.signatures,
        "missing": list(state.missing),
    }
    lines = [f"✔ {update}", *(f"    {one}" for one in state.changes)]
    lines += [f"  – {tr('not signed as needed yet')}: {one}" for one in state.missing]
    settings.output.result(record, "\n".join(lines))
