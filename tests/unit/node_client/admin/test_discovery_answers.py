"""Answers of discovery services that say something else than they should."""

import pytest
from fabric_protos.discovery import protocol_pb2
from fabric_protos.gossip import message_pb2

from node_client.admin import discovery
from node_client.admin.discovery import ChaincodeCall, DiscoveryError
from node_client.protocol.errors import ProtocolError
from tests.authorities import Ca, Holder

CA = Ca.root()
PEER, OTHER = CA.issue("peer0", "peer"), CA.issue("peer1", "peer")
Result = protocol_pb2.QueryResult
GossipMessage = message_pb2.GossipMessage


def signed(message: GossipMessage, holder: Holder | None) -> message_pb2.Envelope:
    payload = message.SerializeToString()
    return message_pb2.Envelope(payload=payload, signature=holder.sign(payload) if holder else b"")


def peer(alive_by: Holder | None = PEER, state_by: Holder | None = PEER) -> protocol_pb2.Peer:
    alive = message_pb2.AliveMessage(membership=message_pb2.Member(endpoint="here:7051"))
    properties = message_pb2.Properties(
        ledger_height=7, chaincodes=[message_pb2.Chaincode(name="registry", version="2")]
    )
    return protocol_pb2.Peer(
        identity=PEER.serialized("CityMSP"),
        membership_info=signed(GossipMessage(alive_msg=alive), alive_by),
        state_info=signed(GossipMessage(state_info=message_pb2.StateInfo(properties=properties)), state_by),
    )


def response(*results: Result) -> bytes:
    return protocol_pb2.Response(results=results).SerializeToString()


def members(one: protocol_pb2.Peer) -> bytes:
    found = protocol_pb2.PeerMembershipResult()
    found.peers_by_org["CityMSP"].peers.append(one)
    return response(Result(members=found))


@pytest.mark.parametrize("alive_by", [PEER, None], ids=["another peer", "the peer itself"])
def test_a_peer_is_what_it_says_of_itself(alive_by: Holder | None) -> None:
    (found,) = discovery.read_peers(members(peer(alive_by)))
    assert (found.msp_id, found.certificate, found.endpoint) == ("CityMSP", PEER.pem, "here:7051")
    assert (found.height, found.chaincodes) == (7, {"registry": "2"})


@pytest.mark.parametrize("one", [peer(OTHER), peer(PEER, OTHER), peer(PEER, None)])
def test_what_a_peer_did_not_sign_is_refused(one: protocol_pb2.Peer) -> None:
    with pytest.raises(DiscoveryError, match="not signed by it"):
        discovery.read_peers(members(one))


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (response(Result(error=protocol_pb2.Error(content="access denied"))), "access denied"),
        (response(Result(config_result=protocol_pb2.ConfigResult())), "another question"),
        (response(), "did not answer the one question"),
        (response(Result(), Result()), "did not answer the one question"),
        (b"\xff", "not a Response"),
    ],
)
def test_what_is_no_answer_is_refused(answer: bytes, text: str) -> None:
    with pytest.raises(ProtocolError, match=text):
        discovery.read_peers(answer)


def test_one_question_is_answered_once() -> None:
    descriptor = protocol_pb2.EndorsementDescriptor(chaincode="registry")
    answer = protocol_pb2.ChaincodeQueryResult(content=[descriptor, descriptor])
    with pytest.raises(DiscoveryError, match="several answers"):
        discovery.read_endorsers(response(Result(cc_query_res=answer)))


def test_a_request_says_what_is_called_and_who_asks() -> None:
    call = ChaincodeCall(name="vault", collections=["pair"], no_private_reads=True)
    data = discovery.request(discovery.endorsers_query("certificates", [call]), b"identity", b"hash")
    found = protocol_pb2.Request.FromString(data)
    assert (found.authentication.client_identity, found.authentication.client_tls_cert_hash) == (b"identity", b"hash")
    (query,) = found.queries
    (stated,) = query.cc_query.interests[0].chaincodes
    assert (query.channel, stated.name, list(stated.collection_names)) == ("certificates", "vault", ["pair"])
    assert stated.no_private_reads
