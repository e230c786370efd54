"""How the nodes of a folder are. All are asked everything at once: a silent one keeps nobody waiting but for itself."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from network.expiry import earliest
from network.fabric import processes
from network.fabric.asking import chaincode, configuration, follows, height, is_well, knows_leader, leads
from network.fabric.deploying import endorsement_trouble
from network.fabric.keeper import run_file
from network.fabric.nodes import Kind, Node, nodes_of
from network.fabric.processes import Process
from network.folder import Folder
from network.status import NodeStatus
from network.tolerance import BFT, RAFT, Tolerance, counted, tolerance
from network.topology import Organisation, Topology
from node_client.protocol import config_consensus
from node_client.protocol.config import Configuration

QUESTIONS = 8  # at most, to a node

T = TypeVar("T")


@dataclass(frozen=True)
class Survey:
    """How the nodes are.

    Attributes:
        tolerance: what the channel's ordering bears; as the folder has it where no peer tells.
        trouble: why no transactions are taken, as far as the orderers here know; empty when they are.
    """

    nodes: tuple[NodeStatus, ...]
    tolerance: Tolerance
    trouble: str


def process_of(folder: Folder, node: Node) -> Process | None:
    """A node's process, if the keeper has started one that runs."""
    process = processes.read(run_file(folder, node.name))
    return process if process and process.alive else None


def survey(folder: Folder, topology: Topology) -> Survey:
    """Ask the nodes of a folder how they are. Raises FolderError: the folder is damaged."""
    residents = folder.residents(topology)
    nodes = nodes_of(residents)
    with ThreadPoolExecutor(QUESTIONS * len(nodes)) as pool:
        asked = [_Asked(pool, folder, node, process_of(folder, node)) for node in nodes]
        found = tuple(one.status() for one in asked)
        elsewhere = len(residents) < len(topology.organisations)
        trouble = _trouble_here(asked, residents[0]) if elsewhere else _trouble(found)
        configurations = [one.configuration.result() for one in asked]
    newest = max((one for one in configurations if one), key=lambda one: one.sequence, default=None)
    return Survey(found, tolerance_of(newest) if newest else tolerance(topology), trouble)


class _Asked:
    """What one node has been asked, while it answers."""

    def __init__(self, pool: ThreadPoolExecutor, folder: Folder, node: Node, process: Process | None) -> None:
        self.node = node
        self._process = process
        self._expires = earliest(folder.organisation(node.organisation.name) / node.keys)
        self._well = pool.submit(is_well, folder, node)

        def ask(question: Callable[[Folder, Node], T | None]) -> Future[T | None]:
            # The machine's services may run what the keeper does not. What does not run is asked nothing more.
            return pool.submit(lambda: question(folder, node) if process or self._well.result() else None)

        self._leader, self._height, self._chaincode = ask(leads), ask(height), ask(chaincode)
        self.configuration = ask(configuration)
        self.follows, self.knows_leader = ask(follows), ask(knows_leader)
        self.endorsement_trouble = ask(_endorsement_trouble)

    def status(self) -> NodeStatus:
        """What it has answered, when it has."""
        return NodeStatus(
            name=self.node.name,
            kind=self.node.kind,
            organisation=self.node.organisation.name,
            address=self.node.address,
            pid=self._process.pid if self._process else None,
            healthy=self._well.result(),
            leader=self._leader.result(),
            height=self._height.result(),
            chaincode=self._chaincode.result(),
            expires=self._expires,
        )


def _endorsement_trouble(folder: Folder, node: Node) -> str:
    return endorsement_trouble(folder, node.organisation) if node.kind is Kind.PEER else ""


def _trouble(nodes: Sequence[NodeStatus]) -> str:
    return "" if any(one.leader for one in nodes) else "no orderer leads the others"


def _trouble_here(asked: Sequence[_Asked], first: Organisation) -> str:
    """The leader may be at another site, and an orderer tells no more than that it has heard of one."""
    # What only follows knows of no leader.
    ordering = [one for one in asked if one.node.kind is Kind.ORDERER and not one.follows.result()]
    if ordering and not any(one.knows_leader.result() for one in ordering):
        return "no orderer is known to lead"
    (peer,) = [one for one in asked if one.node.kind is Kind.PEER and one.node.organisation == first]
    trouble = peer.endorsement_trouble.result()
    return f"{peer.node.name} does not answer" if trouble is None else trouble


def tolerance_of(config: Configuration) -> Tolerance:
    """What the ordering of a channel bears by its configuration in force, which knows who came later.

    Raises:
        ProtocolError: it says nothing of how orderers agree.
    """
    owners = {address: name for name, addresses in config.orderer_addresses.items() for address in addresses}
    by_bft = config_consensus.consensus_type(config.encoded) == config_consensus.BFT
    consenters = (config_consensus.bft_owners if by_bft else config_consensus.raft_addresses)(config.encoded)
    # Fabric does not demand that a consenter stands among the endpoints: such a one is nobody's but its own.
    return counted(BFT if by_bft else RAFT, [owners.get(one, one) for one in consenters])
