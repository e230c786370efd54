"""Connection profiles: who is on a network, where, and with which certificates.

JSON as `certledger network profile` prints it and hfc-style readers expect it:
`channel`; `organizations.ORG.{mspid, peers, users.NAME.{cert, private_key}}`; `peers.NAME.{url, tlsCACerts.path,
grpcOptions}`. Paths are absolute or relative to the profile's folder; `pem` may stand for `path`. Where a peer demands
a client's TLS certificate at another address than its `url`, that is its `mutualTlsUrl`.
"""

import json
from dataclasses import dataclass
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

    def endpoint(self, organisation: str, peer: str = "", *, user: str = "") -> Endpoint:
        """A peer of the organisation, its first one unless named; with a user, using that user's TLS certificate."""
        peer = peer or str(self._get("organizations", organisation, "peers", 0))
        node = self._get("peers", peer)
        url = str((user and node.get("mutualTlsUrl")) or self._get("peers", peer, "url"))
        scheme, _, address = url.rpartition("://")
        options = node.get("grpcOptions", {})
        tls = self._get("organizations", organisation, "users", user).get("tls", {}) if user else {}
        return Endpoint(
            address=address,
            tls_roots=self._material(self._get("peers", peer, "tlsCACerts")) if scheme == "grpcs" else None,
            server_name=str(options.get("ssl-target-name-override", "")),
            client_certificate=self._read(tls["cert"]) if tls else None,
            client_key=self._read(tls["private_key"]) if tls else None,
        )

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

    def _get(self, *path: str | int) -> Any:
        found: Any = self.content
        for part in path:
            try:
                found = found[part]
            except (KeyError, IndexError, TypeError):
                where = ".".join(str(one) for one in path)
                raise ProfileError(f"the connection profile lacks {where}") from None
        return found

    def _material(self, section: dict[str, str]) -> bytes:
        return section["pem"].encode() if "pem" in section else self._read(section["path"])

    def _read(self, path: str) -> bytes:
        try:
            return (self.folder / path).read_bytes()
        except OSError as error:
            raise ProfileError(f"the connection profile names a file that cannot be read: {error}") from error
