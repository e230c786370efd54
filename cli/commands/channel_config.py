"""`certledger network config`: change the channel's configuration, together with the other organisations."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.configtx import CONFIGTX, topology_of
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
    from network.config_files import edited

    desk = _desk(settings)
    config = desk.config()
    _tell(settings, update, desk.propose(update, config, edited(file, config)))


@config.command("add-org")
@click.argument("bundle", type=FILE)
@click.argument("update", type=FILE)
@identity_options
def add_org(settings: Settings, bundle: Path, update: Path) -> None:
    """Write to UPDATE what takes the organisation of BUNDLE into the channel, and tell who must sign it.

    Its nodes can join from then on, its orderer as a follower; `add-consenter` comes after that."""
    from network.admitting import with_newcomer
    from network.bundle_files import read_bundle

    found, desk = read_bundle(bundle), _desk(settings)
    config = desk.config()
    _tell(settings, update, desk.propose(update, config, with_newcomer(config, found)))


@config.command("add-consenter")
@click.argument("bundle", type=FILE)
@click.argument("update", type=FILE)
@identity_options
def add_consenter(settings: Settings, bundle: Path, update: Path) -> None:
    """Write to UPDATE what makes an orderer of BUNDLE one of those that order (Raft), and tell who must sign it.

    It should have joined and have all blocks: one that does not run counts among those that have failed."""
    from network.admitting import with_consenter
    from network.bundle_files import read_bundle

    found, desk = read_bundle(bundle), _desk(settings)
    config = desk.config()
    _tell(settings, update, desk.propose(update, config, with_consenter(config, found)))


@config.command()
@click.argument("update", type=FILE)
@click.argument("bundles", metavar="[BUNDLE…]", nargs=-1, type=FILE)
@CONFIGTX
@identity_options
def migrate(settings: Settings, update: Path, bundles: tuple[Path, ...], configtx: Path | None) -> None:
    """Write to UPDATE the next step of the channel's way from Raft to BFT, and tell who must sign it.

    BUNDLE is needed of organisations that have other orderers than when the channel began. Between the steps there is
    something to do at the sites: see docs/operations.md."""
    from network.bundle_files import read_bundle
    from network.migration import PROFILE, known_bundles, next_step, require_fabric

    require_fabric(settings.folder)
    known = known_bundles(settings.folder, [read_bundle(path) for path in bundles])
    desk = _desk(settings)
    config = desk.config()
    step, wanted = next_step(config, topology_of(configtx, PROFILE), known)
    _tell(settings, update, desk.propose(update, config, wanted), step=step.name.lower(), title=tr(step))


@config.command()
@CONFIGTX
@identity_options
def adopt(settings: Settings, configtx: Path | None) -> None:
    """Bring this folder to what the configuration in force says of the orderers: which there are, how they agree."""
    from network import migration
    from network.tolerance import tolerance

    found = migration.adopt(settings.folder, _desk(settings).config(), topology_of(configtx, migration.PROFILE))
    addresses = [place.address for one in found.organisations for place in one.orderers]
    record = {"consensus": tolerance(found).consensus, "orderers": addresses}
    settings.output.result(record, f"✔ {tr('the folder knows the orderers')}: {', '.join(addresses)}")


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


def _tell(settings: Settings, update: Path, state: "UpdateState", *, step: str = "", title: str = "") -> None:
    record = {
        **({"step": step} if step else {}),
        "file": str(update),
        "changes": list(state.changes),
        "signatures": state.signatures,
        "missing": list(state.missing),
    }
    lines = [f"✔ {update}  {title}".rstrip(), *(f"    {one}" for one in state.changes)]
    lines += [f"  – {tr('not signed as needed yet')}: {one}" for one in state.missing]
    settings.output.result(record, "\n".join(lines))
