"""Fabric's nodes of a folder, as what runs its network."""

from datetime import datetime
from pathlib import Path

from network.engine import named
from network.errors import NotRunning, StartError
from network.fabric import processes
from network.fabric.deploying import has_package, is_deployed, runs_registry, wait_until_endorsing
from network.fabric.joining import wait_for_blocks, wait_for_leader, wait_for_orderer
from network.fabric.keeper import run_file
from network.fabric.nodes import Kind, orderers
from network.fabric.site import Site
from network.fabric.survey import survey
from network.folder import Engine, Folder
from network.lock import holder
from network.progress import Progress, Step
from network.revocation import node_is_revoked
from network.status import NetworkStatus, OrganisationStatus
from network.topology import Organisation
from network.waiting import NotYet, Waiter
from node_client.errors import FabricError


class FabricNetwork:
    """The nodes of a folder."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._site = Site(folder)

    def start(self, progress: Progress) -> None:
        """Take the steps of a site, for all organisations that are here; those that have been taken are left out."""
        site = self._site
        site.start(progress)
        try:
            site.join(progress)
            waiter = site.waiter()
            wait_for_leader(self._folder, site.ordering(), waiter)
            for one in self._valid:  # one that has lost its blocks knows of nothing on the channel before
                wait_for_blocks(self._folder, orderers(one), one, waiter)
            deployed = is_deployed(self._folder, site.residents[0], waiter)
            lacking = [one for one in site.residents if not (deployed and has_package(self._folder, one))]
            if lacking:
                site.approve(progress, lacking)
            if not deployed:
                site.commit(progress)
            self._wait_until_serving(progress, site.waiter())
            self._note("the network serves")
        except (FabricError, OSError) as error:
            self.stop()
            raise StartError(f"the network did not come up: {error}", f"its logs are in {site.log.parent}") from error
        except BaseException:
            self.stop()  # half of a network is of no use to anybody, and the next start goes on from here
            raise

    def stop(self) -> bool:
        return self._site.stop()

    def status(self) -> NetworkStatus:
        pid = holder(self._folder.lock)
        found = survey(self._folder, self._site.topology)
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
                for one in self._site.topology.organisations
            ),
            nodes=found.nodes,
            tolerance=found.tolerance,
            trouble=found.trouble if pid is not None or serving else "",
        )

    def logs(self) -> dict[str, Path]:
        found = {"network": self._site.log, **{node.name: node.log(self._folder) for node in self._site.nodes}}
        return {name: path for name, path in found.items() if path.exists()}

    def restart(self, node: str, progress: Progress) -> None:
        """Raises NotRunning, StartError: it did not come back; ConfigurationError: there is no such node."""
        name = named(node, [one.name for one in self._site.nodes])
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
        for one in self._site.of(Kind.ORDERER):
            wait_for_orderer(self._folder, one, waiter)
        self._wait_until_serving(progress, waiter)

    def _wait_until_serving(self, progress: Progress, waiter: Waiter) -> None:
        wait_for_leader(self._folder, self._site.ordering(), waiter)
        # An organisation may be late with a new version of the registry.
        endorsing = [one for one in self._valid if runs_registry(self._folder, one)]
        wait_until_endorsing(self._folder, endorsing, endorsing, waiter)
        if self._site.whole:
            progress(Step.ENDORSING)
        self._site.wait_for_others(progress)

    @property
    def _valid(self) -> list[Organisation]:
        """The organisations here whose peers get blocks and endorse: revoked ones do not any more."""
        home = self._folder.organisation
        return [one for one in self._site.residents if not node_is_revoked(home(one.name), "peer")]

    def _note(self, text: str) -> None:
        """Write a line into the network's log, in the keeper's form."""
        now = datetime.now().strftime("%Y-%m-%d %H:%M:%S,%f")[:-3]
        with self._site.log.open("a", encoding="utf-8") as log:
            log.write(f"{now} INFO {__name__} {text}\n")
