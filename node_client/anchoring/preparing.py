"""From rows to leaves: the part of anchoring that takes time, without any I/O but reading documents.

It runs in processes of its own (see `workers`), a segment of the source at a time.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from os import urandom
from typing import Any

from chaincode.registry.model.commitment import SALT_SIZE, TAG
from node_client.anchoring.rows import BAD, COLUMNS, RowError, RowReader, Seen, Terms
from node_client.anchoring.template import OPENING, SIZE, Kind

ID_SIZE = 16
BODY = 32 + ID_SIZE + SALT_SIZE + 32  # of a certificate in the register: digest, id, salt and leaf

Row = tuple[int, Sequence[str], Seen | None]
"""The line on which it begins, its cells, and what its document was like."""


@dataclass(frozen=True)
class Shape:
    """How a source's rows are written.

    Attributes:
        names: the columns in their order.
        encoding: of raw lines.
        delimiter: of raw lines in CSV; empty for JSON Lines.
    """

    names: tuple[str, ...]
    encoding: str = "utf-8"
    delimiter: str = ","


@dataclass(frozen=True)
class Work:
    """A segment of a source.

    Attributes:
        line: the number of its first line.
        raw: whole lines as they are in the source, none of them with a quoted line's end; or
        rows: what was read already.
    """

    line: int
    raw: bytes = b""
    rows: Sequence[Row] = ()


@dataclass
class Prepared:
    """What a segment came to, its certificates in the order of the rows.

    Attributes:
        bodies: every certificate's, one after another: the document's digest, the id, the salt and the leaf's hash.
        sizes, lines: of the documents, and where the rows begin.
        references: the callers' own; None where there is none.
        kinds: the kinds of statements.
        kind: each certificate's kind, as a place in `kinds`.
        rows: how many rows there were, bad ones among them.
        problems: the lines that cannot be used, and why.
        unused: names of fields that mean nothing here.
    """

    bodies: bytes = b""
    sizes: list[int] = field(default_factory=list)
    lines: Sequence[int] = ()
    references: list[str | None] = field(default_factory=list)
    kinds: list[Kind] = field(default_factory=list)
    kind: list[int] = field(default_factory=list)
    rows: int = 0
    problems: list[tuple[int, str]] = field(default_factory=list)
    unused: set[str] = field(default_factory=set)

    @property
    def count(self) -> int:
        """How many certificates there are."""
        return len(self.sizes)


class Preparer:
    """Prepares the segments of one source. Its salts and ids are new each time.

    Args:
        shape: how the rows are written.
        terms: what holds where they say nothing.
    """

    def __init__(self, shape: Shape, terms: Terms) -> None:
        self._shape = shape
        self._reader = RowReader(shape.names, terms)

    def __call__(self, work: Work) -> Prepared:
        """Prepare a segment."""
        if work.raw and self._shape.delimiter:
            # What is not text in this encoding becomes characters that no cell may have, so that its line is named.
            text = work.raw.decode(self._shape.encoding, "surrogateescape").replace("\r\n", "\n")
            return self._prepare_csv(text.removesuffix("\n").split("\n"), work.line)
        prepared = Prepared()
        rows = self._objects(work, prepared) if work.raw else iter(work.rows)
        self._prepare(rows, prepared)
        return prepared

    def _prepare_csv(self, lines: list[str], first: int) -> Prepared:
        delimiter = self._shape.delimiter
        found = self._reader.read_all([line.split(delimiter) for line in lines]) if all(lines) else None
        prepared = Prepared()
        if found is None:
            rows = ((line, text.split(delimiter), None) for line, text in enumerate(lines, first))
            self._prepare((row for row in rows if len(row[1]) > 1 or row[1][0].strip()), prepared)
            return prepared
        prepared.rows = len(lines)
        prepared.lines = range(first, first + len(lines))
        prepared.kinds, prepared.kind = found.kinds, found.kind
        prepared.sizes, prepared.references = found.sizes, found.references
        _hash(prepared, found.digests)
        return prepared

    def _prepare(self, rows: Iterator[Row], prepared: Prepared) -> None:
        digests: list[bytes] = []
        lines: list[int] = []
        places: dict[int, int] = {}
        for line, cells, seen in rows:
            prepared.rows += 1
            try:
                kind, digest, size, reference = self._reader.read(cells, seen)
            except RowError as error:
                prepared.problems.append((line, str(error)))
                continue
            place = places.get(id(kind))
            if place is None:
                place = places[id(kind)] = len(prepared.kinds)
                prepared.kinds.append(kind)  # which also keeps its identity
            prepared.kind.append(place)
            lines.append(line)
            prepared.sizes.append(size)
            prepared.references.append(reference)
            digests.append(digest)
        prepared.lines = lines
        _hash(prepared, b"".join(digests).hex())

    def _objects(self, work: Work, prepared: Prepared) -> Iterator[Row]:
        lines = work.raw.decode(self._shape.encoding, "surrogateescape").split("\n")
        for line, text in enumerate(lines, work.line):
            if not text or text.isspace():
                continue
            try:
                yield line, cells_of(json.loads(text), prepared.unused), None
            except (ValueError, RecursionError) as error:
                prepared.rows += 1
                message = str(error) if isinstance(error, RowError) else "not a JSON object"
                prepared.problems.append((line, message))


def cells_of(values: Any, unused: set[str]) -> tuple[str, ...]:
    """The cells of an object, in the order of `COLUMNS`. Raises RowError."""
    if not isinstance(values, dict):
        raise RowError("not a JSON object")
    unused.update(values.keys() - _KNOWN)
    cells = []
    for name in COLUMNS:
        value = values.get(name)
        if value is None:
            value = ""
        elif name == "size" and type(value) is int:
            value = str(value)
        elif not isinstance(value, str):
            raise RowError(f"{name} is not a text")
        cells.append(value)
    return tuple(cells)


_KNOWN = frozenset(COLUMNS)


def csv_rows(lines: Iterable[str], delimiter: str, first: int) -> Iterator[tuple[int, list[str]]]:
    """The rows of CSV with quotes, and the line on which each begins; empty ones are left out.

    Args:
        lines: with their ends.
        first: the number of the first line.
    """
    reader = csv.reader(lines, delimiter=delimiter)
    while True:
        begun = first + reader.line_num
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # A cell that is too long, most likely because a quote was never closed.
            yield begun, [f"{BAD}{error}"]
            continue
        if cells and (len(cells) > 1 or cells[0].strip()):
            yield begun, cells


def _hash(prepared: Prepared, digests: str) -> None:
    """Give every certificate an id and a salt, and compute its leaf.

    Args:
        digests: the documents', in hex, one after another.
    """
    count = prepared.count
    ids, salts, digest_bytes = urandom(ID_SIZE * count), urandom(SALT_SIZE * count), bytes.fromhex(digests)
    ids_hex = ids.hex()
    heads, tails = [kind.head for kind in prepared.kinds], [kind.tail for kind in prepared.kinds]
    prefix = TAG + b"\x00"
    bodies: list[bytes] = []
    at = 0
    for kind, size in zip(prepared.kind, prepared.sizes, strict=True):
        end = at + 32
        statement = f"{OPENING}{ids_hex[at:end]}{heads[kind]}{digests[2 * at : 2 * end]}{SIZE}{size}{tails[kind]}"
        salt, id_ = salts[at:end], ids[at >> 1 : end >> 1]
        committed = sha256(prefix + salt + statement.encode()).digest()
        bodies += digest_bytes[at:end], id_, salt, sha256(b"\x00" + id_ + committed).digest()
        at = end
    prepared.bodies = b"".join(bodies)
