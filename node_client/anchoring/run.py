"""Runs, as the register has them."""

from dataclasses import dataclass

from node_client.certificates.errors import SourceError

READING, SEALED, GIVEN_UP = "reading", "sealed", "given-up"
NAMELESS = "~"  # begins the name of a run whose name is not known before it is sealed
SHIFT = 32  # a certificate's number is its run's, shifted by this, and its place in the run


@dataclass(frozen=True)
class Run:
    """A run; the fields are the table's columns in their order.

    Attributes:
        source: the source's digest; None while it is not known.
        options: what was asked for, as JSON.
        issued_on: the day on which it began, which is its certificates' day of issue.
        state: reading, sealed, or given up: what was or may have been sent is all that is left.
        members: certificates, once it is sealed; of one that was given up those that are left.
        left_out: rows that were left out.
    """

    run: int
    name: str
    source: str | None
    options: str
    issued_on: str
    state: str
    members: int
    left_out: int
    created: str

    @property
    def first(self) -> int:
        """The number of its first certificate."""
        return self.run << SHIFT

    @property
    def last(self) -> int:
        """The highest number that one of its certificates can have."""
        return ((self.run + 1) << SHIFT) - 1


@dataclass(frozen=True)
class Kept:
    """A segment that is in the register.

    Attributes:
        members: how many certificates the run has with it.
        rows: how many rows it has.
        problems: its bad rows.
    """

    digest: bytes
    members: int
    rows: int
    problems: tuple[tuple[int, str], ...]


def require_same_options(run: Run, options: str) -> None:
    """Raises SourceError when a run was begun with other options."""
    if run.options != options:
        raise SourceError(
            f"the run {run.name} was begun with other options, or for another ledger",
            "give the same options again, or name another --run",
        )


def require_same_source(run: Run, source: str | None) -> None:
    """Raises SourceError when a run is known to be of another source."""
    if source is not None and run.source not in (None, source):
        raise SourceError(
            f"the source is not the one with which the run {run.name} began",
            "give that source again, or name another --run",
        )
