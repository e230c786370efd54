"""Reading what is published: from a file, or from an address on the web. What comes is not believed for it."""

from pathlib import Path
from urllib.request import Request, urlopen

from node_client.certificates.errors import DocumentError

TIMEOUT = 30.0  # seconds without an answer
MAX_SIZE = 64 * 1024 * 1024


def fetch(source: str) -> bytes:
    """The bytes at a path, or at an `https://` or `http://` address.

    Raises:
        DocumentError: they cannot be had.
    """
    try:
        if source.startswith(("https://", "http://")):
            with urlopen(Request(source), timeout=TIMEOUT) as answer:  # noqa: S310 - the scheme has been looked at
                data: bytes = answer.read(MAX_SIZE + 1)
        else:
            with Path(source).open("rb") as file:
                data = file.read(MAX_SIZE + 1)
    except (OSError, ValueError) as error:
        raise DocumentError(f"{source} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(data) > MAX_SIZE:
        raise DocumentError(f"{source} has more than {MAX_SIZE} bytes")
    return data
