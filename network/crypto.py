"""An organisation's keys, certificates and MSP folders, made in its own folder.

<Organisation>/
    ca/  tlsca/            the certificate authorities
    msp/                   the organisation's MSP: public, part of the channel's configuration
    peer/  orderer/        msp/ and tls/ of its nodes; orderer1/ of a second orderer
    users/<name>/          msp/ and tls/ of its people and programs, under pseudonyms
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from network.authority import LIFETIME, Authority
from network.errors import FolderError, NetworkError
from network.places import ROLES, Place, node_places, pseudonym, user_places
from network.topology import Organisation
from node_client.durable import make_folder, sync_folder, sync_tree

UNITS = {role: role for role in ("client", "peer", "admin", "orderer")}


def msp_config(units: Mapping[str, str]) -> str:
    """An MSP's config.yaml: the organisational unit of each role."""
    lines = [
        f"  {role.capitalize()}OUIdentifier:\n    OrganizationalUnitIdentifier: {json.dumps(unit)}\n"
        for role, unit in units.items()
    ]
    return "NodeOUs:\n  Enable: true\n" + "".join(lines)


@dataclass(frozen=True)
class AuthorityCertificates:
    """The certificates of the authorities above an organisation's own, PEM."""

    roots: Sequence[bytes]
    tls_roots: Sequence[bytes]
    intermediates: Sequence[bytes] = ()
    tls_intermediates: Sequence[bytes] = ()

    def write_msp(self, folder: Path) -> None:
        """Write an MSP folder without an identity. Raises OSError."""
        for name, pems in (
            ("cacerts", self.roots),
            ("intermediatecerts", self.intermediates),
            ("tlscacerts", self.tls_roots),
            ("tlsintermediatecerts", self.tls_intermediates),
        ):
            for number, pem in enumerate(pems, start=1):
                _write(folder / name / f"ca-{number:02}.pem", pem)
        _write(folder / "config.yaml", msp_config(UNITS).encode())

    def write_above(self, home: Path, place: Place) -> None:
        """Write what stands beside a key and its certificate in an organisation's folder. Raises OSError."""
        if place.is_tls:
            _write(home / place.folder / "ca.crt", b"".join((*self.tls_roots, *self.tls_intermediates)))
        else:
            self.write_msp(home / place.folder)


@dataclass(frozen=True)
class OwnAuthorities:
    """An organisation's own certificate authorities, with their keys."""

    ca: Authority
    tls_ca: Authority

    @classmethod
    def load(cls, home: Path) -> "OwnAuthorities":
        """Those of an organisation's folder. Raises FolderError: they are not here."""
        try:
            ca = Authority.load(home / "ca" / "ca.key", home / "ca" / "ca.crt")
            return cls(ca, Authority.load(home / "tlsca" / "tlsca.key", home / "tlsca" / "tlsca.crt"))
        except (OSError, ValueError) as error:
            raise FolderError(f"the organisation's certificate authority cannot be read: {error}") from error

    @property
    def certificates(self) -> AuthorityCertificates:
        """Their certificates."""
        return AuthorityCertificates([self.ca.pair.certificate], [self.tls_ca.pair.certificate])

    def of(self, place: Place) -> Authority:
        """The one that issues what belongs into a place."""
        return self.tls_ca if place.is_tls else self.ca

    def fill(self, home: Path, places: Iterable[Place], lifetime: timedelta = LIFETIME) -> None:
        """Make the keys and certificates of places. Raises OSError."""
        for place in places:
            pair = self.of(place).issue(place.credential, lifetime)
            pair.write(home / place.key, home / place.certificate)
            self.certificates.write_above(home, place)


def create_organisation(folder: Path, organisation: Organisation) -> None:
    """Make everything an organisation needs, with one user for every role.

    Args:
        folder: the organisation's folder; made here, with nothing in it before.
    """
    folder.mkdir(mode=0o700)
    ca = Authority.create(organisation.name, f"ca.{organisation.label}")
    tls_ca = Authority.create(organisation.name, f"tlsca.{organisation.label}")
    ca.pair.write(folder / "ca" / "ca.key", folder / "ca" / "ca.crt")
    tls_ca.pair.write(folder / "tlsca" / "tlsca.key", folder / "tlsca" / "tlsca.crt")
    authorities = OwnAuthorities(ca, tls_ca)
    authorities.certificates.write_msp(folder / "msp")
    authorities.fill(folder, node_places(organisation))
    for role in ROLES:
        create_user(folder, role, role)


def create_user(folder: Path, name: str, role: str, *, lifetime: timedelta = LIFETIME) -> None:
    """Make an identity for a person or a program.

    Args:
        folder: the organisation's folder.
        name: its name in the folder, a pseudonym such as `issuer-02`.
        role: admin, issuer, auditor or verifier.
        lifetime: of its certificates.

    Raises:
        NetworkError: the role or the name cannot be used, or the name or its pseudonym is taken.
        FolderError: the organisation's certificate authority is not here.
        OSError: the user's folder cannot be written; nothing of it is left.
    """
    if role not in ROLES:
        raise NetworkError(f"there is no role {role}", f"use one of: {', '.join(ROLES)}")
    if (
        not name
        or len(name) > 40
        or not all(c.isascii() and (c.isalnum() or c in "-.") for c in name)
        or name[0] in "-."
    ):
        raise NetworkError(
            "a user's name has letters, digits, hyphens and dots only",
            "choose a pseudonym such as issuer-02, never a person's name: it stays in blocks for ever",
        )
    target = folder / "users" / name
    if target.exists():
        raise NetworkError(f"the user {name} exists already")
    own = pseudonym(name)
    for other in user_names(folder):
        # Contracts know their callers by subject and issuer: two users of one subject would be one to them.
        if pseudonym(other) == own:
            raise NetworkError(f"the user {other} has the pseudonym {own} already", "choose another name")
    authorities = OwnAuthorities.load(folder)
    make_folder(target.parent)
    temporary = Path(mkdtemp(prefix=f".{name}-", dir=target.parent))
    try:
        authorities.fill(temporary, user_places(name, role), lifetime)
        made = temporary / "users" / name
        sync_tree(made)
        made.rename(target)
        sync_folder(target.parent)
    finally:
        rmtree(temporary, ignore_errors=True)


def user_names(folder: Path) -> list[str]:
    """The names of an organisation's users, sorted."""
    users = folder / "users"
    if not users.is_dir():
        return []
    return sorted(path.name for path in users.iterdir() if path.is_dir() and not path.name.startswith("."))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
