"""TLS of the network's nodes, and the client's certificate, to which messages can be bound.

Source: Fabric's `core/peer/peer.go` (`updateTrustedRoots`), `common/util/net.go`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import grpc

from node_client.protocol.certificates import fingerprint, load_certificate


def client_certificate_hash(context: Any) -> bytes:
    """SHA-256 of the certificate (DER) that a call's client showed; empty where none is asked for."""
    properties: Mapping[str, Iterable[bytes]] = context.auth_context()
    for pem in properties.get("x509_pem_cert", ()):
        return fingerprint(load_certificate(pem))
    return b""


def server_credentials(
    pair: tuple[bytes, bytes], client_roots: Callable[[], bytes] | None = None
) -> grpc.ServerCredentials:
    """What a server shows and demands.

    Args:
        pair: its key and certificate, PEM.
        client_roots: gives the authorities under which clients must show a certificate, PEM; what it gives counts for
            every connection that is made from then on. Without it, clients are asked for none.
    """
    if client_roots is None:
        return grpc.ssl_server_credentials([pair])
    current = client_roots()

    def changed() -> grpc.ServerCertificateConfiguration | None:
        nonlocal current
        found = client_roots()
        if found == current:
            return None
        current = found
        return grpc.ssl_server_certificate_configuration([pair], current)

    first = grpc.ssl_server_certificate_configuration([pair], current)
    # None says that nothing has changed, which the annotations of gRPC do not say.
    fetch = cast(Callable[[], grpc.ServerCertificateConfiguration], changed)
    return grpc.dynamic_ssl_server_credentials(first, fetch, require_client_authentication=True)
