"""Messages of the largest size, and past it, and compressed ones. The same on real Fabric.

The limit is `DefaultMaxRecvMsgSize` of Fabric's `internal/pkg/comm/config.go`, which its sample configuration repeats.
"""

from collections.abc import Iterator
from typing import cast

import grpc
import pytest
from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import events_pb2

from network.folder import Folder
from tests.scenarios.hostility import proposal, request, require_serving, signed
from tests.scenarios.seeking import Person
from tests.scenarios.wire import DELIVER, DISCOVER, EVENTS, ORDERER, UNARY, Wire

LIMIT = 100 * 1024 * 1024
PATIENCE = 120.0
BROADCAST, ORDERER_DELIVER = ORDERER
EXHAUSTED, UNIMPLEMENTED = grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNIMPLEMENTED


@pytest.fixture
def wire(network: Folder) -> Iterator[Wire]:
    with Wire(network, "City") as wire:
        yield wire


def message(size: int) -> bytes:
    """A message of this many bytes that every service can read, for its first field is of bytes or of a message."""
    frame = common_pb2.Envelope(payload=bytes(size)).ByteSize() - size  # what the field takes besides
    found = common_pb2.Envelope(payload=bytes(size - frame)).SerializeToString()
    assert len(found) == size
    return found


def answers(
    wire: Wire, method: str, data: bytes, compression: grpc.Compression = grpc.Compression.NoCompression
) -> "list[bytes] | grpc.Call":
    """What is answered, or how the call ended otherwise."""
    channel = wire.orderer if method in ORDERER else wire.peer
    try:
        if method in DELIVER or method in ORDERER:
            call = channel.stream_stream(method)
            return list(call(iter([data]), timeout=PATIENCE, compression=compression))
        return [channel.unary_unary(method)(data, timeout=PATIENCE, compression=compression)]
    except grpc.RpcError as error:
        return cast(grpc.Call, error)


@pytest.mark.parametrize("method", [*UNARY, EVENTS, DISCOVER, *DELIVER, *ORDERER])
def test_a_message_past_the_limit_is_not_received(wire: Wire, network: Folder, method: str) -> None:
    ended = answers(wire, method, message(LIMIT + 1))
    assert isinstance(ended, grpc.Call)
    assert ended.code() is EXHAUSTED
    assert f"eceived message larger than max ({LIMIT + 1} vs. {LIMIT})" in ended.details()
    require_serving(network)


def test_a_message_of_the_largest_size_is_received(wire: Wire, network: Folder) -> None:
    data = message(LIMIT)
    ended = answers(wire, "/gateway.Gateway/Submit", data)
    assert isinstance(ended, grpc.Call)
    assert (ended.code(), ended.details()) == (grpc.StatusCode.INVALID_ARGUMENT, "a prepared transaction is required")
    (told,) = answers(wire, DELIVER[0], data)  # type: ignore[misc]
    assert events_pb2.DeliverResponse.FromString(told).status == common_pb2.BAD_REQUEST
    (told,) = answers(wire, BROADCAST, data)  # type: ignore[misc]
    assert ab_pb2.BroadcastResponse.FromString(told).status == common_pb2.BAD_REQUEST
    (told,) = answers(wire, ORDERER_DELIVER, data)  # type: ignore[misc]
    assert ab_pb2.DeliverResponse.FromString(told).status == common_pb2.BAD_REQUEST
    require_serving(network)


def test_a_proposal_that_no_block_could_hold_comes_as_far_as_the_chaincode(wire: Wire, network: Folder) -> None:
    issuer = Person.of(network, "City", "issuer")
    one = signed(issuer, proposal(issuer, "IssueCertificate", "x" * (11 << 20), "y"))
    ended = answers(wire, "/gateway.Gateway/Endorse", request("/gateway.Gateway/Endorse", one))
    assert isinstance(ended, grpc.Call)
    assert ended.code() is grpc.StatusCode.ABORTED
    require_serving(network)


@pytest.mark.parametrize("method", [UNARY[0], EVENTS, DISCOVER, DELIVER[0], *ORDERER])
def test_nobody_unpacks_what_is_compressed(wire: Wire, method: str) -> None:
    ended = answers(wire, method, message(1 << 20), grpc.Compression.Gzip)
    assert isinstance(ended, grpc.Call)
    assert ended.code() is UNIMPLEMENTED
    assert "gzip" in ended.details()
