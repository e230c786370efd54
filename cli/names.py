"""Lists of certificates that commands take from a file."""

import csv
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from cli.language import tr

_MOST = 20  # lines that are told


def read_names(source: str, columns: int) -> list[tuple[int, list[str]]]:
    """The lines of a list, as numbers and cells; empty lines are left out.

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
    return [(number, _cells(line, columns)) for number, line in enumerate(lines, 1) if line]


def require_distinct(certificates: Iterable[tuple[int, str]]) -> None:
    """Refuse a list that names a certificate twice, by whatever names.

    Args:
        certificates: line numbers, and the ids of the certificates that stand there.

    Raises:
        click.UsageError: with the lines.
    """
    seen: dict[str, int] = {}
    again = [
        (line, first) for line, certificate in certificates if (first := seen.setdefault(certificate, line)) != line
    ]
    if again:
        told = [tr("line {line}: the same certificate as line {first}", line=line, first=at) for line, at in again]
        more = [tr("and {count} more", count=len(told) - _MOST)] if len(told) > _MOST else []
        raise click.UsageError("\n".join(told[:_MOST] + more))


def _cells(line: str, columns: int) -> list[str]:
    return [line] if columns == 1 else [cell.strip() for cell in next(csv.reader([line]))]
