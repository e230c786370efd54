"""Chaincode packages: `metadata.json` and `code.tar.gz` in a compressed archive (`core/chaincode/persistence`).

The same content makes the same bytes, so that organisations that package for themselves get the same package id.
"""

import gzip
import io
import json
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from node_client.protocol.errors import ProtocolError

# `core/chaincode/persistence/chaincode_package.go`
_LABEL = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.+-]*")


def chaincode_package(label: str, kind: str, code: Mapping[str, bytes]) -> bytes:
    """A package.

    Args:
        label: its label.
        kind: its type: who builds and runs it, such as `ccaas`.
        code: the files of its code.

    Raises:
        ProtocolError: the label is not one.
    """
    if not _LABEL.fullmatch(label):
        raise ProtocolError(f"{label!r} is no label of a chaincode package")
    metadata = json.dumps({"type": kind, "label": label}).encode()
    return _archive({"metadata.json": metadata, "code.tar.gz": _archive(code)})


@dataclass(frozen=True)
class ServiceTls:
    """How a peer and a service know each other; PEM.

    Attributes:
        root: the CA certificate under which the service's TLS certificate is.
        client_key, client_certificate: with which the peer dials. The key is in the package: guard it like the key.
    """

    root: bytes
    client_key: bytes
    client_certificate: bytes


def service_package(label: str, address: str, tls: ServiceTls | None = None) -> bytes:
    """The package of a chaincode that runs as a service.

    Args:
        address: `host:port`, which the peer dials.
        tls: for mutual TLS; without it the peer dials in plain text.

    Raises:
        ProtocolError: the label is not one.
    """
    connection: dict[str, object] = {"address": address, "dial_timeout": "10s", "tls_required": tls is not None}
    if tls:
        connection["client_auth_required"] = True
        connection["root_cert"] = tls.root.decode()
        connection["client_key"] = tls.client_key.decode()
        connection["client_cert"] = tls.client_certificate.decode()
    return chaincode_package(label, "ccaas", {"connection.json": json.dumps(connection).encode()})


def package_id(label: str, package: bytes) -> str:
    """The id under which peers know a package."""
    return f"{label}:{sha256(package).hexdigest()}"


def _archive(files: Mapping[str, bytes]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return gzip.compress(plain.getvalue(), mtime=0)
