"""Anchoring: from a source to batches on the ledger whose receipts are ready, through every interruption.

A run has three parts: reading (its certificates are kept in the register, segment by segment), sealing (its batches are
made, and everything is synced), sending (each batch is brought onto the ledger and attested). Whatever ends a run, the
same run again goes on where it ended.
"""

import asyncio
from collections.abc import AsyncIterable, Iterable
from dataclasses import dataclass
from typing import cast

from node_client.anchoring.batches import Batch, Batches, BatchSteps
from node_client.anchoring.options import Control, Options, Progress, Stage
from node_client.anchoring.reading import Tally
from node_client.anchoring.run import Run
from node_client.anchoring.running import RunReader
from node_client.anchoring.source import Entry, Source
from node_client.anchoring.trial_folder import sweep
from node_client.certificates._async.client import AsyncRegistryClient
from node_client.certificates.errors import Stopped
from node_client.certificates.patience import Patience, concerns_all, passes
from node_client.certificates.register import ATTESTED, Register
from node_client.certificates.settling import Settler
from node_client.errors import FabricError
from node_client.gateway._async.gateway import AsyncGateway
from node_client.gateway.pipeline import Pipeline

IN_FLIGHT = 8  # batches that are sent at a time


@dataclass(frozen=True)
class Anchored:
    """A run that is on the ledger, with receipts ready.

    Attributes:
        run: the run.
        batches: its batches.
        already: whether it was on the ledger before.
        problems: the first lines that were left out, and why.
        unused: names of columns or fields that mean nothing.
    """

    run: Run
    batches: tuple[Batch, ...]
    already: bool
    problems: tuple[tuple[int, str], ...] = ()
    unused: frozenset[str] = frozenset()


class Anchorer:
    """Anchors batches for one organisation.

    Args:
        gateway: connected as an issuer.
        client: the registry over that gateway.
        register: the organisation's register.
    """

    def __init__(self, gateway: AsyncGateway, client: AsyncRegistryClient, register: Register) -> None:
        self._gateway = gateway
        self._issuer = gateway.identity.msp_id
        self._ledger = client.trust.ledger
        self._register = register
        self._batches = Batches(register)
        self._steps = BatchSteps(client, self._batches)

    async def anchor(
        self,
        source: Source | Iterable[Entry] | AsyncIterable[Entry],
        options: Options | None = None,
        *,
        run: str = "",
        control: Control | None = None,
    ) -> Anchored:
        """Anchor everything that a source names, or finish what an earlier run began.

        A network that has answered and then is away for a moment is waited for.

        Args:
            source: a source, or entries.
            run: the run's name; by default the source's digest, so that the same source twice is one run.

        Raises:
            SourceError: the source cannot be read, or changed in the middle of the run.
            RowsRefused: rows cannot be used; nothing was anchored, and the register is as before.
            Stopped: as was wanted.
            RegisterError: the register cannot be written.
            LedgerMismatch, RegistryRefusal, EndorseError, CommitError: a batch was not written.
            OutcomeUnknown: whether a batch was written is not known; the same run again finds out.
        """
        options, control = options or Options(), control or Control()
        await asyncio.to_thread(sweep, self._register.path.parent)
        reader = RunReader(self._register.path, self._issuer, self._ledger, options, run, control)
        if isinstance(source, Iterable | AsyncIterable):
            found, tally = await reader.entries(source)
        else:
            found, tally = await asyncio.to_thread(reader.source, source)
        batches = self._batches.of_run(found.run)
        already = all(batch.state == ATTESTED for batch in batches)
        batches = await self._send(batches, control, tally)
        return Anchored(found, tuple(batches), already, tuple(tally.problems), frozenset(tally.unused))

    async def resume(self, run: Run, control: Control | None = None) -> Anchored:
        """Send what is left of a run that was sealed. Raises as `anchor`."""
        batches = await self._send(self._batches.of_run(run.run), control or Control(), Tally())
        return Anchored(run, tuple(batches), False)

    async def _send(self, batches: list[Batch], control: Control, tally: Tally) -> list[Batch]:
        network = self._gateway.get_network(self._ledger.channel)
        async with Pipeline(network, in_flight=IN_FLIGHT) as pipeline:
            sender = _Sender(Settler(self._gateway, self._steps, pipeline.submit), self._batches, control)
            done = 0
            control.progress(Progress(Stage.SENDING, done, len(batches), tally))

            async def send(batch: Batch) -> Batch:
                nonlocal done
                batch = await sender.send(batch)
                done += 1
                control.progress(Progress(Stage.SENDING, done, len(batches), tally))
                return batch

            results = await asyncio.gather(*map(send, batches), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return cast(list[Batch], results)


class _Sender:
    """Sends batches, some at a time. When the network is gone for longer than patience lasts, no more are begun."""

    def __init__(self, settler: Settler[Batch], batches: Batches, control: Control) -> None:
        self._settler = settler
        self._batches = batches
        self._stop = control.stop
        self._patience = Patience(self._ended, control.again)
        self._places = asyncio.Semaphore(IN_FLIGHT)
        self._failed: FabricError | None = None

    async def send(self, batch: Batch) -> Batch:
        async with self._places:
            if self._stop.is_set():
                raise Stopped
            if self._failed is not None:
                raise self._failed
            try:
                return await self._patience.attempt(lambda: self._settle(batch))
            except FabricError as error:
                if concerns_all(error):
                    self._failed = error
                if self._stop.is_set() and passes(error):
                    raise Stopped from error
                raise

    async def _settle(self, batch: Batch) -> Batch:
        try:
            return await self._settler.settle(self._batches.now(batch))
        except FabricError:
            # A run is often one batch: that a step of it was taken shows that the network was there.
            if self._batches.now(batch).state != batch.state:
                self._patience.answered()
            raise

    def _ended(self) -> bool:
        return self._stop.is_set() or self._failed is not None
