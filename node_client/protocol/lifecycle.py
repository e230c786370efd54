"""Messages of the `_lifecycle` chaincode (`fabric-protos/peer/lifecycle/lifecycle.proto`)."""

import re
from dataclasses import dataclass

from fabric_protos.peer import collection_pb2, policy_pb2
from fabric_protos.peer.lifecycle import lifecycle_pb2

from node_client.protocol.codec import parse

LIFECYCLE = "_lifecycle"

_APPROVED = re.compile(
    r"attempted to redefine (uncommitted sequence \(\d+\) for namespace \S+ with unchanged content"
    r"|the current committed sequence \(\d+\) for namespace [\w-]+$)"
)


@dataclass(frozen=True, kw_only=True)
class ChaincodeDefinition:
    """What organisations agree on about a chaincode.

    Attributes:
        sequence: counts the chaincode's definitions on the channel, from 1.
        policy: its endorsement policy, `common.SignaturePolicyEnvelope`; empty for the channel's own.
        collections: its private data collections, `protos.CollectionConfigPackage` (`encode_collections`).
        init_required: whether it must be initialised, once for each version, before it takes other transactions.
    """

    name: str
    version: str
    sequence: int
    policy: bytes = b""
    collections: bytes = b""
    init_required: bool = False


def install_argument(package: bytes) -> bytes:
    """What InstallChaincode takes."""
    return lifecycle_pb2.InstallChaincodeArgs(chaincode_install_package=package).SerializeToString()


def installed_ids(data: bytes) -> tuple[str, ...]:
    """The package ids in the answer of QueryInstalledChaincodes. Raises ProtocolError."""
    result = parse(lifecycle_pb2.QueryInstalledChaincodesResult, data, "installed chaincodes")
    return tuple(one.package_id for one in result.installed_chaincodes)


def approve_argument(definition: ChaincodeDefinition, package_id: str) -> bytes:
    """What ApproveChaincodeDefinitionForMyOrg takes."""
    local = lifecycle_pb2.ChaincodeSource.Local(package_id=package_id)
    return lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs(
        sequence=definition.sequence,
        name=definition.name,
        version=definition.version,
        validation_parameter=_policy(definition),
        collections=_collections(definition),
        init_required=definition.init_required,
        source=lifecycle_pb2.ChaincodeSource(local_package=local),
    ).SerializeToString()


def approved_already(refusal: str) -> bool:
    """Whether a peer refuses an approval because the organisation has given just this one before.

    Source: Fabric's `core/chaincode/lifecycle/lifecycle.go`.
    """
    return bool(_APPROVED.search(refusal))


def readiness_argument(definition: ChaincodeDefinition) -> bytes:
    """What CheckCommitReadiness takes."""
    return lifecycle_pb2.CheckCommitReadinessArgs(
        sequence=definition.sequence,
        name=definition.name,
        version=definition.version,
        validation_parameter=_policy(definition),
        collections=_collections(definition),
        init_required=definition.init_required,
    ).SerializeToString()


def approvals(data: bytes) -> dict[str, bool]:
    """Organisation → whether it has approved, from the answer of CheckCommitReadiness. Raises ProtocolError."""
    return dict(parse(lifecycle_pb2.CheckCommitReadinessResult, data, "approvals").approvals)


def commit_argument(definition: ChaincodeDefinition) -> bytes:
    """What CommitChaincodeDefinition takes."""
    return lifecycle_pb2.CommitChaincodeDefinitionArgs(
        sequence=definition.sequence,
        name=definition.name,
        version=definition.version,
        validation_parameter=_policy(definition),
        collections=_collections(definition),
        init_required=definition.init_required,
    ).SerializeToString()


def all_definitions_argument() -> bytes:
    """What QueryChaincodeDefinitions takes."""
    return lifecycle_pb2.QueryChaincodeDefinitionsArgs().SerializeToString()


def sequences(data: bytes) -> dict[str, int]:
    """Chaincode → its definition's sequence, from the answer of QueryChaincodeDefinitions. Raises ProtocolError."""
    result = parse(lifecycle_pb2.QueryChaincodeDefinitionsResult, data, "chaincode definitions")
    return {one.name: one.sequence for one in result.chaincode_definitions}


def _policy(definition: ChaincodeDefinition) -> bytes:
    policy = policy_pb2.ApplicationPolicy()
    if definition.policy:
        policy.signature_policy.ParseFromString(definition.policy)
    else:
        policy.channel_config_policy_reference = "/Channel/Application/Endorsement"
    return policy.SerializeToString()


def _collections(definition: ChaincodeDefinition) -> collection_pb2.CollectionConfigPackage | None:
    if not definition.collections:
        return None
    return collection_pb2.CollectionConfigPackage.FromString(definition.collections)
