"""Manifests: CSV with a header row, or JSON Lines, as people write them."""

import codecs
import csv
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from node_client.anchoring.preparing import Row, Shape, Work, cells_of, csv_rows
from node_client.anchoring.rows import BAD, COLUMNS, RowError
from node_client.anchoring.source import Segment, cut, rows_digest, seen_row, unchanged
from node_client.certificates.errors import SourceChanged, SourceError

BLOCK = 1 << 18
MAX_LINE = 1 << 20
_BLOCK_OF_SURVEY = 1 << 20
_DELIMITERS = (",", "\t", ";")
_SHIFT_JIS = "cp932"  # as Windows writes it, which is what people mean


@dataclass(frozen=True)
class _Survey:
    digest: str
    size: int
    encoding: str
    names_paths: bool


class Manifest:
    """A manifest. Use it in `with`.

    Args:
        path: the file; None for standard input, which is copied to a file without a name first.
        encoding: of the file; by default UTF-8, or Shift_JIS where it is no UTF-8.
        spool: where standard input is copied to.

    Raises:
        SourceError: it cannot be read, or has no usable header.
    """

    def __init__(self, path: Path | None, encoding: str | None = None, spool: Path | None = None) -> None:
        self._name = "standard input" if path is None else str(path)
        self.folder = "." if path is None else str(path.parent)
        try:
            self._file = _spooled(spool) if path is None else path.open("rb")
        except OSError as error:
            raise SourceError(f"{self._name} cannot be read: {error.strerror}") from error
        try:
            self._survey = self._look(encoding)
            self._start, self._line, self.shape, self.unused = self._header()
        except BaseException:
            self._file.close()
            raise
        self.total = self._survey.size
        self._digest = ""
        # Only what was read row by row can tell what the documents at its paths are like.
        self._paths = "path" in self.shape.names and (bool(self.shape.delimiter) or self._survey.names_paths)

    def __enter__(self) -> "Manifest":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def encoding(self) -> str:
        """How it is written."""
        return self._survey.encoding

    def digest(self) -> str:
        """Over its bytes, and over what its documents are like where it names them by path."""
        if not self._paths:
            return self._survey.digest
        digest = sha256(self._survey.digest.encode())
        for segment in self._read_all():
            digest.update(segment.digest)
        self._digest = digest.hexdigest()
        return self._digest

    def segments(self) -> Iterator[Segment]:
        """Read it. Raises SourceChanged at the end when it, or a document that it names, is not what it was."""
        text = f"documents of {self._name} changed while it was read"
        changed = SourceChanged(text, "start again when they are complete")
        return unchanged(self._read_all(), self._digest, changed, prefix=self._survey.digest.encode())

    def _read_all(self) -> Iterator[Segment]:
        digest = sha256()
        self._seek(0)
        digest.update(self._read(self._start))
        line, rest = self._line, b""
        while not self._paths:
            block = self._read(BLOCK)
            digest.update(block)
            data = rest + block
            end = data.rfind(b"\n") + 1 if block else len(data)
            if b'"' in block and self.shape.delimiter:
                # From here on a line's end may stand in a cell.
                rest = data
                break
            if not block and not data:
                break
            if not end and len(data) > MAX_LINE:
                raise self._error(f"line {line} is longer than {MAX_LINE} bytes")
            raw, rest = data[:end], data[end:]
            if raw:
                yield Segment(sha256(raw).digest(), Work(line, raw=raw), self._file.tell() - len(rest))
                line += raw.count(b"\n")
            if not block:
                break
        if self._paths or rest:
            for rows in cut(self._parsed(self._lines(rest, digest.update), line)):
                yield Segment(rows_digest(rows), Work(rows[0][0], rows=rows), self._file.tell())
        if digest.hexdigest() != self._survey.digest:
            raise SourceChanged(f"{self._name} changed while it was read", "start again when it is complete")

    def _parsed(self, lines: Iterator[str], first: int) -> Iterator[Row]:
        unused: set[str] = set()
        if self.shape.delimiter:
            at = self.shape.names.index("path") if "path" in self.shape.names else None
            for line, cells in csv_rows(lines, self.shape.delimiter, first):
                path = cells[at].strip() if at is not None and at < len(cells) else ""
                yield seen_row(line, cells, path, self.folder)
            return
        for line, text in enumerate(lines, first):
            if not text or text.isspace():
                continue
            try:
                cells_ = cells_of(json.loads(text), unused)
            except (ValueError, RecursionError) as error:
                yield line, (BAD + (str(error) if isinstance(error, RowError) else "not a JSON object"),), None
            else:
                yield seen_row(line, cells_, cells_[0], self.folder)

    def _lines(self, rest: bytes, update: Callable[[bytes], None]) -> Iterator[str]:
        encoding = self._survey.encoding
        while True:
            *whole, rest = rest.split(b"\n")
            for line in whole:
                yield line.decode(encoding, "surrogateescape") + "\n"
            block = self._read(BLOCK)
            if not block:
                break
            update(block)
            rest += block
            if len(rest) > MAX_LINE + BLOCK and b"\n" not in rest:
                raise self._error(f"a line is longer than {MAX_LINE} bytes")
        if rest:
            yield rest.decode(encoding, "surrogateescape")

    def _look(self, encoding: str | None) -> _Survey:
        """Read the file once, for its digest and its encoding."""
        if encoding is not None:
            try:
                encoding = codecs.lookup(encoding).name
            except LookupError as error:
                raise SourceError(f"there is no encoding {encoding}", "use utf-8 or shift_jis") from error
        digest, size, tail, paths = sha256(), 0, b"", False
        decoder: codecs.IncrementalDecoder = codecs.getincrementaldecoder("utf-8")()
        is_utf8 = True
        for block in self._blocks():
            if not size and block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise self._error("is UTF-16", "save it as UTF-8")
            digest.update(block)
            size += len(block)
            paths = paths or b'"path"' in tail + block
            tail = block[-8:]
            is_utf8 = is_utf8 and _takes(decoder, block)
        if encoding is None:
            encoding = "utf-8"
            if not (is_utf8 and _takes(decoder, b"", final=True)):
                decoder = codecs.getincrementaldecoder(_SHIFT_JIS)()
                fits = all(_takes(decoder, block) for block in self._blocks()) and _takes(decoder, b"", final=True)
                encoding = _SHIFT_JIS if fits else encoding
        return _Survey(digest.hexdigest(), size, encoding, paths)

    def _blocks(self) -> Iterator[bytes]:
        self._seek(0)
        while block := self._read(_BLOCK_OF_SURVEY):
            yield block

    def _header(self) -> tuple[int, int, Shape, tuple[str, ...]]:
        """Where the rows begin, on which line, and what the columns are."""
        self._seek(0)
        start, line = 0, 0
        for data in iter(lambda: self._file.readline(MAX_LINE), b""):
            line += 1
            start += len(data)
            if b"\r" in data.rstrip(b"\r\n"):
                raise self._error("has lines that end with CR alone", "save it with LF or CRLF")
            text = data.decode(self._survey.encoding, "surrogateescape").removeprefix("\ufeff")
            if not text or text.isspace():
                continue
            if text.lstrip().startswith("{"):
                return start - len(data), line, Shape(COLUMNS, self._json_encoding(start == len(data)), ""), ()
            names, delimiter = self._columns(text)
            shape = Shape(names, self._survey.encoding, delimiter)
            return start, line + 1, shape, tuple(name for name in names if name not in COLUMNS)
        raise self._error("is empty")

    def _json_encoding(self, at_start: bool) -> str:
        if at_start and self._survey.encoding == "utf-8":
            return "utf-8-sig"  # the first segment begins with the file, whose first bytes may say that it is UTF-8
        return self._survey.encoding

    def _columns(self, text: str) -> tuple[tuple[str, ...], str]:
        found = []
        for delimiter in _DELIMITERS:
            cells = next(csv.reader([text], delimiter=delimiter))
            names = tuple(re.sub(r"[\s-]+", "_", cell.strip().lower()) for cell in cells)
            found.append((len({*names} & {*COLUMNS}), names, delimiter))
        count, names, delimiter = max(found, key=lambda one: one[0])
        twice = sorted({name for name in names if name in COLUMNS and names.count(name) > 1})
        if twice:
            raise self._error(f"has the column {twice[0]} twice")
        if not count or not ("path" in names or {"sha256", "size"} <= {*names}):
            raise self._error(
                "needs a header row that names the column path, or sha256 and size",
                f"the columns are {', '.join(COLUMNS)}, in any order",
            )
        return names, delimiter

    def _seek(self, position: int) -> None:
        try:
            self._file.seek(position)
        except OSError as error:
            raise self._error(f"cannot be read: {error.strerror}") from error

    def _read(self, size: int) -> bytes:
        try:
            return self._file.read(size) if size else b""
        except OSError as error:
            raise self._error(f"cannot be read: {error.strerror}") from error

    def _error(self, what: str, next_step: str = "") -> SourceError:
        return SourceError(f"{self._name} {what}", next_step)


def _takes(decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        return False
    return True


def _spooled(folder: Path | None) -> BinaryIO:
    """Standard input as a file that can be read again, and that nobody else sees."""
    file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - the caller closes it
    shutil.copyfileobj(sys.stdin.buffer, file)
    return file
