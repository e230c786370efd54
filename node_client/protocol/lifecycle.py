"""Messages of the `_lifecycle` chaincode (`fabric-protos/peer/lifecycle/lifecycle.proto`)."""

import re
from dataclasses import dataclass
from typing import Protocol

from fabric_protos.peer import collection_pb2, policy_pb2
from fabric_protos.peer.lifecycle import lifecycle_pb2

from node_client.protocol.codec import parse

LIFECYCLE = "_lifecycle"
CHANNEL_POLICY = "/Channel/Application/Endorsement"  # `lifecycle.DefaultEndorsementPolicyRef`

_APPROVED = re.compile(
    r"attempted to redefine (uncommitted sequence \(\d+\) for namespace \S+ with unchanged content"
    r"|the current committed sequence \(\d+\) for namespace [\w-]+$)"
)
_LOST = "private data matching public hash version is not available"


@dataclass(frozen=True, kw_only=True)
class ChaincodeDefinition:
    """What organisations agree on about a chaincode.

    Attributes:
        sequence: counts the chaincode's definitions on the channel, from 1.
        policy: its endorsement policy, `common.SignaturePolicyEnvelope`; empty for one of the channel's.
        channel_policy: the channel's policy that counts where there is no other, by its path.
        collections: its private data collections, `protos.CollectionConfigPackage` (`encode_collections`).
        init_required: whether it must be initialised, once for each version, before it takes other transactions.
    """

    name: str
    version: str
    sequence: int
    policy: bytes = b""
    collections: bytes = b""
    init_required: bool = False
    channel_policy: str = CHANNEL_POLICY

    def same_content(self, other: "ChaincodeDefinition") -> bool:
        """Whether another definition asks for the same, whatever its sequence."""
        return _content(self) == _content(other)


@dataclass(frozen=True)
class InstalledChaincode:
    """A package that is installed at a peer.

    Attributes:
        uses: the chaincodes that run by it: channel, name, version.
    """

    package_id: str
    label: str
    uses: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Readiness:
    """What a peer knows of the organisations' approvals of a definition, by MSP id.

    Attributes:
        approvals: who has approved exactly this.
        mismatches: in what an approval differs, where it was not exactly this; `ChaincodeParameters` where the
            organisation has approved nothing for the sequence.
    """

    approvals: dict[str, bool]
    mismatches: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Committed:
    """A definition in force.

    Attributes:
        approvals: which organisations have approved it, by MSP id; empty where the answer does not tell.
    """

    definition: ChaincodeDefinition
    approvals: dict[str, bool]


@dataclass(frozen=True)
class Approved:
    """What an organisation has approved.

    Attributes:
        package_id: the package that runs it at the organisation's peers; empty when none does.
    """

    definition: ChaincodeDefinition
    package_id: str


def install_argument(package: bytes) -> bytes:
    """What InstallChaincode takes."""
    return lifecycle_pb2.InstallChaincodeArgs(chaincode_install_package=package).SerializeToString()


def installed_chaincodes(data: bytes) -> tuple[InstalledChaincode, ...]:
    """The packages in the answer of QueryInstalledChaincodes, by their ids. Raises ProtocolError."""
    result = parse(lifecycle_pb2.QueryInstalledChaincodesResult, data, "installed chaincodes")
    found = (
        InstalledChaincode(
            one.package_id,
            one.label,
            tuple(
                sorted(
                    (channel, chaincode.name, chaincode.version)
                    for channel, references in one.references.items()
                    for chaincode in references.chaincodes
                )
            ),
        )
        for one in result.installed_chaincodes
    )
    return tuple(sorted(found, key=lambda one: one.package_id))


def installed_already(refusal: str) -> bool:
    """Whether a peer refuses a package because it has it (`InstallChaincode` in Fabric's `lifecycle.go`)."""
    return "chaincode already successfully installed" in refusal


def approve_argument(definition: ChaincodeDefinition, package_id: str) -> bytes:
    """What ApproveChaincodeDefinitionForMyOrg takes; without a package the organisation's peers do not run it."""
    source = lifecycle_pb2.ChaincodeSource(unavailable=lifecycle_pb2.ChaincodeSource.Unavailable())
    if package_id:
        source = lifecycle_pb2.ChaincodeSource(local_package=lifecycle_pb2.ChaincodeSource.Local(package_id=package_id))
    return lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs(
        sequence=definition.sequence,
        name=definition.name,
        version=definition.version,
        validation_parameter=_policy(definition),
        collections=_collections(definition),
        init_required=definition.init_required,
        source=source,
    ).SerializeToString()


def approved_already(refusal: str) -> bool:
    """Whether a peer refuses an approval because the organisation has given just this one before.

    Source: Fabric's `core/chaincode/lifecycle/lifecycle.go`.
    """
    return bool(_APPROVED.search(refusal))


