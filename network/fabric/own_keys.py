"""The keys and certificates that a site's nodes need, read before the nodes start.

Fabric's nodes end without naming the file, and others are asked again and again by somebody whose own key is damaged.
"""

from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from network.errors import FolderError
from network.fabric.nodes import OPERATOR_KEYS, REGISTRY_KEYS, orderers, peer
from network.folder import Folder
from network.topology import Organisation, Topology

MEND = "put the file back from a backup of the site"


def check_keys(folder: Folder, topology: Topology) -> None:
    """Read what the nodes of a folder need.

    Raises:
        FolderError: a file is missing or damaged, or a key is not that of its certificate.
    """
    for one in topology.organisations:
        _certificate(folder.organisation(one.name) / "tlsca" / "tlsca.crt")
    for one in folder.residents(topology):
        home = folder.organisation(one.name)
        for name in (OPERATOR_KEYS, REGISTRY_KEYS):
            _certificate(home / name / "ca.crt")
        for key, certificate in _pairs(home, one):
            _check_pair(key, certificate)


def _pairs(home: Path, organisation: Organisation) -> Iterator[tuple[Path, Path]]:
    """Every key with its certificate."""
    for node in (*orderers(organisation), peer(organisation)):
        yield home / node.keys / "tls" / "server.key", home / node.keys / "tls" / "server.crt"
        yield _signing(home / node.keys / "msp")
    yield _signing(home / "users" / "admin" / "msp")
    yield home / OPERATOR_KEYS / "client.key", home / OPERATOR_KEYS / "client.crt"
    for name in ("server", "client"):
        yield home / REGISTRY_KEYS / f"{name}.key", home / REGISTRY_KEYS / f"{name}.crt"


def _signing(msp: Path) -> tuple[Path, Path]:
    return msp / "keystore" / "key.pem", msp / "signcerts" / "cert.pem"


def _check_pair(key_path: Path, path: Path) -> None:
    try:
        key = serialization.load_pem_private_key(_read(key_path), None)
    except (ValueError, TypeError) as error:
        raise FolderError(f"{key_path} is damaged: {error}", MEND) from error
    if key.public_key() != _certificate(path).public_key():
        raise FolderError(f"the key {key_path} is not that of its certificate", MEND)


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(_read(path))
    except ValueError as error:
        raise FolderError(f"{path} is damaged: {error}", MEND) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FolderError(f"{path} cannot be read: {error.strerror}", MEND) from error
