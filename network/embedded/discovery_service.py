"""`discovery.Discovery`: which peers there are, whom to ask for endorsements, and the channel's configuration.

Source: Fabric's `discovery/service.go`, `authcache.go`, `support/`. That code means to hold requests to the TLS
certificate of whoever asks and never does, for the setting that says so gets lost in `NewService`; Fabric's `discover`
command lives by that, for it names another hash than the one that would be compared. A client needs no certificate here
either.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import grpc
from fabric_protos.discovery import protocol_pb2, protocol_pb2_grpc
from fabric_protos.msp import msp_config_pb2
from fabric_protos.peer import proposal_response_pb2
from google.protobuf.message import DecodeError
from google.protobuf.text_format import MessageToString

from network.embedded.acl import AccessControl, AccessDenied
from network.embedded.failure import RpcFailure
from network.embedded.gossip import Announcer
from network.embedded.ledger import Ledger
from network.embedded.membership import Neighbours
from network.embedded.peer import Peer
from network.embedded.planning import NoPlan, Planner
from network.embedded.unpacking import UNREADABLE
from node_client.protocol.config import ChannelConfig
from node_client.protocol.policy import SignedData

WRITERS = "/Channel/Application/Writers"
CACHED, KEPT = 1000, 750  # `peer.discovery.authCacheMaxSize` of Fabric's sample core.yaml, and what a purge leaves

Query = protocol_pb2.Query
Result = protocol_pb2.QueryResult


class DiscoveryRefused(Exception):
    """A query is answered with an error; the text is Fabric's."""


class Eligibility:
    """Who may ask, remembered until the configuration changes."""

    def __init__(self, access: AccessControl, ledger: Ledger) -> None:
        self._access = access
        self._ledger = ledger
        self._config: ChannelConfig | None = None
        self._known: OrderedDict[tuple[str, SignedData], bool] = OrderedDict()

    def holds(self, channel: str, signed: SignedData) -> bool:
        """Whether whoever signed may ask about a channel, or, without one, about the peer's own view."""
        if self._config is not self._ledger.config:
            self._config = self._ledger.config
            self._known.clear()
        key = channel, signed
        if key not in self._known:
            if len(self._known) >= CACHED:
                for _ in range(CACHED - KEPT):
                    self._known.popitem(last=False)
            self._known[key] = self._check(channel, signed)
        return self._known[key]

    def _check(self, channel: str, signed: SignedData) -> bool:
        try:
            if channel:
                self._access.check_policy(WRITERS, channel, signed)
            else:
                self._access.check_admin(signed)
        except AccessDenied:
            return False
        return True


