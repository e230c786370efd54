"""The steps by which a site's nodes come up, each a command of its own: between them other sites take theirs.

Where all organisations are in one folder, `network.fabric.running` takes the same steps for all of them at once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial

from network import background
from network.arriving import came_later
from network.errors import FolderError, NotRunning, StartError
from network.fabric import binaries, elsewhere, processes
from network.fabric.arrival import arrive
from network.fabric.asking import follows, is_well
from network.fabric.deploying import approve_registry, commit_registry, is_deployed
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
)
from network.fabric.keeper import end_leftovers, run_file
from network.fabric.nodes import Kind, Node, nodes_of, orderers
from network.fabric.own_keys import check_keys
from network.folder import Folder
from network.lock import holder
from network.progress import Progress, Step
from network.sites import BLOCK, begin
from network.topology import Organisation
from network.waiting import PATIENCE, Waiter, each
from node_client.errors import FabricError

OTHERS_PATIENCE = 20.0  # seconds that a site waits for the others when it starts
STOP_PATIENCE = processes.PATIENCE + 5.0  # seconds that the keeper has to end the nodes before it is killed


class Site:
    """The nodes of the organisations whose keys are in a folder: one, or all of them.

    Attributes:
        residents: these organisations.
        whole: whether they are all organisations of the network.
        log: of what keeps the nodes running.
    """

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.topology = folder.topology()
        self.residents = folder.residents(self.topology)
        self.whole = len(self.residents) == len(self.topology.organisations)
        self.nodes = nodes_of(self.residents)
        self.log = folder.home / "logs" / "network.log"

    def start(self, progress: Progress) -> None:
        """Start the nodes of this site, and wait until they are well.

        A site waits for others' blocks and endorsements too, not for long: they may be down.

        Raises:
            NetworkError: they cannot be started, or one of them ended; none of them runs then.
        """
        self._launch()
        try:
            wait_for_nodes(self.folder, self.nodes, Waiter(partial(self._check_nodes, {})))
            progress(Step.STARTED)
            self.wait_for_others(progress)
        except BaseException:
            self.stop()
            raise

    def join(self, progress: Progress) -> None:
        """Have the nodes of this site join the channel, those that are not in it.

        A site waits for others' blocks and endorsements too, not for long: they may be down.

        Raises:
            NotRunning: they do not run.
            FolderError: another site has begun with another first block.
            StartError: they do not answer.
            FabricError: a node refused.
        """
        self._require_running()
        others = [one for one in self.topology.organisations if one not in self.residents]
        first, block, waiter = self.residents[0], self._block(), self.waiter()
        if not came_later(self.folder, block):
            check_first_block(self.folder, first, others, block)
            self._join(waiter, progress, block, lambda: elsewhere.configuration(self.folder, first) or block)
        else:
            arrival = arrive(self.folder, first, block)
            self._join(waiter, progress, block, lambda: arrival.block)
            # What it does next is about the channel as it is now, not as it was at its beginning.
            wait_for_height(self.folder, first, lambda: arrival.height, waiter)
        self.wait_for_others(progress)

    def approve(self, progress: Progress, organisations: Sequence[Organisation] = ()) -> list[str]:
        """Install the registry and approve it. Returns the package ids.

        Args:
            organisations: for whom; those that are here by default.

        Raises:
            NotRunning: the nodes do not run.
            StartError: a peer does not answer.
            FabricError: a peer or the channel refused.
        """
        self._require_running()
        chosen, waiter = organisations or self.residents, self.waiter()
        wait_for_leader(self.folder, self.ordering(), waiter)
        for one in chosen:
            wait_for_blocks(self.folder, orderers(one), one, waiter)
        found = approve_registry(self.folder, chosen, waiter)
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
        done = commit_registry(self.folder, self.residents[0])
        progress(Step.COMMITTED)
        return done

    def wait_for_others(self, progress: Progress) -> None:
        """Where others are elsewhere, wait until the peer has their blocks, and the registry, if any, is endorsed.

        That is for as long as blocks come, and not for long without any: others may be down.
        """
        if self.whole:
            return
        first, waiter = self.residents[0], self.waiter(OTHERS_PATIENCE)
        with suppress(StartError, FabricError):
            if not has_joined(self.folder, first, waiter):
                return
            wait_for_blocks(self.folder, orderers(first), first, waiter)
            progress(Step.CAUGHT_UP)
            if is_deployed(self.folder, first, waiter):
                hear(self.folder, first, waiter)
                progress(Step.ENDORSING)

    def _launch(self) -> None:
        block = self._block()
        check_keys(self.folder, self.topology)
        begin(self.folder, block)
        found = binaries.find()
        arguments = ["-m", "network.fabric", str(self.folder.path)]
        arguments += ["--peer", str(found.peer), "--orderer", str(found.orderer)]
        background.start(self.folder, arguments, self.log)

    def _join(
        self, waiter: Waiter, progress: Progress, first_block: bytes, orderers_block: Callable[[], bytes]
    ) -> None:
        folder, orderers = self.folder, self.of(Kind.ORDERER)
        each(orderers, lambda node: join_orderer(folder, node, orderers_block, waiter))
        progress(Step.ORDERERS_JOINED)
        for node in self.of(Kind.PEER):
            # One after the other: a peer that joins looks for the others at once, and finds those that have joined
            # before. Of peers that join at the same time none may find another, and they try again much later.
            join_peer(folder, node, first_block, waiter)
        progress(Step.PEERS_JOINED)

    def _block(self) -> bytes:
        """The channel's first block. Raises FolderError: it has not been made."""
        try:
            return (self.folder.path / BLOCK).read_bytes()
        except OSError as error:
            raise FolderError(
                "this site has no first block of the channel yet",
                "make it from every organisation's bundle: certledger network channel-block BUNDLE…; "
                "or take that of a channel that exists: certledger network take-channel FILE",
            ) from error

    def _require_running(self) -> None:
        if holder(self.folder.lock) is None and not any(each(self.nodes, lambda one: is_well(self.folder, one))):
            raise NotRunning("the nodes of this site do not run", "start them with: certledger network start")

    def waiter(self, patience: float = PATIENCE) -> Waiter:
        """One that gives up when a node ends or the keeper does, where there is one: services may run the nodes."""
        if holder(self.folder.lock) is None:
            return Waiter(patience=patience)
        before = {name: one.exits for name, one in self._processes()}
        return Waiter(partial(self._check_nodes, before), patience)

    def _check_nodes(self, before: Mapping[str, int]) -> None:
        """Check that nodes go on running.

        Args:
            before: how often each has ended before.

        Raises:
            StartError: one has ended once more, or nothing keeps the nodes running any more.
        """
        if holder(self.folder.lock) is None:
            raise StartError("the network was stopped meanwhile", "start it again")
        for name, process in self._processes():
            if process.exits > before.get(name, 0):
                status = "" if process.status is None else f" (status {process.status})"
                raise StartError(f"{name} ended{status}", f"look into: certledger network logs {name}")

    def _processes(self) -> Iterator[tuple[str, processes.Process]]:
        """The nodes' processes as the keeper has started them, by the nodes' names."""
        for node in self.nodes:
            if process := processes.read(run_file(self.folder, node.name)):
                yield node.name, process

    def stop(self) -> bool:
        """End the nodes. Returns whether any was running."""
        was_running = background.stop(self.folder, STOP_PATIENCE)
        return end_leftovers(self.folder) or was_running

    def of(self, kind: Kind) -> list[Node]:
        """The nodes of a kind."""
        return [node for node in self.nodes if node.kind is kind]

    def ordering(self) -> list[Node]:
        """The orderers here that are consenters: what only follows knows of no leader."""
        return [node for node in self.of(Kind.ORDERER) if not follows(self.folder, node)]
