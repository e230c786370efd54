"""Settings of a gateway connection."""

import random
from dataclasses import dataclass, field

from node_client.identity.hash import Hash


@dataclass(frozen=True, kw_only=True)
class Deadlines:
    """How long each call may take, in seconds; None waits for ever. The defaults are those of the official clients."""

    evaluate: float | None = 30
    endorse: float | None = 15
    submit: float | None = 5
    commit_status: float | None = 60
    events: float | None = None


@dataclass(frozen=True, kw_only=True)
class Resume:
    """How an event stream goes on by itself after a lost connection: after the last event that was given, each once.

    Attributes:
        attempts: how often in a row to connect again before giving up; None never gives up.
        delay: seconds to wait before the first attempt; doubled with each further one.
        longest_delay: seconds that no wait exceeds.
    """

    attempts: int | None = None
    delay: float = 0.1
    longest_delay: float = 5.0

    def wait(self, attempt: int) -> float:
        """Seconds to wait before this attempt, counted from 0."""
        return min(self.longest_delay, self.delay * 2.0 ** min(attempt, 30))


@dataclass(frozen=True, kw_only=True)
class Retry:
    """How a call is made again when its connection cannot be made or breaks, within the call's deadline.

    Only that is tried again: what a gateway answers, whatever it is, is its answer. To ask again is harmless for every
    call: nothing is written by evaluating, endorsing and asking; and the same envelope submitted again is one
    transaction, by its id.

    Attributes:
        attempts: how often all peers are tried again after they have failed once.
        delay: the longest wait before that, in seconds; doubled with each further one. Each wait is a random part of
            it, at least half, so that many clients do not come back at one moment.
        longest_delay: seconds that no wait exceeds.
    """

    attempts: int = 5
    delay: float = 0.1
    longest_delay: float = 2.0

    def wait(self, attempt: int) -> float:
        """Seconds to wait before this attempt, counted from 0."""
        longest = min(self.longest_delay, self.delay * 2.0 ** min(attempt, 30))
        return longest * random.uniform(0.5, 1)  # noqa: S311 - nothing secret


NO_RETRY = Retry(attempts=0)


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a peer is and how to know it.

    Attributes:
        address: `host:port`.
        tls_roots: PEM of the CA certificates under which its TLS certificate must be; None is plain text.
        server_name: the name in its certificate, where that is not the address's host.
        client_certificate, client_key: PEM, for mutual TLS.
    """

    address: str
    tls_roots: bytes | None = None
    server_name: str = ""
    client_certificate: bytes | None = None
    client_key: bytes | None = None

    @property
    def channel_options(self) -> list[tuple[str, str | int]]:
        """gRPC's options for this endpoint.

        Messages may be as large as Fabric allows (`comm.MaxRecvMsgSize`). A peer that is back is found within seconds,
        and a connection that died silently within minutes: peers refuse clients that probe more often than once a
        minute (`peer.keepalive.minInterval`). What gRPC calls the least time between attempts to connect is also the
        time that an attempt has: a busy machine needs more than a moment for a TLS handshake.
        """
        options: list[tuple[str, str | int]] = [
            ("grpc.max_receive_message_length", 100 * 1024 * 1024),
            ("grpc.max_send_message_length", 100 * 1024 * 1024),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 3000),
            ("grpc.max_reconnect_backoff_ms", 2000),
            ("grpc.keepalive_time_ms", 120_000),
            ("grpc.keepalive_timeout_ms", 20_000),
            ("grpc.http2.max_pings_without_data", 0),
        ]
        if self.server_name:
            options.append(("grpc.ssl_target_name_override", self.server_name))
        return options

    @property
    def certificate_hash(self) -> bytes:
        """SHA-256 of the client's TLS certificate (DER), which binds proposals to the connection; empty without one."""
        if not self.client_certificate:
            return b""
        from node_client.protocol.certificates import fingerprint, load_certificate

        return fingerprint(load_certificate(self.client_certificate))


@dataclass(frozen=True, kw_only=True)
class GatewayOptions:
    """Settings of a gateway.

    Attributes:
        hash: what is hashed before it is signed; Ed25519 needs `Hash.NONE`.
        deadlines: how long each call may take unless it is told otherwise.
        retry: how calls are made again when their connection fails.
        tls_certificate_hash: SHA-256 of the TLS client certificate (DER), needed only where the gRPC channel is the
            caller's: an `Endpoint` knows its certificate.
    """

    hash: Hash = Hash.SHA256
    deadlines: Deadlines = field(default_factory=Deadlines)
    retry: Retry = field(default_factory=Retry)
    tls_certificate_hash: bytes = b""
