"""Profiles: how clients reach the network, and as whom.

A connection profile is for any client: JSON in the form that hfc-style readers know. A peer's `url` is for clients that
show no TLS certificate; a client that shows one uses `mutualTlsUrl` in its place, with the same CA certificate and
options. It is a field of the peer and not a peer of its own, lest readers take it for another one that could endorse.

A user profile is for our own commands: an organisation, a user, and where the connection profile, the trust file and
the register are.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from network.crypto import user_names
from network.errors import NetworkError
from network.folder import Engine, Folder
from network.topology import CHANNEL, Organisation, Topology
from node_client.durable import make_folder, replace_file

CURRENT = "current"


def connection_profile(folder: Folder, organisation: Organisation) -> dict[str, Any]:
    """The connection profile of an organisation: everyone's addresses, its own users' keys. Paths are absolute."""
    topology = folder.topology()
    return {
        "channel": CHANNEL,
        "organizations": {
            one.name: _organisation(folder, one, with_users=one == organisation) for one in topology.organisations
        },
        "peers": {one.peer_name: _peer(folder, one) for one in topology.organisations},
        "orderers": {
            place.name: _node(folder, one, place.address) for one in topology.organisations for place in one.orderers
        },
    }


def _organisation(folder: Folder, organisation: Organisation, *, with_users: bool) -> dict[str, Any]:
    home = folder.organisation(organisation.name)
    users = user_names(home) if with_users else []
    return {
        "mspid": organisation.msp_id,
        "peers": [organisation.peer_name],
        "orderers": [place.name for place in organisation.orderers],
        "ca": {"cert": str(home / "ca" / "ca.crt")},
        "users": {name: _user(home / "users" / name) for name in users},
    }


def _user(home: Path) -> dict[str, Any]:
    return {
        "cert": str(home / "msp" / "signcerts" / "cert.pem"),
        "private_key": str(home / "msp" / "keystore" / "key.pem"),
        "msp": str(home / "msp"),
        "tls": {"cert": str(home / "tls" / "client.crt"), "private_key": str(home / "tls" / "client.key")},
    }


def _peer(folder: Folder, organisation: Organisation) -> dict[str, Any]:
    node = _node(folder, organisation, organisation.peer)
    return {"url": node.pop("url"), "mutualTlsUrl": f"grpcs://{mutual_tls_peer(folder, organisation)}", **node}


def mutual_tls_peer(folder: Folder, organisation: Organisation) -> str:
    """Where an organisation's peer takes a client's TLS certificate: Fabric's peers ask for one at their only port."""
    return organisation.peer if folder.engine is Engine.FABRIC else organisation.mutual_tls_peer


def _node(folder: Folder, organisation: Organisation, address: str) -> dict[str, Any]:
    root = folder.organisation(organisation.name) / "tlsca" / "tlsca.crt"
    return {
        "url": f"grpcs://{address}",
        "tlsCACerts": {"path": str(root)},
        "grpcOptions": {"ssl-target-name-override": address.rpartition(":")[0]},
    }


def peer_environment(
    folder: Folder, organisation: Organisation, user: str = "admin", *, mutual_tls: bool = False
) -> dict[str, str]:
    """The variables with which Fabric's `peer` command works as a user of an organisation.

    Args:
        mutual_tls: use the peer's port that demands the user's TLS certificate.

    Raises:
        NetworkError: there is no such user.
    """
    home = folder.organisation(organisation.name)
    if not (home / "users" / user).is_dir():
        raise NetworkError(f"{organisation.name} has no user {user}", f"look into {home / 'users'}")
    tls = home / "users" / user / "tls"
    return {
        "CORE_PEER_ADDRESS": mutual_tls_peer(folder, organisation) if mutual_tls else organisation.peer,
        "CORE_PEER_LOCALMSPID": organisation.msp_id,
        "CORE_PEER_MSPCONFIGPATH": str(home / "users" / user / "msp"),
        "CORE_PEER_TLS_ENABLED": "true",
        "CORE_PEER_TLS_ROOTCERT_FILE": str(home / "tlsca" / "tlsca.crt"),
        "CORE_PEER_TLS_CLIENTAUTHREQUIRED": str(mutual_tls).lower(),
        "CORE_PEER_TLS_CLIENTCERT_FILE": str(tls / "client.crt"),
        "CORE_PEER_TLS_CLIENTKEY_FILE": str(tls / "client.key"),
    }


@dataclass(frozen=True)
class UserProfile:
    """Who our commands act as. Paths are absolute.

    Attributes:
        name: such as `city-issuer`.
        connection: the organisation's connection profile.
        trust: the trust file.
        register: the organisation's register.
    """

    name: str
    organisation: str
    user: str
    connection: Path
    trust: Path
    register: Path

    def to_dict(self) -> dict[str, str]:
        """The profile as it is written."""
        return {
            "name": self.name,
            "organisation": self.organisation,
            "user": self.user,
            "connection": str(self.connection),
            "trust": str(self.trust),
            "register": str(self.register),
        }


def write_profiles(folder: Folder, topology: Topology) -> None:
    """Write the connection profile of every organisation here, and a profile for each of its users."""
    target = folder.path / "profiles"
    make_folder(target)
    residents = folder.residents(topology)
    for organisation in residents:
        home = folder.organisation(organisation.name)
        connection = connection_profile(folder, organisation)
        _write(home / "connection.json", json.dumps(connection, indent=2))
        for user in connection["organizations"][organisation.name]["users"]:
            profile = UserProfile(
                name=f"{organisation.label}-{user}",
                organisation=organisation.name,
                user=user,
                connection=home / "connection.json",
                trust=folder.path / "trust.json",
                register=home / "register.db",
            )
            _write(target / f"{profile.name}.json", json.dumps(profile.to_dict(), indent=2))
    current = target / CURRENT
    if not current.exists():
        _write(current, f"{residents[0].label}-issuer")


def _write(path: Path, text: str) -> None:
    """Write a file that others may be reading; when it is as it should be, it is left as it is."""
    data = f"{text}\n".encode()
    if not path.exists() or path.read_bytes() != data:
        replace_file(path, data)


def profile_names(folder: Folder) -> list[str]:
    """The names of the folder's profiles."""
    folder.require()
    return sorted(path.stem for path in (folder.path / "profiles").glob("*.json"))


def current_profile(folder: Folder) -> str:
    """The name of the profile that is used when none is named."""
    folder.require()
    try:
        return (folder.path / "profiles" / CURRENT).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def use_profile(folder: Folder, name: str) -> None:
    """Make a profile the one that is used when none is named. Raises NetworkError when there is none of this name."""
    load_profile(folder, name)
    _write(folder.path / "profiles" / CURRENT, name)


def load_profile(folder: Folder, name: str = "") -> UserProfile:
    """A profile by its name or its file's path; the current one by default.

    Raises:
        NetworkError: there is none, or it cannot be read.
    """
    if name.endswith(".json"):
        path = Path(name)
    else:
        folder.require()
        path = folder.path / "profiles" / f"{name or current_profile(folder)}.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        base = path.absolute().parent
        return UserProfile(
            name=values["name"],
            organisation=values["organisation"],
            user=values["user"],
            connection=base / values["connection"],
            trust=base / values["trust"],
            register=base / values["register"],
        )
    except OSError as error:
        raise NetworkError(
            f"there is no profile {name or path.stem}", "list them with: certledger profile list"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise NetworkError(f"{path} is not a profile") from error
