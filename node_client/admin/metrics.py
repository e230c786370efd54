"""What a node's `/metrics` says (Prometheus' text format, version 0.0.4)."""

import re
from collections.abc import Mapping

_SAMPLE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+\d+)?")
_LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')


def samples(text: str, name: str) -> list[tuple[Mapping[str, str], float]]:
    """The samples of a metric, each with its labels. Lines that are not samples are passed over."""
    found: list[tuple[Mapping[str, str], float]] = []
    for line in text.splitlines():
        match = _SAMPLE.fullmatch(line.strip())
        if match and match[1] == name:
            labels = dict(_LABEL.findall(match[2] or ""))
            try:
                found.append((labels, float(match[3])))
            except ValueError:
                continue
    return found
