"""A run, from its source to the moment when it is sealed and ready to be sent."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path
from queue import Queue
from secrets import token_hex

from node_client.anchoring.options import Control, Options, Progress, Stage
from node_client.anchoring.preparing import Shape, Work
from node_client.anchoring.reading import Tally, read
from node_client.anchoring.rows import Terms
from node_client.anchoring.run import NAMELESS, READING, Run, require_same_source
from node_client.anchoring.runs import RunStore, SealedMeanwhile
from node_client.anchoring.source import ENTRIES, ROWS, Entry, Segment, Source, entry_rows, rows_digest
from node_client.certificates.errors import RegisterError, RowsRefused, SourceChanged, SourceError, Stopped
from node_client.certificates.statement import Ledger

_AHEAD = 4  # chunks of entries that wait to be read
_ABANDONED = timedelta(days=1)

Chunk = list[Entry]


class RunReader:
    """Reads and seals a run.

    Args:
        register: the register's file.
        issuer: the issuing organisation's MSP id.
        ledger: the ledger that the certificates are bound to.
        name: the run's name; empty for the source's digest.
    """

    def __init__(
        self, register: Path, issuer: str, ledger: Ledger, options: Options, name: str, control: Control
    ) -> None:
        self._register = register
        self._issuer = issuer
        self._ledger = ledger
        self._options = options
        self._name = name
        self._control = control

    def source(self, source: Source) -> tuple[Run, Tally]:
        """Read a source to its end, or find that this was done.

        Returns:
            The run, sealed or given up, and what was read now.

        Raises:
            SourceError, RowsRefused, RegisterError, Stopped: see `Anchorer.anchor`.
        """
        digest = source.digest()
        with RunStore(self._register) as store:
            run = store.begin(self._name or digest, digest, self._text)
            if run.state != READING:
                return run, Tally()
            return self._read(
                store, run, source.segments(), source.shape, source.folder, source.total, run.name, digest
            )

    async def entries(self, entries: Iterable[Entry] | AsyncIterable[Entry]) -> tuple[Run, Tally]:
        """Read entries to their end. Returns and raises as `source`."""
        waiting: Queue[Chunk | BaseException | None] = Queue(_AHEAD)
        reading = asyncio.create_task(asyncio.to_thread(self._from_queue, waiting))
        broken: Exception | None = None
        try:
            async for chunk in _chunks(entries):
                await asyncio.to_thread(waiting.put, chunk)
                if self._control.stop.is_set():
                    break
        except Exception as error:  # noqa: BLE001 - the caller's own; what was read until then is kept
            broken = error
        await asyncio.to_thread(waiting.put, Stopped() if broken or self._control.stop.is_set() else None)
        try:
            return await reading
        except Stopped:
            if broken is not None:
                raise broken from None
            raise

    @property
    def _text(self) -> str:
        return self._options.text(self._issuer, self._ledger)

    def _from_queue(self, waiting: "Queue[Chunk | BaseException | None]") -> tuple[Run, Tally]:
        ended = False

        def chunks() -> Iterator[Chunk]:
            nonlocal ended
            while True:
                found = waiting.get()
                if isinstance(found, list):
                    yield found
                    continue
                ended = True
                if found is not None:
                    raise found
                return

        try:
            return self._entries(_segments(chunks()))
        finally:
            while not ended:  # whoever gives us entries must not wait for ever
                ended = not isinstance(waiting.get(), list)

    def _entries(self, segments: Iterator[Segment]) -> tuple[Run, Tally]:
        with RunStore(self._register) as store:
            store.discard_abandoned((datetime.now(UTC) - _ABANDONED).isoformat(timespec="milliseconds"))
            run = store.begin(self._name or NAMELESS + token_hex(8), None, self._text)
            if run.state != READING:
                digest = sha256(b"".join(segment.digest for segment in segments)).hexdigest()
                require_same_source(run, digest)
                return run, Tally()
            return self._read(store, run, segments, ENTRIES, ".", 0, self._name, "")

    def _read(
        self,
        store: RunStore,
        run: Run,
        segments: Iterator[Segment],
        shape: Shape,
        folder: str,
        total: int,
        name: str,
        source: str,
    ) -> tuple[Run, Tally]:
        def told(tally: Tally) -> None:
            self._control.progress(Progress(Stage.READING, tally.done, total, tally))

        terms = self._terms(run, folder)
        try:
            tally, digest = read(
                store, run, segments, shape, terms, jobs=self._options.jobs, progress=told, stop=self._control.stop
            )
            name, source = name or digest, source or digest
            self._control.progress(Progress(Stage.SEALING, tally.done, total, tally))
            return self._seal(store, run, name, source, tally), tally
        except SealedMeanwhile:
            return self._other(store, run, name), Tally()
        except SourceChanged:
            store.discard(run)
            raise

    def _seal(self, store: RunStore, run: Run, name: str, source: str, tally: Tally) -> Run:
        skip = self._options.skip_invalid
        if not skip and tally.bad:
            store.discard(run)
            raise RowsRefused(tally.problems, tally.bad)
        if not tally.members:
            store.discard(run)
            raise SourceError("there is nothing to anchor")
        conflicts = store.seal(
            run, name=name, source=source, batch_size=self._options.batch_size, left_out=tally.bad, skip=skip
        )
        if conflicts.count and not skip:
            store.discard(run)
            raise RowsRefused(conflicts.problems, conflicts.count)
        tally.problems += conflicts.problems
        tally.bad += conflicts.count
        found = store.find(name)
        if found is None:
            raise RegisterError("the run is no longer in the register")
        return found

    def _other(self, store: RunStore, run: Run, name: str) -> Run:
        """The run that another process has sealed: this one, or one of the same source."""
        store.discard(run)
        found = store.find(name)
        if found is None:
            raise RegisterError("the run is no longer in the register", "run the same command again")
        return found

    def _terms(self, run: Run, folder: str) -> Terms:
        options = self._options
        return Terms(
            issuer=self._issuer,
            ledger=self._ledger,
            issued_on=date.fromisoformat(run.issued_on),
            type=options.type,
            media_type=options.media_type,
            valid_until=options.valid_until,
            folder=folder,
        )


def _segments(chunks: Iterator[Chunk]) -> Iterator[Segment]:
    done = 0
    for chunk in chunks:
        rows = entry_rows(chunk, done + 1)
        done += len(rows)
        yield Segment(rows_digest(rows), Work(rows[0][0], rows=rows), done)


async def _chunks(entries: Iterable[Entry] | AsyncIterable[Entry]) -> AsyncIterator[Chunk]:
    if isinstance(entries, Iterable):
        iterator = iter(entries)
        while chunk := list(islice(iterator, ROWS)):
            yield chunk
        return
    chunk = []
    async for entry in entries:
        chunk.append(entry)
        if len(chunk) == ROWS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
