"""What the network's nodes show of themselves, checked before they serve: whole, their own, and valid now."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from network.embedded.signing import NodeIdentity
from network.errors import StartError
from network.msp_folder import msp_definition
from node_client.protocol.certificates import load_certificate, verify_signature
from node_client.protocol.errors import ProtocolError
from node_client.protocol.msp import Msp, MspManager

logger = logging.getLogger(__name__)

MEND = "put the file back, or make another network with --dir"


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Let what is wrong with a file of the network's folder be a StartError that names it."""
    try:
        yield
    except OSError as error:
        raise StartError(f"the network's folder cannot be used: {error}", MEND) from error
    except ValueError as error:
        raise StartError(f"{path} is damaged: {error}", MEND) from error


def node_identity(msp_id: str, folder: Path, managers: Sequence[MspManager]) -> NodeIdentity:
    """A node's identity and key, from its MSP folder.

    Args:
        managers: the channel's MSPs as they are, and as they were: a node whose certificate has been revoked or whose
            organisation has left since serves on, as Fabric's nodes do, and counts for nothing.

    Raises:
        StartError: they cannot be read, do not belong together or to the channel, or do not hold now.
    """
    with reading(folder):
        identity = NodeIdentity.load(msp_id, folder)
        certificate = load_certificate(identity.identity.certificate)
    require_valid_now(folder / "signcerts" / "cert.pem", certificate)
    failures = []
    for manager in managers:
        try:
            manager.valid_member(identity.serialized)
            break
        except ProtocolError as error:
            logger.warning("the channel does not admit the identity in %s: %s", folder, error)
            failures.append(error)
    else:
        raise StartError(f"the identity in {folder} is none of the channel's: {failures[0]}", MEND) from failures[0]
    if not verify_signature(certificate, identity.sign(b""), b""):
        raise StartError(f"the key in {folder} is not that of its certificate", MEND)
    return identity


def local_msp(msp_id: str, folder: Path) -> Msp:
    """An organisation's MSP as one of its nodes' own folders has it. Raises StartError."""
    with reading(folder):
        return Msp(msp_definition(folder, msp_id))


def tls_pair(folder: Path) -> tuple[bytes, bytes]:
    """The key and the certificate with which a node serves, PEM.

    Raises:
        StartError: they cannot be read, do not belong together, or do not hold now.
    """
    key_path, path = folder / "server.key", folder / "server.crt"
    with reading(key_path):
        key = key_path.read_bytes()
        public = serialization.load_pem_private_key(key, None).public_key()
    with reading(path):
        pem = path.read_bytes()
        certificate = x509.load_pem_x509_certificate(pem)
    if certificate.public_key() != public:
        raise StartError(f"the key {key_path} is not that of its certificate", MEND)
    require_valid_now(path, certificate)
    return key, pem


def require_valid_now(path: Path, certificate: x509.Certificate) -> None:
    """Check a certificate by this machine's clock. Raises StartError."""
    now = datetime.now(UTC)
    since, until = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now < since:
        raise StartError(
            f"the certificate {path} is valid from {since:%Y-%m-%d %H:%M} UTC, and the clock says "
            f"{now:%Y-%m-%d %H:%M} UTC",
            "set this machine's clock",
        )
    if now > until:
        raise StartError(
            f"the certificate {path} has expired, on {until:%Y-%m-%d}",
            "set this machine's clock if it is wrong; else make another network with --dir",
        )
