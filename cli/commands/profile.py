"""`certledger profile`: who the commands act as."""

import click

from cli.language import tr
from cli.settings import Settings, folder_options


@click.group()
def profile() -> None:
    """Choose who the commands act as: an organisation and one of its users."""


@profile.command("list")
@folder_options
def list_profiles(settings: Settings) -> None:
    """List the profiles; the current one is marked."""
    from network.profiles import current_profile, load_profile, profile_names

    current = current_profile(settings.folder)
    for name in profile_names(settings.folder):
        found = load_profile(settings.folder, name)
        record = {"name": name, "organisation": found.organisation, "user": found.user, "current": name == current}
        settings.output.result(record, f"{'*' if name == current else ' '} {name}")


@profile.command()
@click.argument("name")
@folder_options
def use(settings: Settings, name: str) -> None:
    """Act as NAME from now on."""
    from network.profiles import use_profile

    use_profile(settings.folder, name)
    settings.output.result({"name": name, "current": True}, f"✔ {tr('current profile')}: {name}")


@profile.command()
@click.argument("name", required=False, default="")
@folder_options
def show(settings: Settings, name: str) -> None:
    """Show a profile, the current one by default."""
    from network.profiles import load_profile

    found = load_profile(settings.folder, name)
    record = found.to_dict()
    settings.output.result(record, "\n".join(f"{key}: {value}" for key, value in record.items()))
