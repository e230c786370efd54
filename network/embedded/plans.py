"""A gateway's plans of endorsement, kept while nothing changes that they are made of."""

from collections.abc import Mapping, Sequence

from network.embedded.ledger import Ledger
from network.embedded.peer import Peer
from network.embedded.planning import ChaincodeCall, Plan, Planner
from node_client.protocol.config import ChannelConfig

KEPT = 256  # plans


class Plans:
    """Plans for what proposals touch.

    Args:
        own: the gateway's own organisation.
    """

    def __init__(self, ledger: Ledger, own: str) -> None:
        self._ledger = ledger
        self._own = own
        self._made: dict[tuple[object, ...], Plan] = {}
        self._made_of: tuple[ChannelConfig, int] | None = None

    def plan(self, calls: Sequence[ChaincodeCall], peers: Mapping[str, Peer]) -> Plan:
        """Plan for what a proposal touches.

        Args:
            peers: those that can be asked, by MSP id.

        Raises:
            NoPlan: there is none.
        """
        made_of = self._ledger.config, self._ledger.definitions
        if made_of != self._made_of or len(self._made) >= KEPT:
            self._made, self._made_of = {}, made_of
        holders = {call.name: _holders(call.name, peers) for call in calls}
        key = (*(call.SerializeToString(deterministic=True) for call in calls), *peers, *holders.values())
        if key not in self._made:
            identities = {msp_id: peer.identity for msp_id, peer in peers.items()}
            planner = Planner(self._ledger.config, self._ledger.state(self._own), identities, holders.__getitem__)
            self._made[key] = planner.plan(calls)
        return self._made[key]


def _holders(chaincode: str, peers: Mapping[str, Peer]) -> frozenset[str]:
    return frozenset(msp_id for msp_id, peer in peers.items() if peer.offers(chaincode))
