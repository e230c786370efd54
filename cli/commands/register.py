"""`certledger register`: keep the only copy of the salts safe."""

from pathlib import Path

import click

from cli.language import tr
from cli.settings import Settings, identity_options


@click.group()
def register() -> None:
    """The organisation's register: the only place where the salts are."""


@register.command()
@click.argument("file", type=click.Path(path_type=Path))
@identity_options
def backup(settings: Settings, file: Path) -> None:
    """Copy the register to FILE, while it may be in use. The copy knows what the register knows: keep it as safe."""
    from node_client.certificates.register_copies import back_up

    back_up(settings.profile().register, file)
    _tell(settings, "backed up", file)


@register.command()
@click.argument("file", type=click.Path(path_type=Path))
@identity_options
def restore(settings: Settings, file: Path) -> None:
    """Put the copy FILE in the place of a register that is lost. One that is there is left as it is.

    What was done after the copy was made is on the ledger, but its salts are lost: run the same commands again only for
    what the copy knows.
    """
    from node_client.certificates.register_copies import restore as put_back

    target = settings.profile().register
    put_back(file, target)
    _tell(settings, "restored", target)


def _tell(settings: Settings, status: str, file: Path) -> None:
    words = {"backed up": tr("the register is backed up"), "restored": tr("the register is restored")}
    record = {"status": status.replace(" ", "-"), "file": str(file)}
    settings.output.result(record, f"✔ {words[status]}  {file}")
