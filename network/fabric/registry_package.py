"""The registry as a service beside an organisation's peer: its package, and the process's environment."""

from hashlib import sha256
from pathlib import Path

from network.fabric.nodes import REGISTRY_KEYS, listening, registry
from network.folder import Folder
from network.registry import LABEL
from network.topology import Organisation
from node_client.durable import replace_file
from node_client.protocol.chaincode_package import ServiceTls, package_id, service_package


def registry_service_package(folder: Folder, organisation: Organisation) -> bytes:
    """The package that this organisation's peer installs. No other organisation's is the same: its peer's key is in it.

    It is made once for an address and keys, and kept beside them: peers know it by the digest of its bytes, and another
    version of this program might make others.

    Raises:
        OSError: a key cannot be read, or the package cannot be kept.
    """
    keys, address = _keys(folder, organisation), registry(organisation).address
    root, key, certificate = ((keys / name).read_bytes() for name in ("ca.crt", "client.key", "client.crt"))
    content = sha256(b"\0".join([address.encode(), root, key, certificate])).hexdigest()
    kept = keys / f"package-{content}.tar.gz"
    if not kept.exists():
        package = service_package(LABEL, address, ServiceTls(root=root, client_key=key, client_certificate=certificate))
        replace_file(kept, package, 0o600)
    return kept.read_bytes()


def registry_package_id(folder: Folder, organisation: Organisation) -> str:
    """The package's id. Raises OSError."""
    return package_id(LABEL, registry_service_package(folder, organisation))


def registry_environment(folder: Folder, organisation: Organisation) -> dict[str, str]:
    """The variables that the registry's process serves by (`chaincode.shim.runtime`). Raises OSError."""
    keys = _keys(folder, organisation)
    return {
        "CHAINCODE_ID": registry_package_id(folder, organisation),
        "CHAINCODE_SERVER_ADDRESS": listening(registry(organisation).address),
        "CHAINCODE_TLS_KEY": str(keys / "server.key"),
        "CHAINCODE_TLS_CERT": str(keys / "server.crt"),
        "CHAINCODE_CLIENT_CA_CERT": str(keys / "ca.crt"),
    }


def _keys(folder: Folder, organisation: Organisation) -> Path:
    return folder.organisation(organisation.name) / REGISTRY_KEYS
