"""What a source says of one certificate, read and checked cell by cell."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from pathlib import Path

from chaincode.registry.model.ids import is_id
from node_client.anchoring.template import Kind
from node_client.certificates.certificate_type import is_type
from node_client.certificates.document import DEFAULT_MEDIA_TYPE, Document, is_media_type
from node_client.certificates.errors import DocumentError
from node_client.certificates.reference import MAX_LENGTH, is_document_reference, is_text
from node_client.certificates.statement import Ledger

COLUMNS = ("path", "sha256", "size", "media_type", "type", "issued_on", "valid_until", "reference")
BAD = "\x00"  # begins the only cell of a row that could not be read; why, follows it
MAX_SIZE = 2**53 - 1  # what a number of RFC 8785 can say exactly

_DATE = re.compile(r"(\d{4})([-/])(\d{1,2})\2(\d{1,2})", re.ASCII)
_MOST_KINDS = 4096

Seen = tuple[int, int]
"""A document's size and time of change, in nanoseconds, when the source was read."""


class RowError(ValueError):
    """A row does not say what it should. The message never repeats what could be about a person."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What holds for every row that does not say otherwise.

    Attributes:
        issuer: the issuing organisation's MSP id.
        ledger: the ledger that the certificates are bound to.
        issued_on: the day of issue.
        folder: where relative paths begin.
    """

    issuer: str
    ledger: Ledger
    issued_on: date
    type: str
    media_type: str = ""
    valid_until: date | None = None
    folder: str = "."


def check_reference(reference: str) -> None:
    """Raises RowError when a text cannot be a caller's reference."""
    if not is_text(reference):
        raise RowError(f"reference has control characters, or more than {MAX_LENGTH} characters")
    if is_id(reference) or is_document_reference(reference):
        raise RowError("reference looks like a certificate id or a document's digest")


def read_date(text: str, name: str) -> date:
    """A date written as 2026-04-01 or 2026/4/1. Raises RowError."""
    found = _DATE.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        return date(int(found[1]), int(found[3]), int(found[4]))
    except ValueError:
        raise RowError(f"{name} is not a date such as 2026-04-01") from None


@dataclass(frozen=True)
class Columns:
    """Rows without any fault, read column by column.

    Attributes:
        kinds: the statements' kinds.
        kind: each row's kind, as a place in `kinds`.
        digests: the documents' digests, in hex and in small letters, one after another.
        sizes, references: as `RowReader.read` gives them.
    """

    kinds: list[Kind]
    kind: list[int]
    digests: str
    sizes: list[int]
    references: list[str | None]


