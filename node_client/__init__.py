"""A client of Hyperledger Fabric networks.

    from node_client import Gateway, Identity, KeySigner

Names are imported when they are used (PEP 562): importing the package itself costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from node_client.errors import (
        AdminError,
        CommitError,
        CommitStatusError,
        EndorseError,
        EvaluateError,
        EventsError,
        FabricError,
        GatewayClosed,
        GatewayError,
        NotSigned,
        PeerDetail,
        ProfileError,
        ProposalError,
        SubmitError,
    )
    from node_client.gateway._async.gateway import AsyncGateway
    from node_client.gateway._sync.gateway import Gateway
    from node_client.gateway.checkpointer import Checkpointer, FileCheckpointer, MemoryCheckpointer
    from node_client.gateway.deliver import BlockAndPrivateData, FilteredBlock, FilteredTransaction
    from node_client.gateway.options import Deadlines, Endpoint, GatewayOptions, Resume, Retry
    from node_client.gateway.pipeline import Outcome, Pipeline
    from node_client.gateway.requests import ChaincodeEvent, Status
    from node_client.identity.hash import Hash
    from node_client.identity.identity import Identity
    from node_client.identity.profile import ConnectionProfile
    from node_client.identity.signer import KeySigner, Signer

_HOMES = {
    "AdminError": "node_client.errors",
    "AsyncGateway": "node_client.gateway._async.gateway",
    "BlockAndPrivateData": "node_client.gateway.deliver",
    "ChaincodeEvent": "node_client.gateway.requests",
    "Checkpointer": "node_client.gateway.checkpointer",
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
    "FilteredBlock": "node_client.gateway.deliver",
    "FilteredTransaction": "node_client.gateway.deliver",
    "Gateway": "node_client.gateway._sync.gateway",
    "GatewayClosed": "node_client.errors",
    "GatewayError": "node_client.errors",
    "GatewayOptions": "node_client.gateway.options",
    "Hash": "node_client.identity.hash",
    "Identity": "node_client.identity.identity",
    "KeySigner": "node_client.identity.signer",
    "MemoryCheckpointer": "node_client.gateway.checkpointer",
    "NotSigned": "node_client.errors",
    "Outcome": "node_client.gateway.pipeline",
    "PeerDetail": "node_client.errors",
    "Pipeline": "node_client.gateway.pipeline",
    "ProfileError": "node_client.errors",
    "ProposalError": "node_client.errors",
    "Resume": "node_client.gateway.options",
    "Retry": "node_client.gateway.options",
    "Signer": "node_client.identity.signer",
    "Status": "node_client.gateway.requests",
    "SubmitError": "node_client.errors",
}

__all__ = [
    "AdminError",
    "AsyncGateway",
    "BlockAndPrivateData",
    "ChaincodeEvent",
    "Checkpointer",
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
    "FilteredBlock",
    "FilteredTransaction",
    "Gateway",
    "GatewayClosed",
    "GatewayError",
    "GatewayOptions",
    "Hash",
    "Identity",
    "KeySigner",
    "MemoryCheckpointer",
    "NotSigned",
    "Outcome",
    "PeerDetail",
    "Pipeline",
    "ProfileError",
    "ProposalError",
    "Resume",
    "Retry",
    "Signer",
    "Status",
    "SubmitError",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
