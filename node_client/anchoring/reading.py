"""Reading a source into the register, to its end or until it is stopped."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from threading import Event

from node_client.anchoring.preparing import Shape, Work
from node_client.anchoring.rows import Terms
from node_client.anchoring.run import Kept, Run
from node_client.anchoring.runs import RunStore
from node_client.anchoring.sealing import MOST_PROBLEMS
from node_client.anchoring.source import Segment
from node_client.anchoring.workers import Workers
from node_client.certificates.errors import Stopped


@dataclass
class Tally:
    """What has been read.

    Attributes:
        done: how much of the source, in its own unit.
        rows: rows, bad ones among them.
        members: certificates.
        problems: the first lines that cannot be used, and why.
        bad: how many there are.
        unused: names of fields that mean nothing here.
        before: how much of `done` and `members` an earlier command had kept.
    """

    done: int = 0
    rows: int = 0
    members: int = 0
    problems: list[tuple[int, str]] = field(default_factory=list)
    bad: int = 0
    unused: set[str] = field(default_factory=set)
    before: tuple[int, int] = (0, 0)

    def add(self, kept: Kept, done: int) -> None:
        """Count a segment."""
        self.bad += kept.rows - (kept.members - self.members)
        self.rows += kept.rows
        self.members, self.done = kept.members, done
        self.problems += kept.problems[: MOST_PROBLEMS - len(self.problems)]


def read(
    store: RunStore,
    run: Run,
    segments: Iterable[Segment],
    shape: Shape,
    terms: Terms,
    *,
    jobs: int,
    progress: Callable[[Tally], None],
    stop: Event,
) -> tuple[Tally, str]:
    """Keep every segment that is not in the register yet.

    Args:
        progress: told after every segment.
        stop: when set, what is being prepared is given up.

    Returns:
        What there is, and the digest of all segments.

    Raises:
        Stopped: as was wanted.
        SealedMeanwhile: another process has done all of it.
        SourceError: the source changed, or cannot be read.
        RegisterError: the register cannot be written.
    """
    tally, digest = Tally(), hashlib.sha256()

    def missing() -> Iterator[tuple[tuple[int, Segment], Work]]:
        """The segments that are to be prepared. Those before the first of them are in the register."""
        new = False
        for number, segment in enumerate(segments):
            if stop.is_set():
                raise Stopped
            digest.update(segment.digest)
            kept = None if new else store.kept(run, number)
            if kept is None:
                new = True
                yield (number, segment), segment.work
            else:
                store.require_same(kept, segment.digest)
                tally.add(kept, segment.done)
                tally.before = tally.done, tally.members
                progress(tally)

    with Workers(shape, terms, jobs) as workers:
        for (number, segment), prepared in workers.run(missing()):
            tally.add(store.keep(run, number, segment.digest, prepared), segment.done)
            tally.unused |= prepared.unused
            progress(tally)
            if stop.is_set():
                raise Stopped
    return tally, digest.hexdigest()
