"""Messages of the discovery service (`discovery/protocol.proto`): what is asked, and what peers answer.

A peer is told of by messages that it signed itself (gossip's AliveMessage and StateInfo); they are checked here. Only
that the answering peer is there itself is not signed (`gossip/discovery/discovery_impl.go`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fabric_protos.discovery import protocol_pb2
from fabric_protos.gossip import message_pb2
from fabric_protos.msp import identities_pb2
from fabric_protos.peer import proposal_response_pb2

from node_client.protocol.certificates import load_certificate, verify_signature
from node_client.protocol.codec import parse
from node_client.protocol.errors import ProtocolError


@dataclass(frozen=True, kw_only=True)
class ChaincodeCall:
    """A chaincode that a transaction calls.

    Attributes:
        collections: the private data collections that it touches.
        no_private_reads: whether it reads nothing there.
    """

    name: str
    collections: Sequence[str] = ()
    no_private_reads: bool = False


@dataclass(frozen=True)
class DiscoveredPeer:
    """A peer, by its own word.

    Attributes:
        certificate: its certificate, PEM.
        endpoint: where it is reached, `host:port`.
        height: of its ledger, when it last told; None where nothing was said of the channel.
        chaincodes: those that it offers, each with its definition's sequence.
    """

    msp_id: str
    certificate: bytes
    endpoint: str
    height: int | None = None
    chaincodes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Endorsers:
    """Whom to ask for endorsements.

    Attributes:
        layouts: what satisfies the policies: from each group so many peers, by one of the layouts.
        groups: the peers of each group.
    """

    chaincode: str
    layouts: tuple[Mapping[str, int], ...]
    groups: Mapping[str, tuple[DiscoveredPeer, ...]]


@dataclass(frozen=True)
class DiscoveredConfig:
    """What clients need of a channel's configuration.

    Attributes:
        msps: the organisations' definitions (`msp.FabricMSPConfig`), by MSP id.
        orderers: their orderers' addresses, by MSP id.
    """

    msps: Mapping[str, bytes]
    orderers: Mapping[str, tuple[str, ...]]


class DiscoveryError(ProtocolError):
    """A peer answered a query with an error, or with something that cannot be used."""


def request(query: protocol_pb2.Query, identity: bytes, tls_certificate_hash: bytes) -> bytes:
    """What is signed: one query, and who asks."""
    authentication = protocol_pb2.AuthInfo(client_identity=identity, client_tls_cert_hash=tls_certificate_hash)
    return protocol_pb2.Request(authentication=authentication, queries=[query]).SerializeToString()


def config_query(channel: str) -> protocol_pb2.Query:
    """Ask for the configuration."""
    return protocol_pb2.Query(channel=channel, config_query=protocol_pb2.ConfigQuery())


def peers_query(channel: str, calls: Sequence[ChaincodeCall]) -> protocol_pb2.Query:
    """Ask for the peers of a channel; with calls, those that can run them."""
    return protocol_pb2.Query(channel=channel, peer_query=protocol_pb2.PeerMembershipQuery(filter=_interest(calls)))


def local_peers_query() -> protocol_pb2.Query:
    """Ask for all peers that the peer knows."""
    return protocol_pb2.Query(local_peers=protocol_pb2.LocalPeerQuery())


def endorsers_query(channel: str, calls: Sequence[ChaincodeCall]) -> protocol_pb2.Query:
    """Ask who must endorse a transaction that calls these chaincodes."""
    return protocol_pb2.Query(channel=channel, cc_query=protocol_pb2.ChaincodeQuery(interests=[_interest(calls)]))


def _interest(calls: Sequence[ChaincodeCall]) -> "proposal_response_pb2.ChaincodeInterest":
    interest = proposal_response_pb2.ChaincodeInterest()
    for one in calls:
        interest.chaincodes.add(name=one.name, collection_names=one.collections, no_private_reads=one.no_private_reads)
    return interest


def read_config(response: bytes) -> DiscoveredConfig:
    """The configuration in an answer. Raises DiscoveryError."""
    found = _result(response, "config_result").config_result
    return DiscoveredConfig(
        {name: msp.SerializeToString(deterministic=True) for name, msp in found.msps.items()},
        {
            name: tuple(f"{one.host}:{one.port}" for one in endpoints.endpoint)
            for name, endpoints in found.orderers.items()
        },
    )


def read_peers(response: bytes) -> tuple[DiscoveredPeer, ...]:
    """The peers in an answer, by MSP id and endpoint. Raises DiscoveryError."""
    found = _result(response, "members").members
    peers = [_peer(one) for group in found.peers_by_org.values() for one in group.peers]
    return tuple(sorted(peers, key=lambda one: (one.msp_id, one.endpoint)))


def read_endorsers(response: bytes) -> Endorsers:
    """The layouts and peers in an answer. Raises DiscoveryError."""
    content = _result(response, "cc_query_res").cc_query_res.content
    if len(content) != 1:
        raise DiscoveryError("a peer answered one question with several answers, or none")
    return Endorsers(
        content[0].chaincode,
        tuple(dict(one.quantities_by_group) for one in content[0].layouts),
        {name: tuple(map(_peer, group.peers)) for name, group in content[0].endorsers_by_groups.items()},
    )


def _result(response: bytes, kind: str) -> protocol_pb2.QueryResult:
    results = parse(protocol_pb2.Response, response, "discovery response").results
    if len(results) != 1:
        raise DiscoveryError("a peer did not answer the one question that it was asked")
    if results[0].WhichOneof("result") == "error":
        raise DiscoveryError(results[0].error.content)
    if results[0].WhichOneof("result") != kind:
        raise DiscoveryError("a peer answered another question than it was asked")
    return results[0]


def _peer(message: protocol_pb2.Peer) -> DiscoveredPeer:
    identity = parse(identities_pb2.SerializedIdentity, message.identity, "identity")
    alive = _signed(message.membership_info, identity.id_bytes)
    height, chaincodes = None, {}
    if message.HasField("state_info"):
        if not message.state_info.signature:
            raise DiscoveryError("what a peer has is not signed by it")
        properties = _signed(message.state_info, identity.id_bytes).state_info.properties
        height = properties.ledger_height
        chaincodes = {one.name: one.version for one in properties.chaincodes}
    return DiscoveredPeer(identity.mspid, identity.id_bytes, alive.alive_msg.membership.endpoint, height, chaincodes)


def _signed(envelope: message_pb2.Envelope, certificate: bytes) -> message_pb2.GossipMessage:
    if envelope.signature and not verify_signature(load_certificate(certificate), envelope.signature, envelope.payload):
        raise DiscoveryError("what a peer is said to have said is not signed by it")
    return parse(message_pb2.GossipMessage, envelope.payload, "gossip message")
