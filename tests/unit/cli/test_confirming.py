"""Asking before something is done that cannot be undone."""

import io
import sys

import click
import pytest

from cli.confirming import confirm
from cli.language import japanese
from cli.output import Output

QUESTION = "Erase it?"


class Terminal(io.StringIO):
    """A user who types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CERTLEDGER_LANG", "en")
    japanese.cache_clear()


def test_who_says_yes_is_not_stopped(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    confirm(Output(), QUESTION, yes=False)
    told = capsys.readouterr()
    assert told.err.startswith(QUESTION)
    confirm(Output(), QUESTION, yes=True)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_anything_else_stops(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    with pytest.raises(click.Abort):
        confirm(Output(), QUESTION, yes=False)


@pytest.mark.parametrize(("stdin", "as_json"), [(io.StringIO("y\n"), False), (Terminal("y\n"), True)])
def test_where_nobody_can_be_asked_it_is_refused(
    monkeypatch: pytest.MonkeyPatch, stdin: io.StringIO, as_json: bool
) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(click.UsageError, match="--yes"):
        confirm(Output(as_json), QUESTION, yes=False)
    confirm(Output(as_json), QUESTION, yes=True)
