"""What the exit status of a command means. Scripts rely on these numbers: they never change meaning."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit status of every `certledger` command."""

    DONE = 0  # done, or genuine
    INTERNAL = 1
    USAGE = 2  # usage or bad input
    ALTERED = 3
    REVOKED = 4
    SUSPENDED = 5
    SUPERSEDED_OR_EXPIRED = 6
    UNCONFIRMED = 7
    NOT_FOUND = 8
    REFUSED = 9  # by the ledger
    UNREACHABLE = 10
    PARTLY_DONE = 11
    OUTCOME_UNKNOWN = 12
    INTERRUPTED = 130