def approval_lost(refusal: str) -> bool:
    """Whether a peer cannot tell what its organisation has approved before, of which it has the hashes alone.

    An approval is private to the organisation's peers, which read it before they give another for the same sequence. A
    peer that has fetched the ledger from others has not got it.

    Source: Fabric's `isAttemptToRedefine` in `core/chaincode/lifecycle/lifecycle.go`, and `GetPrivateData` in
    `core/ledger/kvledger/txmgmt/txmgr/query_executor.go`.
    """
    return _LOST in refusal


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


def readiness(data: bytes) -> Readiness:
    """What the answer of CheckCommitReadiness says. Raises ProtocolError."""
    result = parse(lifecycle_pb2.CheckCommitReadinessResult, data, "approvals")
    mismatches = {msp_id: tuple(one.items) for msp_id, one in sorted(result.mismatches.items())}
    return Readiness(dict(sorted(result.approvals.items())), mismatches)


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


def definition_argument(name: str) -> bytes:
    """What QueryChaincodeDefinition takes."""
    return lifecycle_pb2.QueryChaincodeDefinitionArgs(name=name).SerializeToString()


def committed(name: str, data: bytes) -> Committed:
    """The definition in the answer of QueryChaincodeDefinition. Raises ProtocolError."""
    result = parse(lifecycle_pb2.QueryChaincodeDefinitionResult, data, "a chaincode's definition")
    return Committed(_definition(name, result), dict(sorted(result.approvals.items())))


def not_defined(refusal: str) -> bool:
    """Whether a peer says that there is no such definition (`QueryChaincodeDefinition` in Fabric's `scc.go`)."""
    return refusal.startswith("namespace ") and refusal.endswith(" is not defined")


def all_definitions_argument() -> bytes:
    """What QueryChaincodeDefinitions takes."""
    return lifecycle_pb2.QueryChaincodeDefinitionsArgs().SerializeToString()


def definitions(data: bytes) -> tuple[ChaincodeDefinition, ...]:
    """The definitions in the answer of QueryChaincodeDefinitions, by their names. Raises ProtocolError."""
    result = parse(lifecycle_pb2.QueryChaincodeDefinitionsResult, data, "chaincode definitions")
    return tuple(_definition(one.name, one) for one in sorted(result.chaincode_definitions, key=lambda one: one.name))


def all_approved_argument() -> bytes:
    """What QueryApprovedChaincodeDefinitions takes."""
    return lifecycle_pb2.QueryApprovedChaincodeDefinitionsArgs().SerializeToString()


def approved(data: bytes) -> tuple[Approved, ...]:
    """What an organisation has approved, by name and sequence. Raises ProtocolError."""
    result = parse(lifecycle_pb2.QueryApprovedChaincodeDefinitionsResult, data, "approved definitions")
    found = (
        Approved(_definition(one.name, one), one.source.local_package.package_id)
        for one in result.approved_chaincode_definitions
    )
    return tuple(sorted(found, key=lambda one: (one.definition.name, one.definition.sequence)))


class _Defined(Protocol):
    """The fields that every message has which tells of a definition."""

    sequence: int
    version: str
    validation_parameter: bytes
    init_required: bool

    @property
    def collections(self) -> collection_pb2.CollectionConfigPackage: ...


def _definition(name: str, told: _Defined) -> ChaincodeDefinition:
    policy = parse(policy_pb2.ApplicationPolicy, told.validation_parameter, "an endorsement policy")
    return ChaincodeDefinition(
        name=name,
        version=told.version,
        sequence=told.sequence,
        policy=policy.signature_policy.SerializeToString(deterministic=True)
        if policy.HasField("signature_policy")
        else b"",
        channel_policy=policy.channel_config_policy_reference or CHANNEL_POLICY,
        collections=told.collections.SerializeToString(deterministic=True),
        init_required=told.init_required,
    )


def _content(definition: ChaincodeDefinition) -> tuple[object, ...]:
    channel_policy = "" if definition.policy else definition.channel_policy
    return (
        definition.name,
        definition.version,
        definition.policy,
        channel_policy,
        definition.collections,
        definition.init_required,
    )


def _policy(definition: ChaincodeDefinition) -> bytes:
    policy = policy_pb2.ApplicationPolicy()
    if definition.policy:
        policy.signature_policy.ParseFromString(definition.policy)
    else:
        policy.channel_config_policy_reference = definition.channel_policy
    return policy.SerializeToString()


def _collections(definition: ChaincodeDefinition) -> collection_pb2.CollectionConfigPackage | None:
    if not definition.collections:
        return None
    return collection_pb2.CollectionConfigPackage.FromString(definition.collections)
