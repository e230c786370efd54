"""An organisation's keys, certificates and MSP folders, made in its own folder.

<Organisation>/
    ca/  tlsca/            the certificate authorities
    msp/                   the organisation's MSP: public, part of the channel's configuration
    peer/  orderer/        msp/ and tls/ of its nodes; orderer1/ of a second orderer
    users/<name>/          msp/ and tls/ of its people and programs, under pseudonyms
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from network.authority import LIFETIME, Authority, KeyPair
from network.errors import FolderError, NetworkError
from network.topology import Organisation
from node_client.durable import make_folder, sync_folder, sync_tree

ROLES = ("admin", "issuer", "auditor", "verifier")

UNITS = {role: role for role in ("client", "peer", "admin", "orderer")}


def msp_config(units: Mapping[str, str]) -> str:
    """An MSP's config.yaml: the organisational unit of each role."""
    lines = [
        f"  {role.capitalize()}OUIdentifier:\n    OrganizationalUnitIdentifier: {json.dumps(unit)}\n"
        for role, unit in units.items()
    ]
    return "NodeOUs:\n  Enable: true\n" + "".join(lines)


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
    _write_msp(folder / "msp", ca, tls_ca)
    nodes = [("peer", "peer", organisation.peer_name, organisation.peer)]
    nodes += [("orderer", place.folder, place.name, place.address) for place in organisation.orderers]
    for unit, place, name, address in nodes:
        host = address.rpartition(":")[0]
        hosts = list(dict.fromkeys([host, name, "localhost", "127.0.0.1"]))
        _write_msp(folder / place / "msp", ca, tls_ca, ca.issue_identity(name, unit=unit))
        _write_tls(folder / place / "tls", "server", tls_ca.issue_tls(name, hosts), tls_ca)
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
    pseudonym = _pseudonym(name)
    for other in user_names(folder):
        # Contracts know their callers by subject and issuer: two users of one subject would be one to them.
        if _pseudonym(other) == pseudonym:
            raise NetworkError(f"the user {other} has the pseudonym {pseudonym} already", "choose another name")
    try:
        ca = Authority.load(folder / "ca" / "ca.key", folder / "ca" / "ca.crt")
        tls_ca = Authority.load(folder / "tlsca" / "tlsca.key", folder / "tlsca" / "tlsca.crt")
    except (OSError, ValueError) as error:
        raise FolderError(f"the organisation's certificate authority cannot be read: {error}") from error
    unit = "admin" if role == "admin" else "client"
    attributes = {"certledger.role": role} if role != "admin" else {}
    identity = ca.issue_identity(pseudonym, unit=unit, attributes=attributes, lifetime=lifetime)
    make_folder(target.parent)
    temporary = Path(mkdtemp(prefix=f".{name}-", dir=target.parent))
    try:
        _write_msp(temporary / "msp", ca, tls_ca, identity)
        _write_tls(temporary / "tls", "client", tls_ca.issue_tls(pseudonym, lifetime=lifetime), tls_ca)
        sync_tree(temporary)
        temporary.rename(target)
        sync_folder(target.parent)
    finally:
        rmtree(temporary, ignore_errors=True)


def user_names(folder: Path) -> list[str]:
    """The names of an organisation's users, sorted."""
    users = folder / "users"
    if not users.is_dir():
        return []
    return sorted(path.name for path in users.iterdir() if path.is_dir() and not path.name.startswith("."))


def _pseudonym(name: str) -> str:
    return name if any(c.isdigit() for c in name) else f"{name}-01"


def _write_msp(folder: Path, ca: Authority, tls_ca: Authority, identity: KeyPair | None = None) -> None:
    for name, pem in (("cacerts/ca.pem", ca.pair.certificate), ("tlscacerts/tlsca.pem", tls_ca.pair.certificate)):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pem)
    (folder / "config.yaml").write_text(msp_config(UNITS), encoding="utf-8")
    if identity:
        identity.write(folder / "keystore" / "key.pem", folder / "signcerts" / "cert.pem")


def _write_tls(folder: Path, name: str, pair: KeyPair, tls_ca: Authority) -> None:
    pair.write(folder / f"{name}.key", folder / f"{name}.crt")
    (folder / "ca.crt").write_bytes(tls_ca.pair.certificate)
