"""The messages of the chaincode stream."""

from collections.abc import Awaitable, Callable

from fabric_protos.peer import chaincode_shim_pb2

Message = chaincode_shim_pb2.ChaincodeMessage

Write = Callable[[Message], Awaitable[None]]
Request = Callable[["Message.Type.ValueType", bytes], Awaitable[bytes]]

MAX_MESSAGE_SIZE = 100 * 1024 * 1024  # as Fabric's peers set it, both ways
MAX_PAYLOAD = MAX_MESSAGE_SIZE - 64 * 1024  # what a message holds besides its payload is far less
CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_SIZE),
    ("grpc.max_send_message_length", MAX_MESSAGE_SIZE),
)
SERVER_OPTIONS = (
    *CHANNEL_OPTIONS,
    # Two services on one port would share the peer's calls: a port that is in use must be an error.
    ("grpc.so_reuseport", 0),
    # Peers ping every minute (`internal/pkg/comm/config.go`), with or without a call; gRPC's own rule is five minutes,
    # and it ends the stream of who pings more often. Half a minute leaves room for pings that arrive unevenly.
    ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
    ("grpc.keepalive_permit_without_calls", 1),
)
KEEPALIVE_OPTIONS = (
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
)
