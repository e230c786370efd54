"""Keys for links that are nobody else's business.

A TLS certificate under an organisation's TLS authority says that somebody belongs to the organisation, clerks included.
That is not enough to remove a channel from an orderer, or to be the peer of a chaincode. These two links have an
authority each that signs what the link needs and is then forgotten: its key is never written.

<Organisation>/
    operator/     ca.crt, client.*            who may use the orderer's admin endpoint and the operations endpoints
    registry/     ca.crt, server.*, client.*  the registry, and the peer that dials it
"""

from pathlib import Path

from network.authority import Authority
from network.fabric.nodes import OPERATOR_KEYS, REGISTRY_KEYS
from network.topology import Organisation


def create_links(folder: Path, organisation: Organisation) -> None:
    """Make both links' keys in an organisation's folder."""
    operator = Authority.create(organisation.name, f"operator-ca.{organisation.label}")
    _write(folder / OPERATOR_KEYS, operator, "client", f"operator.{organisation.label}", [])
    registry = Authority.create(organisation.name, f"registry-ca.{organisation.label}")
    host = organisation.peer.rpartition(":")[0]
    hosts = list(dict.fromkeys([host, "localhost", "127.0.0.1"]))
    _write(folder / REGISTRY_KEYS, registry, "server", f"registry.{organisation.label}", hosts)
    _write(folder / REGISTRY_KEYS, registry, "client", organisation.peer_name, [])


def _write(folder: Path, authority: Authority, kind: str, name: str, hosts: list[str]) -> None:
    authority.issue_tls(name, hosts).write(folder / f"{kind}.key", folder / f"{kind}.crt")
    (folder / "ca.crt").write_bytes(authority.pair.certificate)
