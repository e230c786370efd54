"""Identifiers: 128 random bits as 32 lower-case hex digits; never derived from a person or a sequence."""

import re
import secrets

_ID = re.compile(r"[0-9a-f]{32}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def new_id() -> str:
    """A new certificate or batch id."""
    return secrets.token_hex(16)


def is_id(text: str) -> bool:
    """Whether this is a certificate or batch id."""
    return _ID.fullmatch(text) is not None


def is_digest(text: str) -> bool:
    """Whether this is a SHA-256 in lower-case hex: a commitment, a leaf hash or a root."""
    return _DIGEST.fullmatch(text) is not None
