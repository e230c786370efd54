"""Durations are read and written as Go does it; the expected values are Go's."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_client.protocol.duration import SECOND, format_duration, parse_duration
from node_client.protocol.errors import ProtocolError

CASES = [
    ("0", 0, "0s"),
    ("-0", 0, "0s"),
    ("+5s", 5 * SECOND, "5s"),
    ("1.s", SECOND, "1s"),
    (".5s", SECOND // 2, "500ms"),
    ("50ms", 50_000_000, "50ms"),
    ("1000ms", SECOND, "1s"),
    ("1.5ms", 1_500_000, "1.5ms"),
    ("10us", 10_000, "10µs"),
    ("10µs", 10_000, "10µs"),
    ("10\u03bcs", 10_000, "10µs"),
    ("7ns", 7, "7ns"),
    ("0.9ns", 0, "0s"),
    ("90s", 90 * SECOND, "1m30s"),
    ("1h", 3600 * SECOND, "1h0m0s"),
    ("1h2m3.5s", 3_723_500_000_000, "1h2m3.5s"),
    ("-1h", -3600 * SECOND, "-1h0m0s"),
    ("2562047h47m16.854775807s", 2**63 - 1, "2562047h47m16.854775807s"),
]


@pytest.mark.parametrize(("text", "value", "written"), CASES)
def test_a_duration_is_read_and_written_as_go_does_it(text: str, value: int, written: str) -> None:
    assert parse_duration(text) == value
    assert format_duration(value) == written


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        ".s",
        "1..5s",
        "1e3s",
        " 1s",
        "1s ",
        "1s\n",
        "1S",
        "--1s",
        "1h-1m",
        "s",
        "１s",
        "2562047h47m16.854775808s",
    ],
)
def test_what_go_refuses_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        parse_duration(text)


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_every_duration_is_read_as_it_was_written(value: int) -> None:
    assert parse_duration(format_duration(value)) == value


@given(st.text(max_size=12))
def test_a_text_is_a_duration_or_refused(text: str) -> None:
    with suppress(ProtocolError):
        assert isinstance(parse_duration(text), int)
