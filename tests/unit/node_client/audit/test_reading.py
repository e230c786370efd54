"""Blocks of a peer that stalls, over gRPC."""

from collections.abc import Iterator

import pytest
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import events_pb2

from node_client import EventsError, Gateway
from node_client.audit.reading import read_blocks
from node_client.certificates import patience
from node_client.gateway._sync.network import Network
from node_client.identity.identity import Identity
from node_client.identity.signer import KeySigner
from tests.unit.node_client.fake_peer import FakePeer, block


@pytest.fixture
def network(
    peer: FakePeer, identity: Identity, signer: KeySigner, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Network]:
    monkeypatch.setattr(patience, "PATIENCE", 1.0)
    with Gateway(peer.endpoint, identity, signer) as gateway:
        yield gateway.get_network("certificates")


def whole(*numbers: int) -> list[events_pb2.DeliverResponse]:
    return [events_pb2.DeliverResponse(block=block(number)) for number in numbers]


def starts(peer: FakePeer) -> list[int]:
    return [ab_pb2.SeekInfo.FromString(one.request.data).start.specified.number for one in peer.calls("Deliver")]


def test_a_peer_that_stalls_in_the_middle_is_told(peer: FakePeer, network: Network) -> None:
    peer.streams = [whole(0, 1, 2), []]
    given = read_blocks(network, 0, 5, peer="peer0.city")
    assert [next(given).number for _ in range(3)] == [0, 1, 2]
    with pytest.raises(EventsError, match="peer0.city has 5 blocks, and did not give block 3 in 1 seconds"):
        next(given)
    assert starts(peer) == [0, 3]


def test_a_stream_that_lasts_longer_than_patience_goes_on_with_the_next_block(peer: FakePeer, network: Network) -> None:
    peer.streams = [whole(0, 1), whole(2, 3)]
    assert [one.number for one in read_blocks(network, 0, 4)] == [0, 1, 2, 3]
    assert starts(peer) == [0, 2]
