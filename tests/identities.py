"""Identities that the network must refuse, made with throw-away keys; each is a profile for commands."""

import json
from datetime import timedelta
from pathlib import Path

from network.authority import Authority, KeyPair
from network.folder import Folder


def foreign_user(folder: Folder, home: Path) -> Path:
    """An issuer of the city, says an authority that nobody knows."""
    authority = Authority.create("City", "ca.city")
    return _profile(folder, home, authority.issue_identity("issuer-01", unit="client", attributes=_ISSUER))


def expired_user(folder: Folder, home: Path) -> Path:
    """An issuer of the city whose certificate has expired."""
    city = folder.organisation("City") / "ca"
    authority = Authority.load(city / "ca.key", city / "ca.crt")
    lifetime = timedelta(days=-1)
    return _profile(
        folder, home, authority.issue_identity("issuer-01", unit="client", attributes=_ISSUER, lifetime=lifetime)
    )


_ISSUER = {"certledger.role": "issuer"}


def _profile(folder: Folder, home: Path, identity: KeyPair) -> Path:
    home.mkdir(parents=True)
    identity.write(home / "key.pem", home / "cert.pem")
    connection = json.loads((folder.organisation("City") / "connection.json").read_text())
    connection["organizations"]["City"]["users"] = {
        "stranger": {"cert": str(home / "cert.pem"), "private_key": str(home / "key.pem")}
    }
    (home / "connection.json").write_text(json.dumps(connection))
    profile = {
        "name": "stranger",
        "organisation": "City",
        "user": "stranger",
        "connection": str(home / "connection.json"),
        "trust": str(folder.path / "trust.json"),
        "register": str(home / "register.db"),
    }
    path = home / "profile.json"
    path.write_text(json.dumps(profile))
    return path
