"""The Fabric nodes of a folder: brought up step by step, asked, restarted and taken down.

Where the folder is one organisation's site, the steps are commands of their own, for between them other organisations
take theirs. Where all organisations are here, `start` takes the same steps for all of them.
"""

from contextlib import suppress
from datetime import datetime
from pathlib import Path

from network import background
from network.arriving import came_later
from network.engine import named
from network.errors import FolderError, NotRunning, StartError
from network.fabric import binaries, processes
from network.fabric.arrival import arrive
from network.fabric.asking import follows, is_well
from network.fabric.deploying import (
    approve_registry,
    commit_registry,
    has_package,
    is_deployed,
    runs_registry,
    wait_until_endorsing,
)
from network.fabric.hearing import hear
from network.fabric.joining import (
    check_first_block,
    has_joined,
    join_orderer,
    join_peer,
    wait_for_blocks,
    wait_for_height,
    wait_for_leader,
    wait_for_nodes,
    wait_for_orderer,
)
from network.fabric.keeper import end_leftovers, run_file
from network.fabric.nodes import Kind, Node, nodes_of, orderers
from network.fabric.own_keys import check_keys
from network.fabric.survey import survey
from network.folder import Engine, Folder
from network.lock import holder
from network.progress import Progress, Step
from network.revocation import node_is_revoked
from network.sites import BLOCK, begin
from network.status import NetworkStatus, OrganisationStatus
from network.topology import Organisation
from network.waiting import NotYet, Waiter, each
from node_client.errors import FabricError

OTHERS_PATIENCE = 20.0  # seconds that a site waits for the others when it starts
STOP_PATIENCE = processes.PATIENCE + 5.0  # seconds that the keeper has to end the nodes before it is killed


