"""Commitments: what the ledger knows of a certificate's statement.

An unsalted hash of an income certificate could be guessed by trying every resident and every income; 32 random bytes
of salt, which stay with the holder and the city, forbid that.
"""

import secrets
from hashlib import sha256

TAG = b"certledger/v1/commitment"
SALT_SIZE = 32


def new_salt() -> bytes:
    """32 random bytes."""
    return secrets.token_bytes(SALT_SIZE)


def commitment(salt: bytes, statement: bytes) -> str:
    """SHA-256 over the tag, a zero byte, the salt and the canonical statement, in hex.

    Raises:
        ValueError: the salt is not 32 bytes.
    """
    if len(salt) != SALT_SIZE:
        raise ValueError("a salt has 32 bytes")
    return sha256(TAG + b"\x00" + salt + statement).hexdigest()
