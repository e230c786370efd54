"""Where an organisation's certificates are in its folder, and what each must say."""

from collections.abc import Iterable
from dataclasses import dataclass

from network.credential import Credential
from network.topology import Organisation

ROLES = ("admin", "issuer", "auditor", "verifier")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A private key and its certificate.

    Attributes:
        name: such as `peer.identity` or `users.issuer.tls`.
        folder: in the organisation's; of an MSP for an identity, of TLS keys otherwise.
        server: whether it is a TLS server's.
    """

    name: str
    folder: str
    credential: Credential

    @property
    def is_tls(self) -> bool:
        """Whether it is for TLS, and no identity."""
        return not self.credential.unit

    @property
    def key(self) -> str:
        """The key's file."""
        return f"{self.folder}/{self._tls_name}.key" if self.is_tls else f"{self.folder}/keystore/key.pem"

    @property
    def certificate(self) -> str:
        """The certificate's file."""
        return f"{self.folder}/{self._tls_name}.crt" if self.is_tls else f"{self.folder}/signcerts/cert.pem"

    @property
    def _tls_name(self) -> str:
        return "server" if self.credential.hosts else "client"


def node_places(organisation: Organisation) -> Iterable[Place]:
    """The places of an organisation's nodes."""
    nodes = [("peer", "peer", organisation.peer_name, organisation.peer)]
    nodes += [("orderer", one.folder, one.name, one.address) for one in organisation.orderers]
    for unit, folder, name, address in nodes:
        host = address.rpartition(":")[0]
        hosts = tuple(dict.fromkeys([host, name, "localhost", "127.0.0.1"]))
        identity = Credential(common_name=name, unit=unit)
        yield Place(name=f"{folder}.identity", folder=f"{folder}/msp", credential=identity)
        yield Place(name=f"{folder}.tls", folder=f"{folder}/tls", credential=Credential(common_name=name, hosts=hosts))


def user_places(name: str, role: str) -> Iterable[Place]:
    """The places of a person or a program of an organisation."""
    unit = "admin" if role == "admin" else "client"
    attributes = {"certledger.role": role} if role != "admin" else {}
    identity = Credential(common_name=pseudonym(name), unit=unit, attributes=attributes)
    yield Place(name=f"users.{name}.identity", folder=f"users/{name}/msp", credential=identity)
    tls = Credential(common_name=pseudonym(name))
    yield Place(name=f"users.{name}.tls", folder=f"users/{name}/tls", credential=tls)


def pseudonym(name: str) -> str:
    """What certificates say of a user: contracts and blocks know callers by it."""
    return name if any(c.isdigit() for c in name) else f"{name}-01"
