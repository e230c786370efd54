"""What is started for each node: its command, environment and files."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chaincode.builder.installing import install
from chaincode.builder.requirements import INDEX_SETTINGS
from network.fabric.core_yaml import core_yaml, tls_roots
from network.fabric.nodes import Kind, Node, nodes_of
from network.fabric.orderer_yaml import orderer_yaml
from network.fabric.registry_package import registry_environment
from network.folder import Folder
from network.registry import COMMAND
from network.topology import Organisation, Topology

# gRPC logs every connection that ends at "info".
LOGGING = "info:grpc=error"

KEPT = ("HOME", "LANG", "PATH", "PYTHONPATH", "SYSTEMROOT", "TZ")


@dataclass(frozen=True)
class Launch:
    """How to start a node.

    Attributes:
        afterwards: what is run beside it when it had ended and has been started again.
    """

    node: Node
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    log: Path
    afterwards: tuple[str, ...] = ()


def prepare(folder: Folder, topology: Topology, peer: Path, orderer: Path) -> tuple[Launch, ...]:
    """Write the configuration of every node of this site, and say how to start it.

    Args:
        peer, orderer: Fabric's programs.

    Raises:
        OSError: a file cannot be written or read.
    """
    builder = folder.home / "builder"
    install(builder)
    (folder.home / "logs").mkdir(exist_ok=True)
    launches = []
    for node in nodes_of(folder.residents(topology)):
        home = node.home(folder)
        (home / "tmp").mkdir(parents=True, exist_ok=True)
        arguments: tuple[str, ...]
        if node.kind is Kind.ORDERER:
            (home / "orderer.yaml").write_text(orderer_yaml(node, topology, folder), encoding="utf-8")
            arguments, variables = (str(orderer),), _fabric(home)
        elif node.kind is Kind.PEER:
            tls_roots(node, folder).write_bytes(b"".join(_tls_root(folder, one) for one in topology.organisations))
            (home / "core.yaml").write_text(core_yaml(node, topology, folder, builder), encoding="utf-8")
            arguments, variables = (str(peer), "node", "start"), _fabric(home)
        else:
            arguments = (sys.executable, "-P", *COMMAND)
            variables = registry_environment(folder, node.organisation)
        environment = {**_kept(node.kind), "TMPDIR": str(home / "tmp"), **variables}
        helper = (sys.executable, "-P", "-m", "network.fabric.hearing", str(folder.path), node.organisation.name)
        afterwards = helper if node.kind is Kind.PEER else ()
        launches.append(Launch(node, arguments, environment, home, node.log(folder), afterwards))
    return tuple(launches)


def _tls_root(folder: Folder, organisation: Organisation) -> bytes:
    return (folder.organisation(organisation.name) / "tlsca" / "tlsca.crt").read_bytes()


def _fabric(home: Path) -> dict[str, str]:
    return {
        "FABRIC_CFG_PATH": str(home),
        "FABRIC_LOGGING_SPEC": os.environ.get("FABRIC_LOGGING_SPEC", LOGGING),
    }


def _kept(kind: Kind) -> dict[str, str]:
    """What nodes get of this process's environment. A CORE_ or ORDERER_ variable would change their configuration.

    How pip finds its index, passwords included, is for those who build packages: the peers.
    """
    names = (*KEPT, *(INDEX_SETTINGS if kind is Kind.PEER else ()))
    settings = {name: value for name, value in os.environ.items() if name.startswith("CERTLEDGER_ISSUER_")}
    return {**{name: os.environ[name] for name in names if name in os.environ}, **settings}
