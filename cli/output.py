"""What commands print: results to stdout, as text or JSON Lines; everything else to stderr."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from io import TextIOWrapper

import click

from cli.language import tr

VERSION = 1  # of the JSON objects: raised when a field changes its meaning or goes


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something that went wrong, as users and scripts see it.

    `code` is a stable word for scripts, `message` a sentence, `next_step` what to do about it, `exit_code` the
    status with which a command that did nothing else ends.
    """

    exit_code: int
    code: str
    message: str
    next_step: str = ""

    def record(self) -> dict[str, str]:
        record = {"code": self.code, "message": self.message}
        return {**record, "nextStep": self.next_step} if self.next_step else record


@dataclass(frozen=True)
class Output:
    """Where a command's results and messages go.

    Args:
        as_json: print every result as one JSON object on a line, and nothing else on stdout.
    """

    as_json: bool = False

    def result(self, record: Mapping[str, object], text: str) -> None:
        """Print one result: the record as JSON, or the text."""
        if self.as_json:
            click.echo(json.dumps({"version": VERSION, **record}, ensure_ascii=False))
        elif text:
            click.echo(text)

    def message(self, text: str) -> None:
        """Tell the user something that is not a result."""
        click.echo(text, err=True)

    def problem(self, problem: Problem, record: Mapping[str, object] | None = None, *, about: str = "") -> None:
        """Tell what went wrong; in JSON mode the result of that input is an error object as well.

        Args:
            record: what else the object says.
            about: the input that it is about, when there are several.
        """
        if self.as_json:
            self.result({**(record or {}), "error": problem.record()}, "")
        message = f"{about}: {problem.message}" if about and about not in problem.message else problem.message
        self.message(tr("error: {message}", message=message))
        if problem.next_step:
            self.message(tr("next: {step}", step=problem.next_step))


def prepare_streams() -> None:
    """Let names that are not valid text be printed escaped instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def silence(library: str) -> None:
    """Let a library say nothing: what it thinks of a document is no message of ours."""
    import logging

    logging.getLogger(library).setLevel(logging.CRITICAL)
