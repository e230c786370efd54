"""Certificates made anew before they expire, under the same authority and for the same keys.

The keys stay because the others know orderers by them: Raft's consenters find each other by the public key of the TLS
certificate in the channel's configuration, BFT's by that of the identity as well (`CertificatesWithSamePublicKey` in
Fabric's `common/crypto`). So nothing changes in the channel. Who must have other keys, for others may know these, makes
another identity and revokes this one.

The two links that nobody else knows of, an operator's to its nodes and a peer's to its registry, have authorities whose
keys were never kept: they are made anew as a whole, and the peer's package of the registry with them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from cryptography import x509

from network.crypto import OwnAuthorities
from network.errors import FolderError
from network.fabric.keys import create_links
from network.fabric.nodes import OPERATOR_KEYS, REGISTRY_KEYS
from network.topology import Organisation
from node_client.durable import replace_file, sync_tree

_OWN = ("ca", "tlsca")  # authorities, which outlive what they issue


@dataclass(frozen=True)
class Renewed:
    """A certificate that was made anew.

    Attributes:
        file: relative to the organisation's folder.
        before, after: when the old one expires, and the new one.
    """

    file: Path
    before: datetime
    after: datetime


def is_own_authority(home: Path) -> bool:
    """Whether an organisation's certificates are its own authority's, and not one's outside."""
    return (home / "ca" / "ca.key").exists()


def renew(home: Path, organisation: Organisation) -> list[Renewed]:
    """Make the certificates of an organisation's nodes and users anew, as far as they are its own authorities'.

    Args:
        home: the organisation's folder.

    Raises:
        FolderError: its certificate authority cannot be read, or a certificate cannot be read or written.
    """
    done: list[Renewed] = []
    try:
        if is_own_authority(home):
            authorities = OwnAuthorities.load(home)
            done += [_renew(home, path, authorities) for path in _certificates(home)]
        if (home / OPERATOR_KEYS).is_dir():
            done += _renew_links(home, organisation)
    except (OSError, ValueError) as error:
        raise FolderError(f"the certificates of {organisation.name} cannot be made anew: {error}") from error
    return done


def _renew(home: Path, path: Path, authorities: OwnAuthorities) -> Renewed:
    old = x509.load_pem_x509_certificate(path.read_bytes())
    authority = authorities.ca if path.parent.name == "signcerts" else authorities.tls_ca
    if not authority.has_issued(old):
        raise FolderError(f"{path} is not of this organisation's own authority", "ask where it came from")
    data = authority.renew(old)
    replace_file(path, data)
    return _renewed(home, path, old, data)


def _certificates(home: Path) -> Iterator[Path]:
    """The certificates of nodes and users."""
    for folder in sorted([*home.glob("*"), *home.glob("users/*")]):
        if folder.name in (*_OWN, OPERATOR_KEYS, REGISTRY_KEYS):
            continue
        yield from sorted(folder.glob("msp/signcerts/*.pem"))
        yield from sorted(path for path in folder.glob("tls/*.crt") if path.name != "ca.crt")


def _renew_links(home: Path, organisation: Organisation) -> list[Renewed]:
    temporary = Path(mkdtemp(prefix=".links-", dir=home))
    done = []
    try:
        create_links(temporary, organisation)
        sync_tree(temporary)
        for name in (OPERATOR_KEYS, REGISTRY_KEYS):
            for path in sorted((temporary / name).glob("*.crt")):
                old = x509.load_pem_x509_certificate((home / name / path.name).read_bytes())
                done.append(_renewed(temporary, path, old, path.read_bytes()))
            (home / name).rename(temporary / f"{name}-before")
            (temporary / name).rename(home / name)
    finally:
        rmtree(temporary, ignore_errors=True)
    return done


def _renewed(home: Path, path: Path, old: x509.Certificate, data: bytes) -> Renewed:
    new = x509.load_pem_x509_certificate(data)
    return Renewed(path.relative_to(home), old.not_valid_after_utc, new.not_valid_after_utc)
