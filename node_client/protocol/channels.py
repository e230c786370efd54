"""Messages of the `cscc` chaincode, by which a peer is told of its channels (`core/scc/cscc/configure.go`)."""

from fabric_protos.peer import query_pb2

from node_client.protocol.codec import parse

CSCC = "cscc"


def joined_channels(data: bytes) -> tuple[str, ...]:
    """The channels in the answer of GetChannels. Raises ProtocolError."""
    answer = parse(query_pb2.ChannelQueryResponse, data, "channels")
    return tuple(one.channel_id for one in answer.channels)
