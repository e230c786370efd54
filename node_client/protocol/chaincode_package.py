"""Chaincode packages: `metadata.json` and `code.tar.gz` in a compressed archive (`core/chaincode/persistence`).

The same content makes the same bytes on every machine, so that organisations that package for themselves get the same
package id: files in the order of their names, nothing of times and owners, and no compression (`stored_gzip`).
"""

import io
import json
import re
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from node_client.protocol.duration import parse_duration
from node_client.protocol.errors import ProtocolError
from node_client.protocol.stored_gzip import stored_gzip

SERVICE, LAUNCHED = "ccaas", "python"  # types of packages that our builder takes
DIAL_TIMEOUT = "10s"
MAX_SIZE = 100 * 1024 * 1024  # of a package, unpacked: more than a message to a peer may hold

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
        client_key, client_certificate: with which the peer dials, both or none. The key is in the package: guard it
            like the key.
    """

    root: bytes
    client_key: bytes = b""
    client_certificate: bytes = b""


def service_package(label: str, address: str, tls: ServiceTls | None = None, dial_timeout: str = DIAL_TIMEOUT) -> bytes:
    """The package of a chaincode that runs as a service.

    Args:
        address: `host:port`, which the peer dials.
        tls: without it the peer dials in plain text.
        dial_timeout: how long the peer waits for the connection, in Go's notation.

    Raises:
        ProtocolError: the label or the timeout is not one, or a key comes without its certificate.
    """
    parse_duration(dial_timeout)
    connection: dict[str, object] = {"address": address, "dial_timeout": dial_timeout, "tls_required": tls is not None}
    if tls:
        if bool(tls.client_key) != bool(tls.client_certificate):
            raise ProtocolError("a client's key and its certificate belong together")
        connection["client_auth_required"] = bool(tls.client_key)
        connection["root_cert"] = tls.root.decode()
        if tls.client_key:
            connection["client_key"] = tls.client_key.decode()
            connection["client_cert"] = tls.client_certificate.decode()
    return chaincode_package(label, SERVICE, {"connection.json": json.dumps(connection).encode()})


@dataclass(frozen=True)
class PackageInfo:
    """What a package says of itself.

    Attributes:
        id: the id under which peers know it.
        type: who builds and runs it.
    """

    id: str
    label: str
    type: str


def package_info(package: bytes) -> PackageInfo:
    """What a package says of itself. Whether a peer takes it, is the peer's to say.

    Raises:
        ProtocolError: it is no package.
    """
    try:
        metadata, has_code = _inspect(package)
        stated = {name.lower(): value for name, value in json.loads(metadata).items()}  # as Go reads names
        label, kind = stated["label"], stated.get("type", "")
    except (OSError, tarfile.TarError, EOFError, zlib.error, OverflowError) as error:
        raise ProtocolError(f"it is no tar.gz: {error}") from error
    except (ValueError, KeyError, AttributeError) as error:
        raise ProtocolError(f"its metadata.json lacks {error}") from error
    if not has_code:
        raise ProtocolError("it has no code.tar.gz")
    if not isinstance(label, str) or not isinstance(kind, str) or not _LABEL.fullmatch(label):
        raise ProtocolError(f"{label!r} is no label of a chaincode package")
    return PackageInfo(package_id(label, package), label, kind)


def package_id(label: str, package: bytes) -> str:
    """The id under which peers know a package."""
    return f"{label}:{sha256(package).hexdigest()}"


def _inspect(package: bytes) -> tuple[bytes, bool]:
    """The package's metadata, and whether it has code."""
    metadata, has_code, room = b"{}", False, MAX_SIZE
    with tarfile.open(fileobj=io.BytesIO(package), mode="r:gz") as archive:
        for member in archive:
            room -= member.size
            if room < 0:
                raise OSError("the files are too large")
            file = archive.extractfile(member) if member.isfile() else None
            if file and member.name == "metadata.json":
                metadata = file.read()
            has_code = has_code or member.name == "code.tar.gz"
    return metadata, has_code


def _archive(files: Mapping[str, bytes]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8") as archive:
        for name, data in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return stored_gzip(plain.getvalue())