class FabricNetwork:
    """The nodes of a folder."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._topology = folder.topology()
        self._residents = folder.residents(self._topology)
        self._nodes = nodes_of(self._residents)

    def start(self, progress: Progress) -> None:
        self._start_nodes()
        progress(Step.STARTED)
        try:
            waiter = Waiter(self._check_nodes)
            block = self._block()
            self._join(waiter, progress, block, block)
            first = self._residents[0]
            for one in self._residents:  # one that has lost its blocks knows of nothing on the channel before
                wait_for_blocks(self._folder, orderers(one), one, waiter)
            if not is_deployed(self._folder, first, waiter):
                approve_registry(self._folder, self._residents, waiter)
                progress(Step.APPROVED)
                commit_registry(self._folder, first)
                progress(Step.COMMITTED)
            elif lacking := [one for one in self._residents if not has_package(self._folder, one)]:
                approve_registry(self._folder, lacking, waiter)
                progress(Step.APPROVED)
            wait_until_endorsing(self._folder, self._endorsing, self._endorsing, waiter)
            progress(Step.ENDORSING)
            self._note("the network serves")
        except (FabricError, OSError) as error:
            self.stop()
            raise StartError(f"the network did not come up: {error}", f"its logs are in {self._log.parent}") from error
        except BaseException:
            self.stop()  # half of a network is of no use to anybody, and the next start goes on from here
            raise

    def start_nodes(self, progress: Progress) -> None:
        """Start the nodes of this site, and wait until they are well.

        Where the registry is on the channel, wait for its endorsements too, but not for long: other sites may be down.

        Raises:
            NetworkError: they cannot be started, or one of them ended; none of them runs then.
        """
        self._start_nodes()
        try:
            wait_for_nodes(self._folder, self._nodes, Waiter(self._check_nodes))
            progress(Step.STARTED)
            self._wait_for_others(progress, Waiter(self._check_nodes, OTHERS_PATIENCE))
        except BaseException:
            self.stop()
            raise

    def join(self, progress: Progress) -> None:
        """Have the nodes of this site join the channel, those that are not in it.

        Where the registry is on the channel, wait for its endorsements too, but not for long.

        Raises:
            NotRunning: they do not run.
            FolderError: another site has begun with another first block.
            StartError: they do not answer, or the orderers have no leader.
            FabricError: a node refused.
        """
        self._require_running()
        others = [one for one in self._topology.organisations if one not in self._residents]
        first, block, waiter = self._residents[0], self._block(), self._waiter()
        if not came_later(self._folder, block):
            check_first_block(self._folder, first, others, block)
            self._join(waiter, progress, block, block)
        else:
            arrival = arrive(self._folder, first, block)
            self._join(waiter, progress, block, arrival.block)
            # What it does next is about the channel as it is now, not as it was at its beginning.
            wait_for_height(self._folder, first, lambda: arrival.height, waiter)
            progress(Step.CAUGHT_UP)
        self._wait_for_others(progress, Waiter(patience=OTHERS_PATIENCE))

    def approve(self, progress: Progress) -> list[str]:
        """Install the registry and approve it for the organisations here. Returns the package ids.

        Raises:
            NotRunning: the nodes do not run.
            StartError: a peer does not answer.
            FabricError: a peer or the channel refused.
        """
        self._require_running()
        waiter = self._waiter()
        wait_for_leader(self._folder, self._ordering(), waiter)
        for one in self._residents:
            wait_for_blocks(self._folder, orderers(one), one, waiter)
        found = approve_registry(self._folder, self._residents, waiter)
        progress(Step.APPROVED)
        return found

    def commit(self, progress: Progress) -> bool:
        """Put the registry on the channel, with the word of those who have approved it. Returns whether it was not yet.

        Raises:
            NotRunning: the nodes do not run.
            NotAgreed: too few have approved, or their peers do not answer.
            FabricError: the channel refused.
        """
        self._require_running()
        done = commit_registry(self._folder, self._residents[0])
        progress(Step.COMMITTED)
        return done

    def _wait_for_others(self, progress: Progress, waiter: Waiter) -> None:
        first = self._residents[0]
        with suppress(StartError, FabricError):
            if has_joined(self._folder, first, waiter) and is_deployed(self._folder, first, waiter):
                hear(self._folder, first, waiter)
                progress(Step.ENDORSING)

    def _start_nodes(self) -> None:
        block = self._block()
        check_keys(self._folder, self._topology)
        begin(self._folder, block)
        found = binaries.find()
        arguments = ["-m", "network.fabric", str(self._folder.path)]
        arguments += ["--peer", str(found.peer), "--orderer", str(found.orderer)]
        background.start(self._folder, arguments, self._log)

    def _join(self, waiter: Waiter, progress: Progress, first_block: bytes, orderers_block: bytes) -> None:
        folder, orderers = self._folder, self._of(Kind.ORDERER)
        each(orderers, lambda node: join_orderer(folder, node, orderers_block, waiter))
        progress(Step.ORDERERS_JOINED)
        for node in self._of(Kind.PEER):
            # One after the other: a peer that joins looks for the others at once, and finds those that have joined
            # before. Of peers that join at the same time none may find another, and they try again much later.
            join_peer(folder, node, first_block, waiter)
        progress(Step.PEERS_JOINED)
        if len(self._residents) == len(self._topology.organisations):
            wait_for_leader(folder, orderers, waiter)  # elsewhere the others may join much later

    def _block(self) -> bytes:
        """The channel's first block. Raises FolderError: it has not been made."""
        try:
            return (self._folder.path / BLOCK).read_bytes()
        except OSError as error:
            raise FolderError(
                "this site has no first block of the channel yet",
                "make it from every organisation's bundle: certledger network channel-block BUNDLE…; "
                "or take that of a channel that exists: certledger network take-channel FILE",
            ) from error

    def _require_running(self) -> None:
        if holder(self._folder.lock) is None and not any(each(self._nodes, lambda one: is_well(self._folder, one))):
            raise NotRunning("the nodes of this site do not run", "start them with: certledger network start")

    def _waiter(self) -> Waiter:
        """One that gives up when the keeper does, where there is one: the machine's services may run the nodes."""
        return Waiter() if holder(self._folder.lock) is None else Waiter(self._check_nodes)

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
        found = survey(self._folder, self._topology)
        # A node that the keeper left behind runs, but nothing keeps it running.
        serving = any(one.healthy and one.pid is None for one in found.nodes)
        heights = {one.organisation: one.height for one in found.nodes if one.kind == Kind.PEER}
        return NetworkStatus(
            engine=Engine.FABRIC,
            running=pid is not None or serving,
            pid=pid,
            organisations=tuple(
                OrganisationStatus(
                    name=one.name,
                    msp_id=one.msp_id,
                    peer=one.peer,
                    mutual_tls_peer=one.peer,
                    orderer=one.orderer,
                    height=heights.get(one.name),
                )
                for one in self._topology.organisations
            ),
            nodes=found.nodes,
            tolerance=found.tolerance,
            trouble=found.trouble if pid is not None or serving else "",
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
        wait_for_leader(self._folder, self._ordering(), waiter)
        wait_until_endorsing(self._folder, self._endorsing, self._endorsing, waiter)
        if self._folder.site_of:
            self._wait_for_others(progress, Waiter(patience=OTHERS_PATIENCE))
        else:
            progress(Step.ENDORSING)

    @property
    def _endorsing(self) -> list[Organisation]:
        """The organisations here whose peers endorse.

        A revoked peer gets no blocks any more, and an organisation may be late with a new version of the registry.
        """
        folder = self._folder
        valid = [one for one in self._residents if not node_is_revoked(folder.organisation(one.name), "peer")]
        return [one for one in valid if runs_registry(folder, one)]

    def _of(self, kind: Kind) -> list[Node]:
        return [node for node in self._nodes if node.kind is kind]

    def _ordering(self) -> list[Node]:
        """The orderers here that are consenters: what only follows knows of no leader."""
        return [node for node in self._of(Kind.ORDERER) if not follows(self._folder, node)]

    @property
    def _log(self) -> Path:
        return self._folder.home / "logs" / "network.log"
