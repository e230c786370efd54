"""Lists that commands read, and the line that tells how far they are."""

import sys
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


def test_progress_has_a_rate_and_the_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = iter([110.0, 110.1, 110.2])
    monkeypatch.setattr("cli.progress.time.monotonic", lambda: next(now))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    line = ProgressLine(100.0)
    line.show("reading", 25, 100, 5000)
    line.show("reading", 26, 100, 5100)  # too soon
    line.show("sealing", 100, 100, 20000)
    line.clear()
    shown = capsys.readouterr().err.split("\r\033[K")
    assert shown[1] == "reading  5,000  500 a second  25 %  30 s left"
    assert shown[2].startswith("sealing  20,000")
    assert shown[3:] == [""]


def test_without_a_terminal_there_is_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    line = ProgressLine()
    line.show("reading", 1, 2, 3)
    line.clear()
    assert capsys.readouterr().err == ""
