"""Lists that commands read, and the line that tells how far they are."""

import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from cli.language import japanese
from cli.names import read_names, require_distinct
from cli.progress import ProgressLine


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CERTLEDGER_LANG", "en")
    japanese.cache_clear()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_list_as_people_write_it(tmp_path: Path, encoding: str, end: str) -> None:
    path = tmp_path / "list"
    path.write_bytes(end.join(["", "a, b", "  髙﨑  ", "", "c"]).encode(encoding))
    assert read_names(str(path), 1) == [(2, ["a, b"]), (3, ["髙﨑"]), (5, ["c"])]
    path.write_bytes(end.join(['"a,1",new.pdf', " b , other.pdf "]).encode(encoding))
    assert read_names(str(path), 2) == [(1, ["a,1", "new.pdf"]), (2, ["b", "other.pdf"])]


def test_certificates_that_come_twice_are_refused_with_their_lines() -> None:
    require_distinct([(1, "a"), (3, "b"), (4, "c")])
    with pytest.raises(click.UsageError) as refused:
        require_distinct([(1, "a"), (3, "b"), (4, "b"), (6, "a"), (7, "b")])
    assert refused.value.message.splitlines() == [
        "line 4: the same certificate as line 3",
        "line 6: the same certificate as line 1",
        "line 7: the same certificate as line 3",
    ]
    with pytest.raises(click.UsageError) as refused:
        require_distinct([(number, "a") for number in range(1, 101)])
    told = refused.value.message.splitlines()
    assert (len(told), told[-1]) == (21, "and 79 more")


def test_a_list_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match="No such file"):
        read_names(str(tmp_path / "missing"), 1)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Shows progress on a terminal at a time, and returns what is written."""
    line, now = ProgressLine(0.0), [0.0]
    monkeypatch.setattr("cli.progress.time.monotonic", lambda: now[0])

    def show(at: float, *values: object) -> str:
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)  # what a test writes to is there when it runs
        now[0] = at
        if values:
            line.show(*values)  # type: ignore[arg-type]
        else:
            line.clear()
        return capsys.readouterr().err.removeprefix("\r\033[K")

    return show


def test_progress_has_a_rate_and_the_time_left(shown: Callable[..., str]) -> None:
    assert shown(10.0, "reading", 25, 100, 5000) == "reading  5,000  500 a second  25 %  30 s left"
    assert shown(10.1, "reading", 26, 100, 5100) == ""  # too soon
    assert shown(20.0, "reading", 100, 100, 20000) == "reading  20,000  1,000 a second"
    assert shown(20.0) == ""
    assert shown(21.0, "reading", 1, 0, 21000) == "reading  21,000  1,000 a second"  # of nobody knows how much


def test_every_part_has_a_rate_and_a_time_left_of_its_own(shown: Callable[..., str]) -> None:
    shown(50.0, "reading", 100, 100, 20000)
    assert shown(50.0, "building the tree", 0, 0, 20000) == "building the tree  20,000"
    assert shown(60.0, "anchoring batches", 0, 8, 0) == "anchoring batches  0"
    assert shown(62.0, "anchoring batches", 2, 8, 2) == "anchoring batches  2  1.0 a second  25 %  6 s left"


def test_what_an_earlier_command_did_is_not_in_the_rate(shown: Callable[..., str]) -> None:
    shown(1.0, "reading", 25, 100, 5000, (25, 5000))
    assert shown(2.0, "reading", 50, 100, 10000, (50, 10000)) == "reading  10,000  50 %"
    assert shown(12.0, "reading", 60, 100, 12000, (50, 10000)) == "reading  12,000  200 a second  60 %  40 s left"


def test_without_a_terminal_there_is_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    line = ProgressLine()
    line.show("reading", 1, 2, 3)
    line.clear()
    assert capsys.readouterr().err == ""
