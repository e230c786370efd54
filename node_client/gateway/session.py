"""Who signs on a connection, and how."""

from dataclasses import dataclass

from node_client.errors import NotSigned
from node_client.identity.hash import Hash
from node_client.identity.identity import Identity
from node_client.identity.signer import Signer


@dataclass(frozen=True)
class Session:
    """What everything that is signed on a connection shares."""

    identity: Identity
    signer: Signer | None
    hash: Hash
    tls_certificate_hash: bytes

    def sign(self, digest: bytes) -> bytes:
        """Sign a digest.

        Raises:
            NotSigned: there is no signer.
        """
        if self.signer is None:
            raise NotSigned("there is no signer: give the signature, or connect with a signer")
        return self.signer.sign(digest)
