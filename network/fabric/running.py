"""The Fabric network of a folder: its nodes brought up step by step, asked, restarted and taken down."""

from datetime import datetime
from pathlib import Path

from network import background
from network.engine import named
from network.errors import NotRunning, StartError
from network.fabric import binaries, processes
from network.fabric.asking import height, leads
from network.fabric.deploying import deploy_registry, wait_until_endorsing
from network.fabric.joining import join_orderer, join_peer, wait_for_leader, wait_for_orderer
from network.fabric.keeper import end_leftovers, run_file
from network.fabric.nodes import Kind, Node, nodes_of
from network.folder import Engine, Folder
from network.lock import holder
from network.progress import Progress, Step
from network.status import NetworkStatus, NodeStatus, OrganisationStatus
from network.waiting import NotYet, Waiter, each
from node_client.errors import FabricError

STOP_PATIENCE = processes.PATIENCE + 5.0  # seconds that the keeper has to end the nodes before it is killed


class FabricNetwork:
    """The nodes of a folder."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._topology = folder.topology()
        self._nodes = nodes_of(self._topology)

    def start(self, progress: Progress) -> None:
        found = binaries.find()
        arguments = ["-m", "network.fabric", str(self._folder.path)]
        arguments += ["--peer", str(found.peer), "--orderer", str(found.orderer)]
        background.start(self._folder, arguments, self._log)
        progress(Step.STARTED)
        try:
            self._bring_up(progress)
        except (FabricError, OSError) as error:
            self.stop()
            raise StartError(f"the network did not come up: {error}", f"its logs are in {self._log.parent}") from error
        except BaseException:
            self.stop()  # half of a network is of no use to anybody, and the next start goes on from here
            raise

    def _bring_up(self, progress: Progress) -> None:
        folder, waiter = self._folder, Waiter(self._check_nodes)
        block = (folder.path / "channel.block").read_bytes()
        orderers = self._of(Kind.ORDERER)
        each(orderers, lambda node: join_orderer(folder, node, block, waiter))
        progress(Step.ORDERERS_JOINED)
        for node in self._of(Kind.PEER):
            # One after the other: a peer that joins looks for the others at once, and finds those that have joined
            # before. Of peers that join at the same time none may find another, and they try again much later.
            join_peer(folder, node, block, waiter)
        progress(Step.PEERS_JOINED)
        wait_for_leader(folder, orderers, waiter)
        deploy_registry(folder, self._topology, waiter, progress)
        wait_until_endorsing(folder, self._topology, waiter)
        progress(Step.ENDORSING)
        self._note("the network serves")

    def _note(self, text: str) -> None:
        """Write a line into the network's log, in the keeper's form."""
        now = datetime.now().strftime("%Y-%m-%d %H:%M:%S,%f")[:-3]
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"{now} INFO {__name__} {text}\n")

    def _check_nodes(self) -> None:
        """Raises StartError: a node has ended, or nothing keeps the nodes running any more."""
        if holder(self._folder.lock) is None:
            raise StartError("the network was stopped while it started", "start it with: certledger network up")
        for node in self._nodes:
            process = processes.read(run_file(self._folder, node.name))
            if process and process.exits:
                status = "" if process.status is None else f" (status {process.status})"
                log = node.log(self._folder)
                raise StartError(f"{node.name} ended while the network started{status}", f"its log is {log}")

    def stop(self) -> bool:
        was_running = background.stop(self._folder, STOP_PATIENCE)
        return end_leftovers(self._folder) or was_running

    def status(self) -> NetworkStatus:
        pid = holder(self._folder.lock)
        nodes = each(self._nodes, self._node_status)
        heights = {one.organisation: one.height for one in nodes if one.kind == Kind.PEER}
        return NetworkStatus(
            engine=Engine.FABRIC,
            running=pid is not None,
            pid=pid,
            organisations=tuple(
                OrganisationStatus(
                    name=one.name,
                    msp_id=one.msp_id,
                    peer=one.peer,
                    mutual_tls_peer=one.peer,
                    orderer=one.orderer,
                    height=heights[one.name],
                )
                for one in self._topology.organisations
            ),
            nodes=tuple(nodes),
            trouble="" if pid is None or any(one.leader for one in nodes) else "no orderer leads the others",
        )

    def _node_status(self, node: Node) -> NodeStatus:
        process = self._process(node)
        return NodeStatus(
            name=node.name,
            kind=node.kind,
            organisation=node.organisation.name,
            address=node.address,
            pid=process.pid if process else None,
            leader=leads(self._folder, node) if process else None,
            height=height(self._folder, node) if process else None,
        )

    def logs(self) -> dict[str, Path]:
        found = {"network": self._log, **{node.name: node.log(self._folder) for node in self._nodes}}
        return {name: path for name, path in found.items() if path.exists()}

    def restart(self, node: str, progress: Progress) -> None:
        """Raises NotRunning, StartError: it did not come back; ConfigurationError: there is no such node."""
        name = named(node, [one.name for one in self._nodes])
        if holder(self._folder.lock) is None:
            raise NotRunning("the network does not run", "start it with: certledger network up")
        before = processes.read(run_file(self._folder, name))
        if before:
            processes.stop([before])  # the keeper starts it again
        waiter = Waiter()

        def started() -> None:
            now = processes.read(run_file(self._folder, name))
            if now is None or now == before or not now.alive:
                raise NotYet

        waiter.until(f"{name} is started again", started)
        progress(Step.RESTARTED)
        for one in self._of(Kind.ORDERER):
            wait_for_orderer(self._folder, one, waiter)
        wait_for_leader(self._folder, self._of(Kind.ORDERER), waiter)
        wait_until_endorsing(self._folder, self._topology, waiter)
        progress(Step.ENDORSING)

    def _process(self, node: Node) -> processes.Process | None:
        """The node's process, if it runs."""
        process = processes.read(run_file(self._folder, node.name))
        return process if process and process.alive else None

    def _of(self, kind: Kind) -> list[Node]:
        return [node for node in self._nodes if node.kind is kind]

    @property
    def _log(self) -> Path:
        return self._folder.home / "logs" / "network.log"
