"""What can go wrong with a package."""


class PackageError(Exception):
    """The package cannot be built or run; its words go to the peer's log and to whoever installs it."""
