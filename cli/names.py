"""Lists of certificates that commands take from a file."""

import csv
import sys
from pathlib import Path

import click

from cli.language import tr


def read_names(source: str, columns: int) -> list[tuple[int, list[str]]]:
    """The lines of a list, as numbers and cells; empty lines are left out, and no first cell comes twice.

    Args:
        source: the file; - is standard input.
        columns: 1 for names alone, where commas mean nothing.
    """
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise click.UsageError(f"{source}: {error.strerror}") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp932", "backslashreplace")
    lines = [line.strip() for line in text.replace("\r\n", "\n").split("\n")]
    rows = [(number, _cells(line, columns)) for number, line in enumerate(lines, 1) if line]
    seen: dict[str, int] = {}
    for number, cells in rows:
        first = seen.setdefault(cells[0], number)
        if first != number:
            raise click.UsageError(tr("line {line}: the same as line {first}", line=number, first=first))
    return rows


def _cells(line: str, columns: int) -> list[str]:
    return [line] if columns == 1 else [cell.strip() for cell in next(csv.reader([line]))]
