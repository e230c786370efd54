"""Durations in Go's notation, in nanoseconds. Source: Go's `time` (`ParseDuration`, `Duration.String`)."""

import re
from fractions import Fraction

from node_client.protocol.errors import ProtocolError

SECOND = 10**9
_UNITS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "\u03bcs": 10**3,
    "ms": 10**6,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3600 * SECOND,
}
_PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(" + "|".join(_UNITS) + ")")
_WHOLE = re.compile(rf"([+-]?)((?:{_PART.pattern})+|0)")


def parse_duration(text: str) -> int:
    """A duration such as `1m30s` or `2.5ms`. Raises ProtocolError."""
    match = _WHOLE.fullmatch(text)
    if not match:
        raise ProtocolError(f"not a duration: {text}")
    total = sum(int(Fraction(_fraction(number)) * _UNITS[unit]) for number, unit in _PART.findall(match[2]))
    if total >= 2**63:
        raise ProtocolError(f"not a duration: {text}")
    return -total if match[1] == "-" else total


def format_duration(value: int) -> str:
    """A duration as Go writes it: `1m30s`, `2.5ms`, `0s`."""
    sign, value = ("-", -value) if value < 0 else ("", value)
    if value < SECOND:
        for unit in ("ms", "µs", "ns"):
            if value >= _UNITS[unit]:
                return sign + _decimal(value, _UNITS[unit]) + unit
        return "0s"
    minutes, rest = divmod(value, 60 * SECOND)
    hours, minutes = divmod(minutes, 60)
    text = _decimal(rest, SECOND) + "s"
    if hours:
        text = f"{hours}h{minutes}m{text}"
    elif minutes:
        text = f"{minutes}m{text}"
    return sign + text


def _fraction(number: str) -> str:
    return f"0{number}" if number.startswith(".") else number.removesuffix(".")


def _decimal(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    digits = str(rest).zfill(len(str(unit)) - 1).rstrip("0")
    return f"{whole}.{digits}" if rest else str(whole)
