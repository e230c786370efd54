"""What a peer says of itself to others, signed: that it is there, and what it has of the channel.

Nothing is gossiped here; clients of the discovery service get these messages in evidence of each peer. Source: Fabric's
`gossip/discovery/discovery_impl.go`, `gossip/gossip/channel/channel.go`, `internal/peer/gossip/mcs.go`.
"""

import time
from hashlib import sha256

from fabric_protos.gossip import message_pb2
from fabric_protos.msp import identities_pb2

from network.embedded.peer import Peer
from node_client.protocol.definitions import LIFECYCLE, defined_names

LIFECYCLE_SEQUENCE = 1  # `_lifecycle` is a chaincode among the others, defined once and for all


class Announcer:
    """One peer's announcements.

    Args:
        peer: the peer.
        endpoint: where others reach it.
    """

    def __init__(self, peer: Peer, endpoint: str) -> None:
        self._peer = peer
        self._endpoint = endpoint
        self._started = time.time_ns()
        self._count = 0
        self._state: tuple[tuple[int, int], message_pb2.Envelope] | None = None

    @property
    def pki_id(self) -> bytes:
        """What stands for the peer's identity."""
        identity = identities_pb2.SerializedIdentity.FromString(self._peer.identity)
        return sha256(identity.mspid.encode() + identity.id_bytes).digest()

    def membership(self, *, to_itself: bool = False) -> message_pb2.Envelope:
        """That the peer is there, and where; what it says to itself it does not sign."""
        self._count += 1
        alive = message_pb2.AliveMessage(
            membership=message_pb2.Member(endpoint=self._endpoint, pki_id=self.pki_id),
            timestamp=message_pb2.PeerTime(inc_num=self._started, seq_num=self._count),
        )
        message = message_pb2.GossipMessage(tag=message_pb2.GossipMessage.EMPTY, alive_msg=alive)
        return message_pb2.Envelope(payload=message.SerializeToString()) if to_itself else self._signed(message)

    def state(self) -> message_pb2.Envelope:
        """The height of the peer's ledger, and the chaincodes that it offers: names, and as versions the sequences."""
        ledger = self._peer.ledger
        now = ledger.height, ledger.definitions
        if self._state is None or self._state[0] != now:
            self._state = now, self._signed(self._state_message(now[0]))
        return self._state[1]

    def _state_message(self, height: int) -> message_pb2.GossipMessage:
        ledger = self._peer.ledger
        properties = message_pb2.Properties(ledger_height=height)
        for name in sorted(defined_names(ledger.state(self._peer.msp_id))):
            definition = self._peer.definition(name)
            if definition is not None and self._peer.offers(name):
                properties.chaincodes.add(name=name, version=str(definition.sequence))
        properties.chaincodes.add(name=LIFECYCLE, version=str(LIFECYCLE_SEQUENCE))
        state = message_pb2.StateInfo(
            timestamp=message_pb2.PeerTime(inc_num=self._started, seq_num=time.time_ns()),
            pki_id=self.pki_id,
            channel_MAC=sha256(self.pki_id + ledger.config.channel.encode()).digest(),
            properties=properties,
        )
        return message_pb2.GossipMessage(tag=message_pb2.GossipMessage.CHAN_OR_ORG, state_info=state)

    def _signed(self, message: message_pb2.GossipMessage) -> message_pb2.Envelope:
        payload = message.SerializeToString()
        return message_pb2.Envelope(payload=payload, signature=self._peer.sign(payload))
