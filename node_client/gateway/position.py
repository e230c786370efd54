"""Where an event stream has come to."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Position:
    """What comes next on an event stream.

    Attributes:
        block: the next block to read; None for the block that is committed next.
        after: the transaction in that block after which to go on; empty to begin with its first.
    """

    block: int | None = None
    after: str = ""
