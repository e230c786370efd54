"""Making, starting, stopping and asking after the network of a folder."""

from pathlib import Path

from network.bundle_files import bundle_of
from network.channel import channel_of
from network.crypto import create_user
from network.engine import engine_of, named
from network.errors import FolderError, NetworkError, StartError
from network.fabric import binaries
from network.folder import Engine, Folder
from network.lock import holder
from network.ports import placed
from network.profiles import write_profiles
from network.progress import Progress, Step, silent
from network.sites import make_organisation, write_channel
from network.status import NetworkStatus
from network.tolerance import PROFILES, RAFT, tolerance
from network.topology import Organisation, Topology, default_configtx, read_topology


def up(
    folder: Folder,
    *,
    ports: str = "",
    engine: Engine | None = None,
    consensus: str = "",
    progress: Progress = silent,
) -> bool:
    """Start the network of a folder, making it when it is not there, and wait until it serves.

    Args:
        ports: `auto` for free ports, or a number that becomes the first of a row; only for a new network.
        engine: what runs it; a network that has been made keeps its own. The embedded one by default.
        consensus: how orderers agree, `raft` or `bft`; a network that has been made keeps its own. Raft by default.
        progress: is told of what is reached.

    Returns:
        Whether it was started; false when it ran already.

    Raises:
        NetworkError: it could not be made or did not come up.
    """
    created = not folder.exists
    if not created and folder.site_of:
        raise NetworkError(
            f"{folder.path} is the site of {folder.site_of} alone, whose network comes up site by site",
            "start its nodes with: certledger network start",
        )
    if created:
        create(folder, ports=ports, engine=engine or Engine.EMBEDDED, consensus=consensus or RAFT)
        progress(Step.MADE)
    elif ports:
        raise NetworkError(
            "the network has been made already, and its ports with it", "leave --ports out, or use another --dir"
        )
    elif engine and engine is not folder.engine:
        raise NetworkError(
            f"the network in {folder.path} was made for the engine {folder.engine}, not {engine}",
            "leave --engine out, or make another network with --dir",
        )
    elif consensus and consensus != tolerance(folder.topology()).consensus:
        raise NetworkError(
            f"the orderers of the network in {folder.path} agree in another way than {consensus}",
            "leave --consensus out, or make another network with --dir",
        )
    if not created:
        _write_profiles(folder, folder.topology())  # of a folder that was moved, or whose making was interrupted
    if holder(folder.lock) is not None:
        return False
    try:
        engine_of(folder).start(progress)
    except StartError:
        # Where no node has run it holds nothing yet, and the next attempt may want other ports. Else its logs say why.
        if created and holder(folder.lock) is None and not any(folder.home.glob("*/data")):
            folder.remove()
        raise
    return True


def create(
    folder: Folder,
    *,
    ports: str = "",
    engine: Engine = Engine.EMBEDDED,
    consensus: str = RAFT,
    configtx: str = "",
) -> None:
    """Make the folder of a network of which all organisations are here: keys, the channel's first block, profiles.

    It is made by the steps by which every organisation makes its own site.

    Args:
        engine: what is to run it.
        consensus: how its orderers agree, `raft` or `bft`.
        configtx: the text of the consortium's configtx.yaml; the package's own by default.

    Raises:
        NetworkError: it cannot be made, or not for this engine on this machine.
    """
    if engine is Engine.FABRIC:
        binaries.find()  # nothing is made that could not be started
    if engine is Engine.EMBEDDED and consensus != RAFT:
        raise NetworkError(
            "the embedded network orders in one process, and has no orderers that could agree in another way",
            "use it with --engine fabric",
        )
    topology = read_topology(configtx or default_configtx(), PROFILES[consensus])
    organisations = placed(topology, ports, engine) if ports else topology.organisations

    def fill(path: Path) -> None:
        for organisation in organisations:
            make_organisation(path, organisation, engine)
        bundles = [bundle_of(path / one.name, one) for one in organisations]
        write_channel(path, channel_of(topology, bundles), {one.name for one in organisations})

    folder.make(fill, engine, profile=topology.name)
    _write_profiles(folder, folder.topology())


def _write_profiles(folder: Folder, topology: Topology) -> None:
    try:
        write_profiles(folder, topology)
    except OSError as error:
        raise FolderError(f"the profiles cannot be written: {error}") from error


def add_identity(folder: Folder, organisation: str, name: str, role: str) -> Organisation:
    """Make another identity in an organisation, with a profile for it. Raises NetworkError."""
    topology = folder.topology()
    found = folder.require_resident(topology, organisation)
    try:
        create_user(folder.organisation(found.name), name, role)
        write_profiles(folder, topology)
    except OSError as error:
        raise NetworkError(f"the identity cannot be written: {error}") from error
    return found


def down(folder: Folder, *, purge: bool = False) -> bool:
    """Stop the network; with `purge`, remove its folder as well.

    Returns:
        Whether it was running.
    """
    was_running = engine_of(folder).stop()
    if purge:
        folder.remove()
    return was_running


def status(folder: Folder) -> NetworkStatus:
    """Whether the network runs, and how far every organisation's peer is."""
    return engine_of(folder).status()


def restart(folder: Folder, node: str, *, progress: Progress = silent) -> None:
    """Start one node of a running network anew, and wait until it serves. Raises NetworkError."""
    engine_of(folder).restart(node, progress)


def logs(folder: Folder, node: str = "") -> list[Path]:
    """The network's log files, its own first; or a node's. Raises NetworkError when there is no such node."""
    found = engine_of(folder).logs()
    return [found[named(node, list(found))]] if node else list(found.values())
