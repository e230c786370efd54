"""Signing updates of a channel's configuration, and what submits them. No I/O."""

from node_client.identity.hash import Hash
from node_client.identity.identity import Identity
from node_client.identity.signer import Signer
from node_client.protocol.config_update import ConfigUpdate
from node_client.protocol.proposal import new_nonce
from node_client.protocol.transaction import envelope


def sign_update(update: ConfigUpdate, identity: Identity, signer: Signer, *, hash_: Hash = Hash.SHA256) -> ConfigUpdate:
    """The update with this identity's signature, beside those that it has."""
    header = update.header(identity.serialized, new_nonce())
    return update.signed(header, signer.sign(hash_.digest(update.message(header))))


def submission(update: ConfigUpdate, identity: Identity, signer: Signer, *, hash_: Hash = Hash.SHA256) -> bytes:
    """The envelope that submits an update to an orderer; whoever may write to the channel may submit."""
    payload = update.payload(identity.serialized, new_nonce())
    return envelope(payload, signer.sign(hash_.digest(payload)))