class DiscoveryService(protocol_pb2_grpc.DiscoveryServicer):
    """One peer's discovery service.

    Args:
        own: the peer.
        peers: every organisation's peer, by MSP id.
        announcers: what each of them says of itself.
    """

    def __init__(
        self, ledger: Ledger, own: Peer, peers: Mapping[str, Peer], announcers: Mapping[str, Announcer]
    ) -> None:
        self._ledger = ledger
        self._own = own
        self._neighbours = Neighbours(ledger, own, peers)
        self._announcers = announcers
        self._eligibility = Eligibility(own.access, ledger)

    async def Discover(self, request: protocol_pb2.SignedRequest, context: Any) -> Any:  # noqa: N802
        try:
            return self._discover(request)
        except RpcFailure as failure:
            await failure.abort(context)

    def _discover(self, signed: protocol_pb2.SignedRequest) -> protocol_pb2.Response:
        request = _open(signed)
        identity = request.authentication.client_identity
        data = SignedData(signed.payload, identity, signed.signature)
        return protocol_pb2.Response(results=[self._answer(query, data) for query in request.queries])

    def _answer(self, query: Query, signed: SignedData) -> Result:
        try:
            if query.channel not in ("", self._ledger.config.channel):
                raise DiscoveryRefused("access denied")
            if not self._eligibility.holds(query.channel, signed):
                raise DiscoveryRefused("access denied")
            kind = query.WhichOneof("query") or ""
            answers = self._of_channel if query.channel else self._of_peer
            if kind not in answers:
                raise DiscoveryRefused("unknown or missing request type")
            return answers[kind](query)
        except DiscoveryRefused as error:
            return Result(error=protocol_pb2.Error(content=str(error)))

    @property
    def _of_channel(self) -> Mapping[str, Callable[[Query], Result]]:
        return {"config_query": self._config, "peer_query": self._peers, "cc_query": self._endorsers}

    @property
    def _of_peer(self) -> Mapping[str, Callable[[Query], Result]]:
        return {"local_peers": self._local_peers}

    def _config(self, query: Query) -> Result:
        config, result = self._ledger.config, protocol_pb2.ConfigResult()
        for msp in config.msp_manager.msps.values():
            result.msps[msp.name].CopyFrom(msp_config_pb2.FabricMSPConfig.FromString(msp.config))
        for msp, addresses in zip(config.orderer_msps, _in_order(config.orderer_addresses), strict=True):
            endpoints = result.orderers[msp.name]
            for address in addresses:
                host, _, port = address.rpartition(":")
                if host and port.isdigit():
                    endpoints.endpoint.add(host=host, port=int(port))
        return Result(config_result=result)

    def _peers(self, query: Query) -> Result:
        calls = list(query.peer_query.filter.chaincodes)
        chosen = set(self._neighbours.known)
        if calls:
            try:
                chosen = set(self._planner().authorised(calls))
            except NoPlan as error:
                raise DiscoveryRefused(str(error)) from error
        result = protocol_pb2.PeerMembershipResult()
        for msp_id in self._neighbours.known:
            peers = result.peers_by_org[msp_id]
            if msp_id in chosen:
                peers.peers.append(self._described(msp_id, with_state=True))
        return Result(members=result)

    def _local_peers(self, query: Query) -> Result:
        result = protocol_pb2.PeerMembershipResult()
        for msp_id in self._neighbours.known:
            result.peers_by_org[msp_id].peers.append(self._described(msp_id, with_state=False))
        return Result(members=result)

    def _endorsers(self, query: Query) -> Result:
        interests = query.cc_query.interests
        if not interests:
            raise DiscoveryRefused("chaincode query must have at least one chaincode interest")
        for interest in interests:
            if not interest.chaincodes:
                raise DiscoveryRefused("chaincode interest must contain at least one chaincode")
            if not all(one.name for one in interest.chaincodes):
                raise DiscoveryRefused("chaincode name in interest cannot be empty")
        return Result(
            cc_query_res=protocol_pb2.ChaincodeQueryResult(content=[self._descriptor(one) for one in interests])
        )

    def _descriptor(self, interest: "proposal_response_pb2.ChaincodeInterest") -> protocol_pb2.EndorsementDescriptor:
        """Layouts of groups, one group for an organisation: every organisation has one peer."""
        try:
            plan = self._planner().plan(interest.chaincodes)
        except NoPlan as error:
            raise DiscoveryRefused(f"failed constructing descriptor for {_text(interest)}") from error
        asked = [msp_id for msp_id in self._neighbours.known if any(msp_id in layout for layout in plan.layouts)]
        groups = {msp_id: f"G{number}" for number, msp_id in enumerate(asked)}
        descriptor = protocol_pb2.EndorsementDescriptor(chaincode=interest.chaincodes[0].name)
        for msp_id, group in groups.items():
            descriptor.endorsers_by_groups[group].peers.append(self._described(msp_id, with_state=True))
        for layout in plan.layouts:
            descriptor.layouts.add(quantities_by_group={groups[msp_id]: count for msp_id, count in layout.items()})
        return descriptor

    def _described(self, msp_id: str, *, with_state: bool) -> protocol_pb2.Peer:
        announcer = self._announcers[msp_id]
        return protocol_pb2.Peer(
            identity=self._neighbours.known[msp_id].identity,
            membership_info=announcer.membership(to_itself=msp_id == self._own.msp_id),
            state_info=announcer.state() if with_state else None,
        )

    def _planner(self) -> Planner:
        known = self._neighbours.known
        return Planner(
            self._ledger.config,
            self._ledger.state(self._own.msp_id),
            {msp_id: peer.identity for msp_id, peer in known.items()},
            lambda chaincode: frozenset(msp_id for msp_id, peer in known.items() if peer.offers(chaincode)),
        )


def _open(signed: protocol_pb2.SignedRequest) -> protocol_pb2.Request:
    """Open a request and check what must be in it (`validateStructure`). Raises RpcFailure."""
    try:
        request = protocol_pb2.Request.FromString(signed.payload)
    except DecodeError as error:
        raise _refused(f"failed parsing request: {UNREADABLE}") from error
    if not request.HasField("authentication"):
        raise _refused("access denied, no authentication info in request")
    if not request.authentication.client_identity:
        raise _refused("access denied, client identity wasn't supplied")
    return request


def _text(interest: "proposal_response_pb2.ChaincodeInterest") -> str:
    """An interest as Go prints it."""
    text = MessageToString(interest, as_one_line=True)
    for ours, theirs in ((" { ", ":{"), (" }", "}"), (": ", ":")):
        text = text.replace(ours, theirs)
    return text


def _refused(text: str) -> RpcFailure:
    return RpcFailure(grpc.StatusCode.UNKNOWN, text)


def _in_order(addresses: Mapping[str, tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The organisations' addresses in the order of their names, which is that of their MSPs."""
    return [addresses[name] for name in sorted(addresses)]
