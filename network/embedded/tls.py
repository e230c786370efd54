"""The client's TLS certificate, to which messages can be bound. Source: Fabric's `common/util/net.go`."""

from collections.abc import Iterable, Mapping
from typing import Any

from node_client.protocol.certificates import fingerprint, load_certificate


def client_certificate_hash(context: Any) -> bytes:
    """SHA-256 of the certificate (DER) that a call's client showed; empty where none is asked for."""
    properties: Mapping[str, Iterable[bytes]] = context.auth_context()
    for pem in properties.get("x509_pem_cert", ()):
        return fingerprint(load_certificate(pem))
    return b""
