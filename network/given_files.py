"""Files that an operator names."""

from pathlib import Path

from network.errors import NetworkError


def read_given(path: Path, kind: type[NetworkError] = NetworkError) -> bytes:
    """What a file holds.

    Args:
        kind: what is raised.

    Raises:
        NetworkError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise kind(f"{path} cannot be read: {error.strerror}") from error
