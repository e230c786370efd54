"""`certledger network init-org … commit`: the steps by which organisations make a network, each at its own site."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.clock import Clock
from cli.language import tr
from cli.settings import CONSENSUS, Settings, folder_options

if TYPE_CHECKING:
    from network.fabric.running import FabricNetwork
    from network.topology import Topology

FILE = click.Path(path_type=Path, dir_okay=False)
CONFIGTX = click.option(
    "--configtx", metavar="FILE", type=FILE, help="The consortium's configtx.yaml (default: certledger's own)."
)


@click.command("init-org")
@click.argument("name")
@click.option("--peer", default="", metavar="HOST:PORT", help="Where its peer serves (default: as configtx.yaml says).")
@click.option(
    "--orderer", "orderers", multiple=True, metavar="HOST:PORT", help="Where its orderer serves; once for each of them."
)
@CONFIGTX
@click.option("--consensus", type=CONSENSUS, default="raft", show_default=True, help="How orderers agree.")
@folder_options
def init_org(
    settings: Settings, name: str, peer: str, orderers: tuple[str, ...], configtx: Path | None, consensus: str
) -> None:
    """Make the site of organisation NAME in a folder of its own: keys, certificates, identities."""
    from network import sites
    from network.tolerance import PROFILES

    topology = _topology(configtx, PROFILES[consensus])
    organisation = topology.organisation(name)
    if peer:
        organisation = replace(organisation, peer=peer)
    if orderers:
        organisation = replace(organisation, orderer=orderers[0], more_orderers=orderers[1:])
    bundle = sites.make_site(settings.folder, topology, organisation)
    record = {
        "organisation": bundle.organisation,
        "mspId": bundle.msp_id,
        "directory": str(settings.folder.path),
        "peer": bundle.peer,
        "orderers": [one.address for one in bundle.orderers],
        "sha256": bundle.digest,
    }
    settings.output.result(record, f"✔ {tr('the site is made')}: {bundle.organisation}  {settings.folder.path}")


@click.command("export-org")
@click.option("--out", metavar="FILE", type=FILE, help="Where to write it (default: NAME.bundle.json here).")
@folder_options
def export_org(settings: Settings, out: Path | None) -> None:
    """Write this site's public bundle, which the other organisations need, and print its SHA-256."""
    from network import sites
    from network.errors import FolderError
    from node_client.durable import replace_file

    folder = settings.folder
    organisations = folder.residents(folder.topology())
    if len(organisations) > 1:
        raise FolderError("all organisations are in this folder, and have nothing to tell each other")
    bundle = sites.export(folder, organisations[0])
    path = out or Path(f"{organisations[0].label}{sites.BUNDLE_SUFFIX}")
    replace_file(path, bundle.to_bytes())
    record = {"organisation": bundle.organisation, "file": str(path), "sha256": bundle.digest}
    settings.output.result(record, f"✔ {path}\n  SHA-256 {bundle.digest}")


@click.command("channel-block")
@click.argument("bundles", metavar="BUNDLE…", nargs=-1, required=True, type=FILE)
@CONFIGTX
@click.option("--sha256", "expected", default="", metavar="HEX", help="Make no other block than this one.")
@folder_options
def channel_block(settings: Settings, bundles: tuple[Path, ...], configtx: Path | None, expected: str) -> None:
    """Make the channel's first block from every organisation's BUNDLE, and print its SHA-256.

    It has the same bytes at every site: compare the SHA-256 before the nodes are started."""
    from network import sites
    from network.bundle_files import read_bundle

    folder = settings.folder
    topology = folder.topology()
    if configtx:
        topology = _topology(configtx, topology.name)
    channel = sites.make_channel(folder, topology, [read_bundle(path) for path in bundles], expected)
    record = {
        "file": str(folder.path / sites.BLOCK),
        "sha256": channel.digest,
        "organisations": [
            {
                "name": bundle.organisation,
                "mspId": bundle.msp_id,
                "peer": bundle.peer,
                "orderers": [one.address for one in bundle.orderers],
                "sha256": bundle.digest,
            }
            for bundle in channel.bundles
        ],
    }
    lines = [f"✔ {folder.path / sites.BLOCK}", f"  SHA-256 {channel.digest}"]
    lines += [f"    {bundle.organisation:12} {bundle.digest}" for bundle in channel.bundles]
    settings.output.result(record, "\n".join(lines))


@click.command()
@folder_options
def start(settings: Settings) -> None:
    """Start the nodes of this site, and return when they are well."""
    from cli.commands.network import show_status

    _nodes(settings).start_nodes(Clock(settings))
    show_status(settings, tr("the nodes are started"))


@click.command()
@folder_options
def join(settings: Settings) -> None:
    """Have the nodes of this site join the channel by its first block."""
    from cli.commands.network import show_status

    _nodes(settings).join(Clock(settings))
    show_status(settings, tr("the nodes are in the channel"))


@click.command()
@folder_options
def approve(settings: Settings) -> None:
    """Approve the registry for this site's organisation, and install it at its peer."""
    ids = _nodes(settings).approve(Clock(settings))
    settings.output.result({"packageIds": ids}, f"✔ {tr('the registry is approved')}  {', '.join(ids)}")


@click.command()
@folder_options
def commit(settings: Settings) -> None:
    """Put the registry on the channel, when the city and a data centre have approved it."""
    done = _nodes(settings).commit(Clock(settings))
    text = tr("the registry is on the channel") if done else tr("the registry was on the channel already")
    settings.output.result({"already": not done}, f"✔ {text}")


def _topology(configtx: Path | None, profile: str) -> "Topology":
    from network.errors import ConfigurationError
    from network.topology import default_configtx, read_topology

    try:
        text = configtx.read_text(encoding="utf-8") if configtx else default_configtx()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{configtx} cannot be read: {error}") from error
    return read_topology(text, profile)


def _nodes(settings: Settings) -> "FabricNetwork":
    from network.errors import FolderError
    from network.fabric.running import FabricNetwork
    from network.folder import Engine

    if settings.folder.engine is not Engine.FABRIC:
        raise FolderError(f"{settings.folder.path} has an embedded network", "start it with: certledger network up")
    return FabricNetwork(settings.folder)


COMMANDS = (init_org, export_org, channel_block, start, join, approve, commit)
