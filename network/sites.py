"""The steps by which organisations make a network together, each at its own site; on one machine they are the same.

1. Every organisation makes its keys, and tells the others of itself (`make_organisation`, `export`).
2. Every site makes the channel's first block from all bundles, the same bytes at every site (`make_channel`).
3. Every site starts its nodes, and they join; every organisation approves the registry, one puts it on the channel
   (`network.fabric`).

Nothing but bundles goes from one site to another.
"""

from collections.abc import Callable, Sequence
from functools import partial
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from network.bundle import Bundle
from network.bundle_files import bundle_of, unpack
from network.channel import Channel, channel_of
from network.crypto import create_organisation
from network.errors import BundleError, ConfigurationError, FolderError
from network.fabric.keys import create_links
from network.folder import Engine, Folder
from network.profiles import write_profiles
from network.rendering import rendered
from network.requests import REQUESTS, is_incomplete, make_requests
from network.topology import Organisation, Topology
from network.trust import write_trust
from node_client.durable import make_folder, replace_file, sync_folder, sync_tree

BLOCK = "channel.block"
BEGUN = "first-block.sha256"  # in the engine's folder
BUNDLES = "bundles"
BUNDLE_SUFFIX = ".bundle.json"


def make_organisation(path: Path, organisation: Organisation, engine: Engine, *, outside: bool = False) -> None:
    """Make an organisation's keys and certificates in a network's folder. Raises OSError.

    Args:
        outside: let the certificates come from an authority outside, and make requests for them.
    """
    home = path / organisation.name
    if outside:
        make_requests(home, organisation)
    else:
        create_organisation(home, organisation)
    if engine is Engine.FABRIC:
        create_links(home, organisation)


def make_site(
    folder: Folder, topology: Topology, organisation: Organisation, *, outside: bool = False, listen: str = ""
) -> None:
    """Make the site of one organisation, whole or not at all.

    Args:
        organisation: with the addresses of its nodes.
        outside: let its certificates come from an authority outside; they are taken in later.
        listen: the machine's own address, where its nodes' hosts do not lead to it directly.

    Raises:
        FolderError: something is there already, or it cannot be written.
        ConfigurationError: the organisation does not fit configtx.yaml.
    """
    if folder.exists:
        site = folder.site_of
        raise FolderError(
            f"{folder.path} is the site of {site} already" if site else f"{folder.path} has a whole network already",
            "choose another folder with --dir",
        )
    if listen:
        try:
            ip_address(listen)
        except ValueError as error:
            raise ConfigurationError(f"{listen} is no address of a machine", "give one such as 10.1.2.3") from error
    text = rendered(topology, [organisation])

    def fill(path: Path) -> None:
        make_organisation(path, organisation, Engine.FABRIC, outside=outside)
        (path / "configtx.yaml").write_text(text, encoding="utf-8")

    folder.make(fill, Engine.FABRIC, profile=topology.name, site=organisation.name, listen=listen)


def export(folder: Folder, organisation: Organisation) -> Bundle:
    """What an organisation whose site this is tells the others of itself. Raises FolderError."""
    home = folder.organisation(organisation.name)
    if is_incomplete(home):
        raise FolderError(
            f"the certificates of {organisation.name} have not come in",
            f"have them made of the requests in {home / REQUESTS}, then: certledger network take-in FOLDER",
        )
    return bundle_of(home, organisation)


def make_channel(folder: Folder, topology: Topology, bundles: Sequence[Bundle], expected: str = "") -> Channel:
    """Make the channel's first block at a site, and all that follows from it; whole or not at all.

    Args:
        topology: of the consortium's configtx.yaml.
        bundles: every organisation's; this site's own may be left out.
        expected: SHA-256 of the block in hex, where only that one may be made.

    Raises:
        BundleError: the bundles do not fit each other, configtx.yaml or this site, or make another block.
        FolderError: this site's nodes have begun with another first block already, or the folder cannot be written.
        ConfigurationError: configtx.yaml cannot be used.
    """
    own = [export(folder, one) for one in folder.residents(folder.topology())]
    names = {one.organisation for one in own}
    for bundle in bundles:
        if bundle.organisation in names and bundle not in own:
            raise BundleError(
                f"the bundle of {bundle.organisation} is not what this site tells of itself",
                f"export it again: certledger network export-org {bundle.organisation}",
            )
    channel = channel_of(topology, [*bundles, *own])
    if expected and expected.lower() != channel.digest:
        raise BundleError(
            f"the bundles make the first block {channel.digest}, which is not the expected one",
            "compare the bundles and configtx.yaml with those of the other sites",
        )
    require_block(folder, channel.block)
    try:
        write_channel(folder.path, channel, names)
        write_profiles(folder, folder.topology())
    except OSError as error:
        raise FolderError(f"the channel's files cannot be written: {error}") from error
    return channel


def begin(folder: Folder, block: bytes) -> None:
    """Note which first block the nodes of this site begin with, or check that it is the one with which they began.

    Raises:
        FolderError: their data are of another channel, or it cannot be noted.
    """
    path, digest = folder.home / BEGUN, sha256(block).hexdigest()
    try:
        if not path.exists():
            make_folder(path.parent)
            replace_file(path, f"{digest}\n".encode())
        noted = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise FolderError(f"the folder cannot be used: {error}") from error
    if noted != digest:
        raise FolderError(
            f"the nodes' data in {folder.home} are of the channel that begins with {noted}, not of {digest}",
            f"put the {BLOCK} back with which they began, or make another site with --dir",
        )


def require_block(folder: Folder, block: bytes) -> None:
    """Check that the nodes of this site have not begun with another first block. Raises FolderError."""
    before = folder.path / BLOCK
    if before.exists() and before.read_bytes() != block and begun(folder):
        raise FolderError(
            f"the nodes of this site have begun with another first block, {sha256(before.read_bytes()).hexdigest()}",
            "a channel's first block never changes; for another channel make another site with --dir",
        )


def begun(folder: Folder) -> bool:
    """Whether nodes of this site have ever been started: their data are of the channel that is here."""
    return (folder.home / BEGUN).exists() or any(folder.home.glob("*/data"))


def write_channel(path: Path, channel: Channel, own: set[str]) -> None:
    """Write what follows from the bundles into a network's folder; the block last, for where it is all is.

    Args:
        own: the names of the organisations whose keys are in the folder.

    Raises:
        OSError: it cannot be written.
    """
    (path / BLOCK).unlink(missing_ok=True)
    make_folder(path / BUNDLES)
    for old in (path / BUNDLES).glob(f"*{BUNDLE_SUFFIX}"):
        old.unlink()
    for bundle in channel.bundles:
        replace_file(path / BUNDLES / f"{bundle.organisation}{BUNDLE_SUFFIX}", bundle.to_bytes())
        if bundle.organisation not in own:
            replace_public(path, bundle.organisation, partial(unpack, bundle))
    replace_file(path / "configtx.yaml", channel.configtx.encode())
    write_trust(path / "trust.json", channel.block)
    replace_file(path / BLOCK, channel.block)


def replace_public(path: Path, name: str, fill: Callable[[Path], None]) -> None:
    """Put another organisation's public folder in its place, whole. Raises OSError.

    Args:
        fill: writes the content into an empty folder.
    """
    target = path / name
    temporary = Path(mkdtemp(prefix=f".{name}-", dir=path))
    try:
        fill(temporary)
        sync_tree(temporary)
        if target.exists():
            target.rename(temporary / "before")
        temporary.rename(target)
        sync_folder(path)
    finally:
        rmtree(temporary, ignore_errors=True)
        rmtree(target / "before", ignore_errors=True)
