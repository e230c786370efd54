"""Asking before something is done that cannot be undone."""

import sys

import click

from cli.language import tr
from cli.output import Output


def confirm(output: Output, question: str, *, yes: bool) -> None:
    """Go on only when the user wants it.

    Args:
        yes: whether the command line says so already; then nothing is asked.

    Raises:
        click.Abort: the user does not.
        click.UsageError: there is nobody to ask: standard input is no terminal, or results go to a script.
    """
    if yes:
        return
    if output.as_json or not sys.stdin.isatty():
        raise click.UsageError(tr("this cannot be undone, and there is nobody to ask: say --yes if you want it"))
    click.confirm(question, abort=True, err=True)
