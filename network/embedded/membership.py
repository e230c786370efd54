"""Which peers a peer knows: those whose identities the channel's configuration admits now.

Source: Fabric's `gossip/identity`, which forgets the peers whose certificates have been revoked or whose organisations
have left when the configuration changes. Fabric gets round to it within seconds; here it is at once. A peer goes on
knowing itself.
"""

from collections.abc import Mapping

from network.embedded.ledger import Ledger
from network.embedded.peer import Peer
from node_client.protocol.config import ChannelConfig
from node_client.protocol.errors import ProtocolError


class Neighbours:
    """The peers that one peer knows, its own self included.

    Args:
        own: the peer.
        peers: every organisation's peer, by MSP id.
    """

    def __init__(self, ledger: Ledger, own: Peer, peers: Mapping[str, Peer]) -> None:
        self._ledger = ledger
        self._own = own
        self._peers = peers
        self._known: tuple[ChannelConfig, int, Mapping[str, Peer]] | None = None

    @property
    def known(self) -> Mapping[str, Peer]:
        """The peers by MSP id, in the order of all."""
        config = self._ledger.config
        if self._known is None or self._known[0] is not config or self._known[1] != len(self._peers):
            found = {
                msp_id: peer
                for msp_id, peer in self._peers.items()
                if peer is self._own or is_member(config, peer.identity)
            }
            self._known = config, len(self._peers), found
        return self._known[2]


def is_member(config: ChannelConfig, identity: bytes) -> bool:
    """Whether an identity is a valid one of the channel."""
    try:
        config.msp_manager.valid_member(identity)
    except ProtocolError:
        return False
    return True
