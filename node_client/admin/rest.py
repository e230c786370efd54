"""Calling a node's HTTP endpoints: channel participation and operations, both with mutual TLS."""

import http.client
import ssl
from dataclasses import dataclass
from pathlib import Path

from node_client.errors import AdminError


@dataclass(frozen=True, kw_only=True)
class RestEndpoint:
    """Where a node's endpoint is, and who calls.

    Attributes:
        address: `host:port`.
        server_name: the name in the node's TLS certificate, where that is not the host in its address.
        tls_roots: PEM file of the CA certificates under which the node's TLS certificate must be.
        client_certificate, client_key: PEM files; a node admits who has a certificate under the CAs that it was told.
        timeout: seconds that a call may take.
    """

    address: str
    tls_roots: Path
    client_certificate: Path
    client_key: Path
    server_name: str = ""
    timeout: float = 10.0


class _Connection(http.client.HTTPSConnection):
    """A connection that checks the server's certificate for a name of its own."""

    def __init__(self, endpoint: RestEndpoint, context: ssl.SSLContext) -> None:
        host, _, port = endpoint.address.rpartition(":")
        super().__init__(host, int(port), timeout=endpoint.timeout)
        self._checked = (context, endpoint.server_name or host)

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        context, name = self._checked
        self.sock = context.wrap_socket(self.sock, server_hostname=name)


@dataclass(frozen=True)
class RestAnswer:
    """What an endpoint answered."""

    status: int
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace").strip()


def call(endpoint: RestEndpoint, method: str, path: str, body: bytes = b"", content_type: str = "") -> RestAnswer:
    """Make one call on a connection of its own; whatever status is answered is an answer.

    Raises:
        AdminError: there was no answer.
    """
    try:
        context = ssl.create_default_context(cafile=str(endpoint.tls_roots))
        context.load_cert_chain(endpoint.client_certificate, endpoint.client_key)
        connection = _Connection(endpoint, context)
        try:
            connection.request(method, path, body or None, {"Content-Type": content_type} if content_type else {})
            response = connection.getresponse()
            return RestAnswer(response.status, response.read())
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as error:
        raise AdminError(endpoint.address, 0, str(error) or type(error).__name__) from error
