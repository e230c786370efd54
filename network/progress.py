"""What is told while a network comes up."""

from collections.abc import Callable
from enum import StrEnum


class Step(StrEnum):
    """What has just been reached."""

    MADE = "keys and the channel's first block are made"
    STARTED = "the nodes are started"
    RESTARTED = "the node is started again"
    ORDERERS_JOINED = "the orderers are in the channel"
    PEERS_JOINED = "the peers are in the channel"
    CAUGHT_UP = "the peer has all blocks"
    APPROVED = "every organisation has approved the registry"
    COMMITTED = "the registry is on the channel"
    ENDORSING = "every organisation endorses"


Progress = Callable[[Step], None]


def silent(step: Step) -> None:
    """Tell nobody."""
