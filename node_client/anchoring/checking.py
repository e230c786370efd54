"""Trying a source: what anchoring would do, and all that it checks before it sends. Nothing of it stays."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from node_client.anchoring.batches import Batch, Batches, state_of
from node_client.anchoring.options import Control, Options
from node_client.anchoring.run import READING, Run, require_same_options, require_same_source
from node_client.anchoring.running import RunReader
from node_client.anchoring.runs import RunStore
from node_client.anchoring.sealing import Conflicts
from node_client.anchoring.source import Source
from node_client.anchoring.trial_folder import sweep, trial_folder
from node_client.certificates.errors import RowsRefused
from node_client.certificates.register import ATTESTED, Register
from node_client.certificates.statement import Ledger


@dataclass(frozen=True)
class Checked:
    """What anchoring would do.

    Attributes:
        run: the run's name.
        members: certificates that the run would have, or has.
        left_out: rows that would be, or are, left out.
        batches: how many batches they would make, or make.
        state: how far the run is that would go on, as `state_of` tells it; empty when it would be a new one.
        already: whether all that there is of the run is on the ledger.
        problems: the first rows that would be left out, and why.
        unused: names of fields that mean nothing here.
    """

    run: str
    members: int
    left_out: int
    batches: int
    state: str = ""
    already: bool = False
    problems: tuple[tuple[int, str], ...] = ()
    unused: frozenset[str] = frozenset()


def check(
    source: Source, register: Path, issuer: str, ledger: Ledger, options: Options, control: Control, *, run: str = ""
) -> Checked:
    """Tell what anchoring a source would do.

    A source that is not in the register is read into one that goes away, and its references are compared with those of
    the real one.

    Args:
        register: the real register; it need not be there, and is not made.
        run: the run's name; empty for the source's digest.

    Raises:
        SourceError, RowsRefused, RegisterError, Stopped: as anchoring.
    """
    sweep(register.parent)
    digest, text = source.digest(), options.text(issuer, ledger)
    name = run or digest
    there, batches = _found(register, name)
    if there is not None:
        require_same_source(there, digest)
        require_same_options(there, text)
        if there.state != READING:
            already = all(batch.state == ATTESTED for batch in batches)
            return Checked(name, there.members, there.left_out, len(batches), state_of(there, batches), already)
    with trial_folder(register.parent) as folder:
        place = folder / register.name
        Register(place).close()
        with RunStore(place) as store:
            store.begin(name, digest, text, date.fromisoformat(there.issued_on) if there else None)
        found, tally = RunReader(place, issuer, ledger, options, name, control).source(source)
        with RunStore(place) as store:
            conflicts = store.taken_elsewhere(register) if register.exists() else Conflicts()
    if conflicts.count and not options.skip_invalid:
        raise RowsRefused(conflicts.problems, conflicts.count)
    members = found.members - conflicts.count
    return Checked(
        run=name,
        members=members,
        left_out=found.left_out + conflicts.count,
        batches=-(-members // options.batch_size),
        state=there.state if there else "",
        problems=(*tally.problems, *conflicts.problems),
        unused=frozenset(tally.unused),
    )


def _found(register: Path, name: str) -> tuple[Run | None, Sequence[Batch]]:
    """A run of the register, and its batches."""
    if not register.exists():
        return None, ()
    with Register(register) as opened, RunStore(register) as store:
        run = store.find(name)
        return run, Batches(opened).of_run(run.run) if run else ()
