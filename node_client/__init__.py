"""A client of Hyperledger Fabric networks.

    from node_client import Gateway, Identity, KeySigner

Names are imported when they are used: importing the package itself costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from node_client.errors import (
        CommitError,
        CommitStatusError,
        EndorseError,
        EvaluateError,
        EventsError,
        FabricError,
        GatewayError,
        PeerDetail,
        ProfileError,
        ProposalError,
        SubmitError,
    )
    from node_client.gateway._async.gateway import AsyncGateway
    from node_client.gateway._sync.gateway import Gateway
    from node_client.gateway.checkpointer import FileCheckpointer, MemoryCheckpointer
    from node_client.gateway.options import Deadlines, Endpoint, GatewayOptions
    from node_client.gateway.requests import ChaincodeEvent, Status
    from node_client.identity.hash import Hash
    from node_client.identity.identity import Identity
    from node_client.identity.profile import ConnectionProfile
    from node_client.identity.signer import KeySigner, Signer

_HOMES = {
    "AsyncGateway": "node_client.gateway._async.gateway",
    "ChaincodeEvent": "node_client.gateway.requests",
    "CommitError": "node_client.errors",
    "CommitStatusError": "node_client.errors",
    "ConnectionProfile": "node_client.identity.profile",
    "Deadlines": "node_client.gateway.options",
    "EndorseError": "node_client.errors",
    "Endpoint": "node_client.gateway.options",
    "EvaluateError": "node_client.errors",
    "EventsError": "node_client.errors",
    "FabricError": "node_client.errors",
    "FileCheckpointer": "node_client.gateway.checkpointer",
    "Gateway": "node_client.gateway._sync.gateway",
    "GatewayError": "node_client.errors",
    "GatewayOptions": "node_client.gateway.options",
    "Hash": "node_client.identity.hash",
    "Identity": "node_client.identity.identity",
    "KeySigner": "node_client.identity.signer",
    "MemoryCheckpointer": "node_client.gateway.checkpointer",
    "PeerDetail": "node_client.errors",
    "ProfileError": "node_client.errors",
    "ProposalError": "node_client.errors",
    "Signer": "node_client.identity.signer",
    "Status": "node_client.gateway.requests",
    "SubmitError": "node_client.errors",
}

__all__ = [
    "AsyncGateway",
    "ChaincodeEvent",
    "CommitError",
    "CommitStatusError",
    "ConnectionProfile",
    "Deadlines",
    "EndorseError",
    "Endpoint",
    "EvaluateError",
    "EventsError",
    "FabricError",
    "FileCheckpointer",
    "Gateway",
    "GatewayError",
    "GatewayOptions",
    "Hash",
    "Identity",
    "KeySigner",
    "MemoryCheckpointer",
    "PeerDetail",
    "ProfileError",
    "ProposalError",
    "Signer",
    "Status",
    "SubmitError",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__} has no attribute {name}")