class RowReader:
    """Reads the rows of a source.

    Args:
        names: the columns, in the order of the cells; those that are not of `COLUMNS` are left out of account.
        terms: what holds where a row says nothing.
    """

    def __init__(self, names: Sequence[str], terms: Terms) -> None:
        self._width = len(names)
        self._terms = terms
        self._path, self._sha256, self._size, *_, self._reference = (
            names.index(name) if name in names else None for name in COLUMNS
        )
        said = [name for name in ("media_type", "type", "issued_on", "valid_until") if name in names]
        self._said = said
        places = [names.index(name) for name in said]
        # Two or more give a tuple, one gives a cell, none gives nothing to look at.
        self._kind_cells = itemgetter(*places) if places else None
        self._kinds: dict[object, Kind] = {}

    def read(self, cells: Sequence[str], seen: Seen | None = None) -> tuple[Kind, bytes, int, str | None]:
        """Read a row.

        Args:
            seen: what its document was like when the source was read.

        Returns:
            The statement's kind, the document's digest and size, and the reference; None where there is none.

        Raises:
            RowError: it cannot be used.
        """
        if len(cells) != self._width:
            if cells[0].startswith(BAD):
                raise RowError(cells[0].removeprefix(BAD))
            raise RowError(f"{len(cells)} cells instead of {self._width}")
        path = cells[self._path] if self._path is not None else ""
        media_type = ""
        if path:
            digest, size, media_type = self._document(path, seen)
            self._check_same(cells, digest, size)
        else:
            digest, size = self._digest(cells), self._number(cells)
        kind = self._kind(self._kind_cells(cells) if self._kind_cells else "", media_type)
        reference = cells[self._reference].strip() if self._reference is not None else ""
        if not reference:
            return kind, digest, size, None
        if len(reference) >= 32 or not reference.isprintable():
            check_reference(reference)
        return kind, digest, size, reference

    def read_all(self, rows: Sequence[Sequence[str]]) -> Columns | None:
        """Read many rows at once, several times as fast as one by one.

        Returns:
            What `read` gives for each of them; None when they are not all plain: then `read` tells what of each.
        """
        if self._path is not None or self._sha256 is None or self._size is None or not rows:
            return None
        if set(map(len, rows)) != {self._width}:
            return None
        columns = list(zip(*rows, strict=True))
        digests, sizes = "".join(columns[self._sha256]), columns[self._size]
        numbers = "".join(sizes)
        try:
            known = bytes.fromhex(digests)
        except ValueError:
            return None
        if set(map(len, columns[self._sha256])) != {64} or len(known) != 32 * len(rows):
            return None
        if not (numbers.isdigit() and numbers.isascii() and all(sizes) and max(map(len, sizes)) <= 15):
            return None
        found = list(map(int, sizes))
        references = self._plain_references(columns, len(rows))
        kinds = self._kinds_of(rows)
        if not all(found) or references is None or kinds is None:
            return None
        return Columns(*kinds, known.hex(), found, references)

    def _plain_references(self, columns: Sequence[Sequence[str]], count: int) -> list[str | None] | None:
        if self._reference is None:
            return [None] * count
        references = columns[self._reference]
        text = "".join(references)
        if not text.isprintable() or " " in text or max(map(len, references)) >= 32:
            return None
        return [reference or None for reference in references]

    def _kinds_of(self, rows: Sequence[Sequence[str]]) -> tuple[list[Kind], list[int]] | None:
        if self._kind_cells is None:
            return [self._kind("", "")], [0] * len(rows)
        said = list(map(self._kind_cells, rows))
        places = {one: place for place, one in enumerate(dict.fromkeys(said))}
        try:
            kinds = [self._kind(one, "") for one in places]
        except RowError:
            return None
        return kinds, [places[one] for one in said]

    def _digest(self, cells: Sequence[str]) -> bytes:
        text = cells[self._sha256].strip() if self._sha256 is not None else ""
        try:
            digest = bytes.fromhex(text)
        except ValueError:
            digest = b""
        if len(text) != 64 or len(digest) != 32:
            raise RowError("sha256 is not 64 hex digits" if text else "neither path nor sha256 is there")
        return digest

    def _number(self, cells: Sequence[str]) -> int:
        text = cells[self._size].strip() if self._size is not None else ""
        # isdigit is true of other scripts' digits, too
        size = int(text) if text.isdigit() and text.isascii() and len(text) <= 16 else 0
        if not 0 < size <= MAX_SIZE:
            raise RowError("size is not a whole number of bytes, from 1")
        return size

    def _document(self, path: str, seen: Seen | None) -> tuple[bytes, int, str]:
        place = Path(self._terms.folder, path)
        try:
            document = Document.of_file(place)
            if seen is not None and seen != look(place):
                raise RowError("the document changed while it was read")
        except (DocumentError, OSError, ValueError) as error:
            raise RowError(str(error)) from error
        if not document.size:
            raise RowError("the document is empty")
        return bytes.fromhex(document.sha256), document.size, document.media_type

    def _check_same(self, cells: Sequence[str], digest: bytes, size: int) -> None:
        """What the row says of the document itself must be true."""
        if self._sha256 is not None and cells[self._sha256].strip() and self._digest(cells) != digest:
            raise RowError("sha256 is not that of the document at path")
        if self._size is not None and cells[self._size].strip() and self._number(cells) != size:
            raise RowError("size is not that of the document at path")

    def _kind(self, said: str | Sequence[str], media_type: str) -> Kind:
        key = (said, media_type)
        kind = self._kinds.get(key)
        if kind is None:
            if len(self._kinds) == _MOST_KINDS:
                self._kinds.clear()
            kind = self._kinds[key] = self._new_kind((said,) if isinstance(said, str) else said, media_type)
        return kind

    def _new_kind(self, said: Sequence[str], found: str) -> Kind:
        values = {name: text.strip() for name, text in zip(self._said, said, strict=False)}
        terms = self._terms
        media_type = values.get("media_type", "").lower() or terms.media_type or found or DEFAULT_MEDIA_TYPE
        type_ = values.get("type", "") or terms.type
        if not is_media_type(media_type):
            raise RowError("media_type is not a media type such as application/pdf")
        if not is_type(type_):
            raise RowError("type is not 1 to 100 printable characters")
        issued_on, valid_until = terms.issued_on, terms.valid_until
        if text := values.get("issued_on"):
            issued_on = read_date(text, "issued_on")
        if text := values.get("valid_until"):
            valid_until = read_date(text, "valid_until")
        if valid_until is not None and valid_until < issued_on:
            raise RowError("valid_until is before the day of issue")
        return Kind.create(
            type=type_,
            media_type=media_type,
            issue_date=issued_on,
            valid_until=valid_until,
            issuer=terms.issuer,
            ledger=terms.ledger,
        )


def look(path: Path) -> Seen:
    """What a document is like now. Raises OSError, ValueError."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns
