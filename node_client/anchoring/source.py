"""What certificates are anchored from, cut into segments.

A segment's digest tells whether it is the same when the source is read again. The same source is always cut in the same
places.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Protocol

from node_client.anchoring.preparing import Row, Shape, Work
from node_client.anchoring.rows import COLUMNS, look
from node_client.certificates.errors import SourceChanged

ROWS = 2048  # of a segment that was read row by row


@dataclass(frozen=True)
class Segment:
    """A part of a source.

    Attributes:
        digest: of everything that it says.
        work: what is to be prepared.
        done: how much of the source has been read with it.
    """

    digest: bytes
    work: Work
    done: int


class Source(Protocol):
    """A source that can be read again."""

    @property
    def shape(self) -> Shape:
        """How its rows are written."""

    @property
    def folder(self) -> str:
        """Where relative paths begin."""

    @property
    def total(self) -> int:
        """How much there is, in the unit of `Segment.done`."""

    @property
    def unused(self) -> Sequence[str]:
        """Names of columns that mean nothing here."""

    def digest(self) -> str:
        """What names the source, in hex: the same for the same content. Raises SourceError."""

    def segments(self) -> Iterator[Segment]:
        """Read it. Raises SourceError."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A certificate to be anchored: a document by its path, or its digest and size.

    Attributes:
        path: the document.
        sha256: its digest, in hex; with a path it must be that document's.
        size: in bytes.
        media_type, type, issued_on, valid_until: what else the statement says, where it differs from the run's options.
        reference: the caller's own name for the certificate; by default the document's digest and type.
    """

    path: str | Path = ""
    sha256: str = ""
    size: int = 0
    media_type: str = ""
    type: str = ""
    issued_on: date | None = None
    valid_until: date | None = None
    reference: str = ""

    def cells(self) -> tuple[str, ...]:
        """The cells of its row, in the order of `COLUMNS`."""
        issued_on = self.issued_on.isoformat() if self.issued_on else ""
        valid_until = self.valid_until.isoformat() if self.valid_until else ""
        size = str(self.size) if self.size else ""
        return (
            str(self.path),
            self.sha256,
            size,
            self.media_type,
            self.type,
            issued_on,
            valid_until,
            self.reference,
        )


ENTRIES = Shape(COLUMNS)
"""How entries are written."""


def entry_rows(entries: Iterable[Entry], first: int) -> list[Row]:
    """The rows of entries; `first` is the number of the first."""
    return [seen_row(number, entry.cells(), entry.path) for number, entry in enumerate(entries, first)]


def seen_row(line: int, cells: Sequence[str], path: str | Path, folder: str = ".") -> Row:
    """A row with what its document, if it has one, is like now."""
    seen = None
    if path:
        try:
            seen = look(Path(folder, path))
        except (OSError, ValueError):
            seen = None  # whoever reads it will say why
    return line, cells, seen


def rows_digest(rows: Sequence[Row]) -> bytes:
    """The digest of rows that were read one by one."""
    return sha256(repr(rows).encode("utf-8", "surrogatepass")).digest()


def unchanged(
    segments: Iterable[Segment], expected: str, error: SourceChanged, *, prefix: bytes = b""
) -> Iterator[Segment]:
    """The segments. Raises the error at the end when their digest, behind the prefix, is not what was expected.

    Args:
        expected: in hex; empty when nobody has asked for a digest before.
    """
    digest = sha256(prefix)
    for segment in segments:
        digest.update(segment.digest)
        yield segment
    if expected and digest.hexdigest() != expected:
        raise error


def cut(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows in segments."""
    rows = iter(rows)
    while segment := list(islice(rows, ROWS)):
        yield segment
