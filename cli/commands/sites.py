"""`certledger network init-org … commit`: the steps by which organisations make a network, each at its own site."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.clock import Clock
from cli.configtx import CONFIGTX, topology_of
from cli.language import tr
from cli.settings import CONSENSUS, Settings, folder_options

if TYPE_CHECKING:
    from network.fabric.site import Site
    from network.topology import Organisation

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("init-org")
@click.argument("name")
@click.option("--peer", default="", metavar="HOST:PORT", help="Where its peer serves (default: as configtx.yaml says).")
@click.option(
    "--orderer", "orderers", multiple=True, metavar="HOST:PORT", help="Where its orderer serves; once for each of them."
)
@click.option("--msp-id", default="", metavar="ID", help="For one that configtx.yaml does not name: it comes later.")
@CONFIGTX
@click.option("--consensus", type=CONSENSUS, default="raft", show_default=True, help="How orderers agree.")
@click.option(
    "--listen",
    default="",
    metavar="ADDRESS",
    help="Where its machine listens, if its hosts do not lead there.",
)
@click.option("--csr", is_flag=True, help="Make requests for certificates of an authority outside.")
@folder_options
def init_org(
    settings: Settings,
    name: str,
    peer: str,
    orderers: tuple[str, ...],
    msp_id: str,
    configtx: Path | None,
    consensus: str,
    listen: str,
    csr: bool,
) -> None:
    """Make the site of organisation NAME in a folder of its own: keys, certificates, identities.

    With --csr only the keys are made, and requests for the certificates; take these in with `network take-in`.
    With --msp-id it is an organisation that comes into a channel which exists: see `network take-channel`."""
    from network import arriving, sites
    from network.requests import REQUESTS
    from network.tolerance import PROFILES

    topology = topology_of(configtx, PROFILES[consensus])
    if msp_id:
        organisation = arriving.newcomer(name, msp_id, peer, orderers)
        topology = arriving.topology_of([organisation])
    else:
        organisation = topology.organisation(name)
        if peer:
            organisation = replace(organisation, peer=peer)
        if orderers:
            organisation = replace(organisation, orderer=orderers[0], more_orderers=orderers[1:])
    sites.make_site(settings.folder, topology, organisation, outside=csr, listen=listen)
    requests = settings.folder.organisation(organisation.name) / REQUESTS if csr else None
    record = {
        "organisation": organisation.name,
        "mspId": organisation.msp_id,
        "directory": str(settings.folder.path),
        "peer": organisation.peer,
        "orderers": [one.address for one in organisation.orderers],
        "requests": str(requests) if requests else None,
    }
    text = f"✔ {tr('the site is made')}: {organisation.name}  {settings.folder.path}"
    if requests:
        text += f"\n  {tr('requests for its certificates')}: {requests}"
    settings.output.result(record, text)


@click.command("take-in")
@click.argument("certificates", metavar="FOLDER", type=click.Path(path_type=Path, file_okay=False))
@folder_options
def take_in(settings: Settings, certificates: Path) -> None:
    """Take in the certificates in FOLDER, which an authority outside has made of this site's requests."""
    from network import requests

    (organisation,) = _own(settings)
    requests.take_in(settings.folder.organisation(organisation.name), organisation, certificates)
    settings.output.result({"organisation": organisation.name}, f"✔ {tr('the certificates are taken in')}")


@click.command()
@folder_options
def renew(settings: Settings) -> None:
    """Make the certificates of this site's nodes and users anew, for the same keys.

    Restart the nodes afterwards, and approve the registry again: its package has a new certificate in it. Where the
    certificates come from an authority outside, requests are made for them instead."""
    from network import renewal, requests
    from network.requests import REQUESTS

    for organisation in _own(settings):
        home = settings.folder.organisation(organisation.name)
        if not renewal.is_own_authority(home):
            requests.make_requests(home, organisation)
            made = str(home / REQUESTS)
            record = {"organisation": organisation.name, "requests": made}
            settings.output.result(record, f"✔ {tr('requests for its certificates')}: {made}")
        for one in renewal.renew(home, organisation):
            record = {
                "organisation": organisation.name,
                "file": str(one.file),
                "before": one.before.isoformat(),
                "after": one.after.isoformat(),
            }
            dates = f"{one.before:%Y-%m-%d} → {one.after:%Y-%m-%d}"
            settings.output.result(record, f"✔ {organisation.name}/{one.file}  {dates}")


@click.command("add-orderer")
@click.argument("name")
@click.argument("address", metavar="HOST:PORT")
@folder_options
def add_orderer(settings: Settings, name: str, address: str) -> None:
    """Make the keys of another orderer of organisation NAME, which will serve at HOST:PORT.

    It orders when the channel's configuration has it: `network config migrate` proposes that."""
    from network import migration

    found = migration.add_orderer(settings.folder, name, address)
    place = found.orderers[-1]
    record = {"organisation": found.name, "name": place.name, "address": place.address}
    settings.output.result(record, f"✔ {tr('the keys of the orderer are made')}: {place.name}  {place.address}")


@click.command("export-org")
@click.option("--out", metavar="FILE", type=FILE, help="Where to write it (default: NAME.bundle.json here).")
@folder_options
def export_org(settings: Settings, out: Path | None) -> None:
    """Write this site's public bundle, which the other organisations need, and print its SHA-256."""
    from network import sites
    from network.errors import FolderError
    from node_client.durable import replace_file

    folder, organisations = settings.folder, _own(settings)
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
        topology = topology_of(configtx, topology.name)
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


@click.command("take-channel")
@click.argument("file", type=FILE)
@click.option("--sha256", "expected", default="", metavar="HEX", help="Take no other block than this one.")
@folder_options
def take_channel(settings: Settings, file: Path, expected: str) -> None:
    """Take FILE as the first block of a channel that exists, and print its SHA-256.

    It is the `channel.block` of a site that is in the channel, for an organisation that comes later."""
    from network import arriving, sites
    from network.errors import BundleError
    from network.given_files import read_given

    folder = settings.folder
    digest = arriving.take_channel(folder, read_given(file, BundleError), expected)
    path = folder.path / sites.BLOCK
    title = tr("the channel's first block is here")
    text = f"✔ {title}: {path}\n  SHA-256 {digest}"
    settings.output.result({"file": str(path), "sha256": digest}, text)


@click.command()
@folder_options
def start(settings: Settings) -> None:
    """Start the nodes of this site, and return when they are well."""
    from cli.commands.network import show_status

    _nodes(settings).start(Clock(settings))
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


def _own(settings: Settings) -> "tuple[Organisation, ...]":
    """The organisations whose site this is."""
    return settings.folder.residents(settings.folder.topology())


def _nodes(settings: Settings) -> "Site":
    from network.errors import FolderError
    from network.fabric.site import Site
    from network.folder import Engine

    if settings.folder.engine is not Engine.FABRIC:
        raise FolderError(f"{settings.folder.path} has an embedded network", "start it with: certledger network up")
    return Site(settings.folder)


COMMANDS = (
    init_org,
    add_orderer,
    take_in,
    renew,
    export_org,
    channel_block,
    take_channel,
    start,
    join,
    approve,
    commit,
)
