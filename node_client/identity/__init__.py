"""Who signs: X.509 identities, signers, hashes, connection profiles."""

from node_client.identity.hash import Hash
from node_client.identity.identity import Identity
from node_client.identity.signer import KeySigner, Signer

__all__ = ["Hash", "Identity", "KeySigner", "Signer"]
