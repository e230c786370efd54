"""Reading configtx.yaml's sections as Fabric's `common/viperutil` reads them."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from network.errors import ConfigurationError


def only(section: Mapping[str, Any], where: str, names: Collection[str]) -> None:
    """Check that a section has no other keys than these. Raises ConfigurationError."""
    unknown = [name for name in section if name not in names]
    if unknown:
        raise ConfigurationError(f"{where} has {unknown[0]}, which is not known", f"use: {', '.join(names)}")


def size(value: int | str) -> int:
    """A size: a number, or one with KB, MB or GB in powers of 1024. Raises ConfigurationError.

    Fabric reads a number that begins with 0 as octal; it is refused here.
    """
    match = re.fullmatch(r"(0|[1-9][0-9]*)(?:\s*([kmg])b?)?", str(value).lower())
    if not match:
        raise ConfigurationError(f"not a size: {value}")
    factor: int = 1024 ** ("kmg".index(match[2]) + 1 if match[2] else 0)
    found = int(match[1]) * factor
    if found >= 2**32:
        raise ConfigurationError(f"the size {value} is too large")
    return found


def number(value: int | str) -> int:
    """A whole number that is not negative, even where it is written as a text. Raises ConfigurationError."""
    if not re.fullmatch("0|[1-9][0-9]{0,18}", str(value)):
        raise ConfigurationError(f"not a number: {value}")
    return int(value)
