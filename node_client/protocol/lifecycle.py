"""Messages of the `_lifecycle` chaincode (`fabric-protos/peer/lifecycle/lifecycle.proto`)."""

from dataclasses import dataclass

from fabric_protos.peer import policy_pb2
from fabric_protos.peer.lifecycle import lifecycle_pb2

from node_client.protocol.codec import parse

LIFECYCLE = "_lifecycle"


@dataclass(frozen=True, kw_only=True)
class ChaincodeDefinition:
    """What organisations agree on about a chaincode.

    Attributes:
        sequence: counts the chaincode's definitions on the channel, from 1.
        policy: its endorsement policy, `common.SignaturePolicyEnvelope`; empty for the channel's own.
    """

    name: str
    version: str
    sequence: int
    policy: bytes = b""


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
        source=lifecycle_pb2.ChaincodeSource(local_package=local),
    ).SerializeToString()


def commit_argument(definition: ChaincodeDefinition) -> bytes:
    """What CommitChaincodeDefinition takes."""
    return lifecycle_pb2.CommitChaincodeDefinitionArgs(
        sequence=definition.sequence,
        name=definition.name,
        version=definition.version,
        validation_parameter=_policy(definition),
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
