"""The registry as a service beside an organisation's peer: its package, and the process's environment."""

from pathlib import Path

from network.fabric.nodes import REGISTRY_KEYS, listening, registry
from network.folder import Folder
from network.registry import LABEL
from network.topology import Organisation
from node_client.protocol.chaincode_package import ServiceTls, package_id, service_package


def registry_service_package(folder: Folder, organisation: Organisation) -> bytes:
    """The package that this organisation's peer installs. No other organisation's is the same: its peer's key is in it.

    Raises:
        OSError: a key cannot be read.
    """
    keys = _keys(folder, organisation)
    tls = ServiceTls(
        root=(keys / "ca.crt").read_bytes(),
        client_key=(keys / "client.key").read_bytes(),
        client_certificate=(keys / "client.crt").read_bytes(),
    )
    return service_package(LABEL, registry(organisation).address, tls)


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
