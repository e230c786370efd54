"""The units of a site's nodes, written into a folder that is laid out like the machine's root.

<target>/etc/
    systemd/system/certledger.target, certledger-<node>.service
    certledger/<node>.env
    sysusers.d/certledger.conf, tmpfiles.d/certledger.conf
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from network.errors import FolderError, NetworkError
from network.fabric import units
from network.fabric.binaries import Binaries
from network.fabric.launching import Launch, prepare
from network.fabric.nodes import OPERATOR_KEYS, REGISTRY_KEYS, Kind
from network.fabric.units import Service
from network.folder import Engine, Folder
from network.sites import BLOCK
from network.topology import Organisation
from node_client.durable import make_folder, replace_file

DESCRIPTIONS = {Kind.PEER: "peer", Kind.ORDERER: "orderer", Kind.CHAINCODE: "registry"}
_CALLERS = ("HOME", "LANG", "PATH", "PYTHONPATH", "SYSTEMROOT", "TZ")


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        files: relative to the target folder.
        homes: programs in a folder of somebody's home, which the nodes' user may not be able to read.
    """

    files: tuple[Path, ...]
    homes: tuple[Path, ...]


def export_units(folder: Folder, target: Path, user: str, programs: Binaries) -> Exported:
    """Write the units of a site's nodes, and the nodes' configuration into the site's folder.

    Args:
        user: as whom the nodes run.
        programs: Fabric's, where they are on the machine that runs the nodes.

    Raises:
        NetworkError: the folder is no site of Fabric nodes that has its channel, or something cannot be written.
    """
    units.check_user(user)
    if folder.engine is not Engine.FABRIC:
        raise NetworkError(
            "the embedded network is one process for development, and no service",
            "make a network of Fabric's nodes: certledger network init-org, or up --engine fabric",
        )
    if not (folder.path / BLOCK).exists():
        raise FolderError("the site has no channel yet", "make it first with: certledger network channel-block")
    topology = folder.topology()
    residents = folder.residents(topology)
    try:
        launches = prepare(folder, topology, programs.peer, programs.orderer)
        files = dict(_files(folder, residents, launches, user))
        for path, text in files.items():
            make_folder((target / path).parent)
            replace_file(target / path, text.encode(), 0o600 if path.suffix == ".env" else 0o644)
    except OSError as error:
        raise NetworkError(f"the units cannot be written: {error}", "choose another folder") from error
    used = {Path(launch.arguments[0]) for launch in launches}
    homes = sorted(path for path in used if units.in_a_home(path))
    return Exported(tuple(sorted(files)), tuple(homes))


def _files(
    folder: Folder, residents: Sequence[Organisation], launches: Sequence[Launch], user: str
) -> Iterator[tuple[Path, str]]:
    system = Path("etc/systemd/system")
    names = " and ".join(one.name for one in residents)
    yield system / units.TARGET, units.target_unit(f"the nodes of {names}")
    for launch in launches:
        service = _service(folder, launch, launches, user)
        yield system / units.unit_name(service.name), units.service_unit(service)
        environment = units.environment_file(service.name).relative_to("/")
        yield environment, units.environment_text(service.environment)
    yield Path("etc/sysusers.d/certledger.conf"), units.sysusers_text(user, folder.path)
    folders = [path for launch in launches for path in (launch.folder, launch.folder / "tmp")]
    yield Path("etc/tmpfiles.d/certledger.conf"), units.tmpfiles_text(user, folder.path, folders)


def _service(folder: Folder, launch: Launch, launches: Sequence[Launch], user: str) -> Service:
    node = launch.node
    before = [
        other.node.name
        for other in launches
        if node.kind is Kind.PEER and other.node.kind is Kind.CHAINCODE and other.node.organisation == node.organisation
    ]
    return Service(
        name=node.name,
        description=f"{DESCRIPTIONS[node.kind]} of {node.organisation.name}",
        user=user,
        arguments=launch.arguments,
        environment={name: value for name, value in launch.environment.items() if name not in _CALLERS},
        folder=launch.folder,
        hidden=tuple(_hidden(folder, launch)),
        after=before,
        ports=[int(address.rpartition(":")[2]) for address in node.addresses],
    )


def _hidden(folder: Folder, launch: Launch) -> Iterator[Path]:
    """What a node has no use for: the authorities' keys, people's keys and their register, other nodes' keys."""
    for organisation in folder.residents(folder.topology()):
        home = folder.organisation(organisation.name)
        own = organisation == launch.node.organisation
        yield from (home / "ca", home / "tlsca" / "tlsca.key", home / "users")
        yield from (home / OPERATOR_KEYS / "client.key", home / "register.db")
        for keys in ("peer", *(place.folder for place in organisation.orderers), REGISTRY_KEYS):
            if not own or keys != launch.node.keys:
                yield home / keys
