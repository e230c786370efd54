"""A node's own identity, read from its MSP folder."""

from dataclasses import dataclass
from pathlib import Path

from network.msp_folder import signing_identity
from node_client.identity.hash import Hash
from node_client.identity.identity import Identity
from node_client.identity.signer import KeySigner


@dataclass(frozen=True)
class NodeIdentity:
    """A node's identity and key."""

    identity: Identity
    signer: KeySigner

    @classmethod
    def load(cls, msp_id: str, folder: Path) -> "NodeIdentity":
        """Read an MSP folder with a key. Raises OSError, ValueError."""
        return cls(*signing_identity(folder, msp_id))

    @property
    def serialized(self) -> bytes:
        """The identity as it stands in messages."""
        return self.identity.serialized

    def sign(self, message: bytes) -> bytes:
        """Sign a message, hashed with SHA-256."""
        return self.signer.sign(Hash.SHA256.digest(message))
