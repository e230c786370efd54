"""What is hashed before it is signed."""

import hashlib
from enum import Enum


class Hash(Enum):
    """The hash between a message and its signature. Fabric's MSPs use SHA-256; Ed25519 signs the message itself."""

    NONE = "none"
    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA3_256 = "sha3_256"
    SHA3_384 = "sha3_384"

    def digest(self, message: bytes) -> bytes:
        """The message's digest; the message itself without a hash."""
        return message if self is Hash.NONE else bytes(getattr(hashlib, self.value)(message).digest())
