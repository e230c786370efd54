"""Trying a source: everything that anchoring checks, without anything that stays."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from node_client.anchoring.options import Control, Options
from node_client.anchoring.run import GIVEN_UP
from node_client.anchoring.running import RunReader
from node_client.anchoring.runs import RunStore
from node_client.anchoring.source import Source
from node_client.certificates.errors import RowsRefused, SourceError
from node_client.certificates.register import Register
from node_client.certificates.statement import Ledger


@dataclass(frozen=True)
class Checked:
    """What anchoring would do.

    Attributes:
        members: certificates that would be anchored.
        left_out: rows that would be left out.
        batches: how many batches they would make.
        problems: the first rows that would be left out, and why.
        already: whether the source is in the register.
        unused: names of fields that mean nothing here.
    """

    members: int
    left_out: int
    batches: int
    problems: tuple[tuple[int, str], ...] = ()
    already: bool = False
    unused: frozenset[str] = frozenset()


def check(
    source: Source, register: Path, issuer: str, ledger: Ledger, options: Options, control: Control, *, run: str = ""
) -> Checked:
    """Read a source into a register that goes away, and compare its references with those of the real one.

    Args:
        run: the run's name; empty for the source's digest.

    Raises:
        SourceError, RowsRefused, RegisterError, Stopped: as anchoring.
    """
    with RunStore(register) as store:
        there = store.find(run or source.digest())
    if there is not None and there.state == GIVEN_UP:
        raise SourceError(f"the run {there.name} was given up", "name another --run")
    if there is not None and there.members:
        return Checked(there.members, there.left_out, _batches(there.members, options), already=True)
    with TemporaryDirectory(dir=register.parent, prefix=".trying-") as folder:
        place = Path(folder) / register.name
        Register(place).close()
        found, tally = RunReader(place, issuer, ledger, options, run, control).source(source)
        with RunStore(place) as store:
            conflicts = store.taken_elsewhere(register)
    if conflicts.count and not options.skip_invalid:
        raise RowsRefused(conflicts.problems, conflicts.count)
    members = found.members - conflicts.count
    return Checked(
        members=members,
        left_out=found.left_out + conflicts.count,
        batches=_batches(members, options),
        problems=(*tally.problems, *conflicts.problems),
        unused=frozenset(tally.unused),
    )


def _batches(members: int, options: Options) -> int:
    return -(-members // options.batch_size)
