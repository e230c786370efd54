"""What can go wrong with a package.

A peer tells its client nothing of a builder but its exit status; the words go to the peer's log. So the statuses say
what kind of failure it is. They are those of BSD's sysexits, and never change meaning.
"""

from enum import IntEnum


class Failure(IntEnum):
    """Exit statuses of the programs that a package's builder has, beside 1 for a package that is not for it."""

    OTHER = 1
    PACKAGE = 65  # not as it should be: launch.json, connection.json, metadata.json
    REQUIREMENTS = 69  # what it requires could not be installed
    SYSTEM = 71  # the disk, a missing program


class PackageError(Exception):
    """The package cannot be built or run; its words go to the peer's log and to whoever installs it."""

    failure = Failure.PACKAGE


class NotForUs(PackageError):
    """The package is of a type that another builder takes."""

    failure = Failure.OTHER


class RequirementsError(PackageError):
    """What the package requires could not be installed."""

    failure = Failure.REQUIREMENTS


class WrongCall(PackageError):
    """A program was called with other folders than it takes."""

    failure = Failure.OTHER
