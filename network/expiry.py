"""When the certificates of nodes expire."""

from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

_PLACES = ("msp/signcerts/*.pem", "tls/*.crt", "*.crt")


def earliest(folder: Path) -> datetime | None:
    """When the first certificate in a node's folder expires, its authorities' included; None when there is none.

    One that cannot be read has expired long ago.
    """
    found = []
    for place in _PLACES:
        for path in folder.glob(place):
            try:
                certificates = x509.load_pem_x509_certificates(path.read_bytes())
            except (OSError, ValueError):
                return datetime.min.replace(tzinfo=UTC)
            found += [one.not_valid_after_utc for one in certificates]
    return min(found, default=None)
