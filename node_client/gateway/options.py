"""Settings of a gateway connection."""

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
        """gRPC's options for this endpoint. Messages may be as large as Fabric allows."""
        options: list[tuple[str, str | int]] = [
            ("grpc.max_receive_message_length", 100 * 1024 * 1024),
            ("grpc.max_send_message_length", 100 * 1024 * 1024),
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
    """Settings of a gateway."""

    hash: Hash = Hash.SHA256
    deadlines: Deadlines = field(default_factory=Deadlines)
