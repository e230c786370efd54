# Generated from _async/discovery.py by scripts/generate_sync.py: change that file instead.
"""Discovery: which peers a channel has, and whom to ask for endorsements (`discover` of Fabric)."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from node_client.admin import discovery
from node_client.admin._sync.transport import Discoverer
from node_client.admin.discovery import ChaincodeCall, DiscoveredConfig, DiscoveredPeer, Endorsers
from node_client.gateway.options import Endpoint
from node_client.identity.hash import Hash
from node_client.identity.identity import Identity
from node_client.identity.signer import Signer

if TYPE_CHECKING:
    from fabric_protos.discovery import protocol_pb2

T = TypeVar("T")


class Discovery:
    """A peer's discovery service.

    Args:
        endpoint: the peer; with a client's certificate, requests name it.
        identity, signer: who asks: about a channel, somebody who may write to it; about all peers, an admin of the
            peer's organisation.
        channel: the channel's name.
    """

    def __init__(
        self, endpoint: Endpoint, identity: Identity, signer: Signer, channel: str, *, hash_: Hash = Hash.SHA256
    ) -> None:
        self._discoverer = Discoverer(endpoint)
        self._identity = identity
        self._signer = signer
        self._channel = channel
        self._hash = hash_

    def peers(self, *calls: ChaincodeCall) -> tuple[DiscoveredPeer, ...]:
        """The channel's peers; with calls, those that have the chaincodes and may read the collections.

        Raises:
            AdminError: the peer refused, or could not be reached.
            DiscoveryError: it answered with an error.
        """
        return self._ask(discovery.peers_query(self._channel, calls), discovery.read_peers)

    def local_peers(self) -> tuple[DiscoveredPeer, ...]:
        """All peers that the peer knows, whatever channel they are in. Raises as `peers`."""
        return self._ask(discovery.local_peers_query(), discovery.read_peers)

    def endorsers(self, calls: Sequence[ChaincodeCall]) -> Endorsers:
        """Whom to ask to endorse a transaction that calls these chaincodes. Raises as `peers`."""
        return self._ask(discovery.endorsers_query(self._channel, calls), discovery.read_endorsers)

    def config(self) -> DiscoveredConfig:
        """The organisations' MSPs and where their orderers are. Raises as `peers`."""
        return self._ask(discovery.config_query(self._channel), discovery.read_config)

    def _ask(self, query: "protocol_pb2.Query", read: Callable[[bytes], T]) -> T:
        certificate_hash = self._discoverer.endpoint.certificate_hash
        payload = discovery.request(query, self._identity.serialized, certificate_hash)
        return read(self._discoverer.discover(payload, self._signer.sign(self._hash.digest(payload))))
