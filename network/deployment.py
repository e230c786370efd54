"""Putting a chaincode on the channel, for every organisation of a network on this machine."""

import re
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from network import agreement
from network.agreement import Party
from network.errors import ConfigurationError, NotRunning
from network.folder import Folder
from network.lock import holder
from network.registry import REGISTRY
from network.topology import CHANNEL
from network.waiting import Waiter
from node_client import ConnectionProfile, Gateway
from node_client.admin._sync.lifecycle import Lifecycle
from node_client.protocol.chaincode_package import service_package
from node_client.protocol.collection_config import encode_collections, read_collections
from node_client.protocol.errors import ProtocolError
from node_client.protocol.lifecycle import ChaincodeDefinition
from node_client.protocol.policy_dsl import parse_policy

# `core/chaincode/lifecycle/scc.go`
_NAME = re.compile(r"[a-zA-Z0-9]+([-_][a-zA-Z0-9]+)*")
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:]+\]|[a-zA-Z0-9.-]+):([0-9]{1,5})")


@dataclass(frozen=True)
class Deployed:
    """A chaincode that is on the channel."""

    sequence: int
    package_id: str


def deploy(
    folder: Folder,
    name: str,
    address: str,
    *,
    version: str = "1",
    policy: str = "",
    collections: Path | None = None,
    init_required: bool = False,
) -> Deployed:
    """Put a chaincode that runs as a service on the channel: install, approve and commit for every organisation.

    Args:
        address: `host:port` where it serves; every peer dials it.
        policy: its endorsement policy in Fabric's notation; the channel's own when empty.
        collections: a file with its private data collections, in the form of Fabric's `collections_config.json`.
        init_required: whether it must be initialised, once for each version, before it takes other transactions.

    Raises:
        NetworkError: an argument cannot be used, or the network does not run.
        FabricError: a peer or the channel refused.
    """
    topology = folder.topology()
    policy_bytes = _check(name, address, policy)
    collections_bytes = _collections(collections) if collections else b""
    if holder(folder.lock) is None:
        raise NotRunning("the network does not run", "start it with: certledger network up")
    label = f"{name}_{version}"
    package = service_package(label, address)
    with ExitStack() as stack:
        parties = []
        for organisation in topology.organisations:
            profile = ConnectionProfile.load(folder.organisation(organisation.name) / "connection.json")
            gateway = stack.enter_context(Gateway.from_profile(profile, organisation.name, "admin"))
            parties.append(Party(organisation.msp_id, Lifecycle(gateway, CHANNEL), package))
        sequence = parties[0].lifecycle.sequences().get(name, 0) + 1
        definition = ChaincodeDefinition(
            name=name,
            version=version,
            sequence=sequence,
            policy=policy_bytes,
            collections=collections_bytes,
            init_required=init_required,
        )
        waiter = Waiter()
        package_ids = agreement.install_and_approve(parties, label, definition, waiter)
        agreement.commit(parties, definition, waiter)
    return Deployed(sequence, package_ids[0])


def _collections(path: Path) -> bytes:
    try:
        return encode_collections(read_collections(path.read_bytes()))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    except ProtocolError as error:
        raise ConfigurationError(f"{path} does not say what collections there are: {error}") from error


def _check(name: str, address: str, policy: str) -> bytes:
    """Check the arguments. Returns the policy's bytes; empty for the channel's own."""
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"{name} is no name of a chaincode", "use letters and digits, joined by - or _")
    if name == REGISTRY:
        raise ConfigurationError("the registry is the network's own chaincode", "choose another name")
    found = _ADDRESS.fullmatch(address)
    if not found or not 0 < int(found[2]) < 65536:
        raise ConfigurationError(f"{address} is no address", "write it as host:port")
    try:
        return parse_policy(policy) if policy else b""
    except ProtocolError as error:
        raise ConfigurationError(f"the endorsement policy cannot be read: {error}") from error
