"""Connection profiles: who is on a network, where, and with which certificates.

JSON as `certledger network profile` prints it and hfc-style readers expect it:
`channel`; `organizations.ORG.{mspid, peers, users.NAME.{cert, private_key}}`; `peers.NAME.{url, tlsCACerts.path,
grpcOptions}`. Paths are absolute or relative to the profile's folder; `pem` may stand for `path`. Where a peer demands
a client's TLS certificate at another address than its `url`, that is its `mutualTlsUrl`.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from node_client.errors import ProfileError
from node_client.gateway.options import Endpoint
from node_client.identity.identity import Identity
from node_client.identity.signer import KeySigner


@dataclass(frozen=True)
class ConnectionProfile:
    """A connection profile, read."""

    content: dict[str, Any]
    folder: Path

    @classmethod
    def load(cls, path: Path) -> "ConnectionProfile":
        """Read a profile's file.

        Raises:
            ProfileError: it cannot be read, or is not JSON.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ProfileError(f"the connection profile cannot be read: {error}") from error
        except ValueError as error:
            raise ProfileError(f"{path} is not a connection profile: {error}") from error
        if not isinstance(content, dict):
            raise ProfileError(f"{path} is not a connection profile")
        return cls(content, path.parent)

    @property
    def channel(self) -> str:
        """The channel that it is for."""
        return str(self._get("channel"))

    def msp_id(self, organisation: str) -> str:
        """An organisation's MSP id."""
        return str(self._get("organizations", organisation, "mspid"))

    def peers(self) -> list[tuple[str, str]]:
        """Every organisation's peers: the organisation's name, and the peer's."""
        organisations = self._get("organizations")
        return [(name, str(peer)) for name in organisations for peer in self._get("organizations", name, "peers")]

    def peers_of(self, organisation: str) -> tuple[str, ...]:
        """The names of the organisation's peers. Raises ProfileError when there are none."""
        names = self._get("organizations", organisation, "peers")
        self._get("organizations", organisation, "peers", 0)
        return tuple(str(name) for name in names)

    def endpoint(self, organisation: str, peer: str = "", *, user: str = "") -> Endpoint:
        """A peer of the organisation, its first one unless named; with a user, using that user's TLS certificate."""
        peer = peer or str(self._get("organizations", organisation, "peers", 0))
        tls = ("organizations", organisation, "users", user, "tls")
        has_tls = bool(user and self._get(*tls[:-1]) and self._get(*tls, optional=True))
        mutual = self._get("peers", peer, "mutualTlsUrl", optional=True) if has_tls else None
        url = str(mutual or self._get("peers", peer, "url"))
        endpoint = self._node("peers", peer, url)
        if not has_tls:
            return endpoint
        return replace(
            endpoint,
            client_certificate=self._read(self._get(*tls, "cert")),
            client_key=self._read(self._get(*tls, "private_key")),
        )

    def _node(self, kind: str, name: str, url: str) -> Endpoint:
        scheme, _, address = url.rpartition("://")
        if scheme not in ("grpc", "grpcs"):
            raise ProfileError(f"the connection profile has the address {url}: write grpcs://host:port")
        options = self._get(kind, name, "grpcOptions", optional=True)
        server_name = options.get("ssl-target-name-override") if isinstance(options, dict) else None
        return Endpoint(
            address=address,
            tls_roots=self._material(kind, name, "tlsCACerts") if scheme == "grpcs" else None,
            server_name=str(server_name or ""),
        )

    def orderer(self, organisation: str, orderer: str = "") -> Endpoint:
        """An orderer of the organisation, its first one unless named."""
        orderer = orderer or str(self._get("organizations", organisation, "orderers", 0))
        return self._node("orderers", orderer, str(self._get("orderers", orderer, "url")))

    def identity(self, organisation: str, user: str) -> Identity:
        """A user's identity."""
        path = self._get("organizations", organisation, "users", user, "cert")
        return Identity(self.msp_id(organisation), self._read(path))

    def signer(self, organisation: str, user: str) -> KeySigner:
        """A user's signer, where the profile has the key."""
        path = self._get("organizations", organisation, "users", user, "private_key")
        try:
            return KeySigner.from_pem(self._read(path))
        except ValueError as error:
            raise ProfileError(f"the key of {user} cannot be used: {error}") from error

    def _get(self, *path: str | int, optional: bool = False) -> Any:
        """What is at a place in the profile; with `optional`, None where the last part of the place is missing."""
        found: Any = self.content
        for number, part in enumerate(path, start=1):
            known = part in found if isinstance(found, dict) else isinstance(found, list) and part in range(len(found))
            if known:
                found = found[part]
            elif optional and isinstance(found, dict) and number == len(path):
                return None
            else:
                raise ProfileError(f"the connection profile lacks {'.'.join(str(one) for one in path)}")
        return found

    def _material(self, *path: str) -> bytes:
        pem = self._get(*path, "pem", optional=True)
        return str(pem).encode() if pem is not None else self._read(self._get(*path, "path"))

    def _read(self, path: object) -> bytes:
        try:
            return (self.folder / str(path)).read_bytes()
        except (OSError, ValueError) as error:
            raise ProfileError(f"the connection profile names a file that cannot be read: {error}") from error
