"""`_lifecycle`: how organisations agree on a chaincode. Source: Fabric's `core/chaincode/lifecycle/scc.go`.

A peer installs packages for itself; an organisation approves a definition by private writes to its implicit
collection, of which everyone sees the hashes; a definition is committed when enough organisations have approved the
same one, which the channel's LifecycleEndorsement decides.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256

from fabric_protos.common import policies_pb2
from fabric_protos.peer import policy_pb2
from fabric_protos.peer.lifecycle import lifecycle_pb2
from google.protobuf.message import DecodeError

from chaincode.ledger.simulator import Simulator
from network.embedded import definitions
from network.embedded.definitions import (
    LIFECYCLE,
    NAMESPACES,
    SOURCES,
    Definition,
    field_key,
    implicit_collection,
    metadata_key,
)
from network.embedded.system import Call, Refused

PARAMETERS = ["EndorsementInfo", "ValidationInfo", "Collections"]
DEFAULT_POLICY = policy_pb2.ApplicationPolicy(
    channel_config_policy_reference="/Channel/Application/Endorsement"
).SerializeToString()


class Lifecycle:
    """The lifecycle's functions."""

    async def invoke(self, call: Call) -> bytes:
        function = _FUNCTIONS.get(call.function)
        if function is None:
            raise Refused(f"SCC unknown function {call.function}")
        if len(call.args) != 1:
            raise Refused(f"failed to invoke backing implementation of '{call.function}': expected one argument")
        try:
            return function(call, call.args[0])
        except DecodeError as error:
            raise Refused(f"failed to decode input arg to {call.function}") from error


def _install(call: Call, data: bytes) -> bytes:
    request = lifecycle_pb2.InstallChaincodeArgs.FromString(data)
    package = call.peer.packages.install(request.chaincode_install_package)
    call.peer.start_package(package)
    return lifecycle_pb2.InstallChaincodeResult(package_id=package.id, label=package.label).SerializeToString()


def _installed(call: Call, data: bytes) -> bytes:
    request = lifecycle_pb2.QueryInstalledChaincodeArgs.FromString(data)
    found = call.peer.packages.get(request.package_id)
    if found is None:
        raise Refused(
            "failed to invoke backing implementation of 'QueryInstalledChaincode': "
            f"could not find chaincode with package id '{request.package_id}'"
        )
    package, _ = found
    return lifecycle_pb2.QueryInstalledChaincodeResult(package_id=package.id, label=package.label).SerializeToString()


def _all_installed(call: Call, data: bytes) -> bytes:
    result = lifecycle_pb2.QueryInstalledChaincodesResult()
    for package in call.peer.packages.all():
        result.installed_chaincodes.add(package_id=package.id, label=package.label)
    return result.SerializeToString()


def _approve(call: Call, data: bytes) -> bytes:
    request = lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs.FromString(data)
    if call.creator.msp_id != call.peer.msp_id:
        raise Refused(f"creator's MSP '{call.creator.msp_id}' is not that of this peer")
    definition = _stated(request)
    simulator = _simulator(call)
    _check_sequence(simulator, definition, call.function)
    package_id = ""
    if request.source.WhichOneof("Type") == "local_package":
        package_id = request.source.local_package.package_id
        if call.peer.packages.get(package_id) is None:
            raise Refused(
                f"failed to invoke backing implementation of '{call.function}': attempted to use a package that is "
                f"not installed: {package_id}"
            )
    collection = implicit_collection(call.peer.msp_id)
    name = f"{definition.name}#{definition.sequence}"
    for field, value in definition.fields().items():
        simulator.put_private(LIFECYCLE, collection, field_key(NAMESPACES, name, field), value)
    parameters = definitions.metadata("ChaincodeParameters", PARAMETERS)
    simulator.put_private(LIFECYCLE, collection, metadata_key(NAMESPACES, name), parameters)
    source = definitions.text(package_id)
    simulator.put_private(LIFECYCLE, collection, field_key(SOURCES, name, "PackageID"), source)
    local = definitions.metadata("ChaincodeLocalPackage", ["PackageID"])
    simulator.put_private(LIFECYCLE, collection, metadata_key(SOURCES, name), local)
    return b""


def _approvals(call: Call, definition: Definition) -> dict[str, bool]:
    """Which organisations have approved exactly this, found by the hashes in their implicit collections."""
    simulator = _simulator(call)
    name = f"{definition.name}#{definition.sequence}"
    wanted = {field_key(NAMESPACES, name, field): value for field, value in definition.fields().items()}
    wanted[metadata_key(NAMESPACES, name)] = definitions.metadata("ChaincodeParameters", PARAMETERS)
    found = {}
    for msp_id in call.peer.ledger.config.organisations.values():
        collection = implicit_collection(msp_id)
        hashes = {key: simulator.get_private_hash(LIFECYCLE, collection, key) for key in wanted}
        found[msp_id] = all(hashes[key] == sha256(value).digest() for key, value in wanted.items())
    return found


def _readiness(call: Call, data: bytes) -> bytes:
    definition = _stated(lifecycle_pb2.CheckCommitReadinessArgs.FromString(data))
    _check_sequence(_simulator(call), definition, call.function)
    return lifecycle_pb2.CheckCommitReadinessResult(approvals=_approvals(call, definition)).SerializeToString()


def _commit(call: Call, data: bytes) -> bytes:
    definition = _stated(lifecycle_pb2.CommitChaincodeDefinitionArgs.FromString(data))
    simulator = _simulator(call)
    _check_sequence(simulator, definition, call.function)
    approvals = _approvals(call, definition)
    if not approvals[call.peer.msp_id]:
        raise Refused(
            f"failed to invoke backing implementation of '{call.function}': chaincode definition not agreed to by "
            f"this org ({call.peer.msp_id})"
        )
    for field, value in definition.fields().items():
        simulator.put(LIFECYCLE, field_key(NAMESPACES, definition.name, field), value)
    sequence = definitions.number(definition.sequence)
    simulator.put(LIFECYCLE, field_key(NAMESPACES, definition.name, "Sequence"), sequence)
    described = definitions.metadata("ChaincodeDefinition", ["Sequence", *PARAMETERS])
    simulator.put(LIFECYCLE, metadata_key(NAMESPACES, definition.name), described)
    return lifecycle_pb2.CommitChaincodeDefinitionResult().SerializeToString()


def _query(call: Call, data: bytes) -> bytes:
    request = lifecycle_pb2.QueryChaincodeDefinitionArgs.FromString(data)
    definition = definitions.read_definition(_simulator(call).state, request.name)
    if definition is None:
        raise Refused(
            f"failed to invoke backing implementation of '{call.function}': namespace {request.name} is not defined"
        )
    return lifecycle_pb2.QueryChaincodeDefinitionResult(
        sequence=definition.sequence,
        version=definition.version,
        endorsement_plugin=definition.endorsement_plugin,
        validation_plugin=definition.validation_plugin,
        validation_parameter=definition.policy,
        init_required=definition.init_required,
        approvals=_approvals(call, definition),
    ).SerializeToString()


def _query_all(call: Call, data: bytes) -> bytes:
    result = lifecycle_pb2.QueryChaincodeDefinitionsResult()
    state = _simulator(call).state
    for name in definitions.defined_names(state):
        definition = definitions.read_definition(state, name)
        if definition:
            result.chaincode_definitions.add(
                name=name,
                sequence=definition.sequence,
                version=definition.version,
                endorsement_plugin=definition.endorsement_plugin,
                validation_plugin=definition.validation_plugin,
                validation_parameter=definition.policy,
                init_required=definition.init_required,
            )
    return result.SerializeToString()


def _query_approved(call: Call, data: bytes) -> bytes:
    request = lifecycle_pb2.QueryApprovedChaincodeDefinitionArgs.FromString(data)
    simulator = _simulator(call)
    definition = definitions.read_definition(simulator.state, request.name)
    if definition is None:
        raise Refused(f"could not fetch approved chaincode definition (name: '{request.name}')")
    result = lifecycle_pb2.QueryApprovedChaincodeDefinitionResult(
        sequence=definition.sequence,
        version=definition.version,
        endorsement_plugin=definition.endorsement_plugin,
        validation_plugin=definition.validation_plugin,
        validation_parameter=definition.policy,
        init_required=definition.init_required,
    )
    result.source.local_package.package_id = definitions.approved_package(simulator.state, call.peer.msp_id, definition)
    return result.SerializeToString()


def _stated(
    request: "lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs | lifecycle_pb2.CheckCommitReadinessArgs"
    " | lifecycle_pb2.CommitChaincodeDefinitionArgs",
) -> Definition:
    if not request.name or not all(c.isascii() and (c.isalnum() or c in "_-") for c in request.name):
        raise Refused(f"invalid chaincode name '{request.name}'")
    policy = request.validation_parameter or DEFAULT_POLICY
    stated = policy_pb2.ApplicationPolicy.FromString(policy)
    if stated.WhichOneof("Type") == "signature_policy" and stated.signature_policy == (
        policies_pb2.SignaturePolicyEnvelope()
    ):
        raise Refused("the endorsement policy is empty")
    return Definition(
        name=request.name,
        version=request.version,
        sequence=request.sequence,
        policy=policy,
        collections=request.collections.SerializeToString(),
        endorsement_plugin=request.endorsement_plugin or "escc",
        validation_plugin=request.validation_plugin or "vscc",
        init_required=request.init_required,
    )


def _check_sequence(simulator: Simulator, definition: Definition, function: str) -> None:
    """What is defined next has the next sequence; an approval of the present one may be repeated."""
    simulator.get("lscc", definition.name)
    simulator.get(LIFECYCLE, metadata_key(NAMESPACES, definition.name))
    simulator.get(LIFECYCLE, field_key(NAMESPACES, definition.name, "Sequence"))
    current = definitions.read_definition(simulator.state, definition.name)
    sequence = current.sequence if current else 0
    if definition.sequence == sequence and function.startswith("Approve") and current is not None:
        return
    if definition.sequence != sequence + 1:
        raise Refused(
            f"failed to invoke backing implementation of '{function}': requested sequence is {definition.sequence}, "
            f"but new definition must be sequence {sequence + 1}"
        )


def _simulator(call: Call) -> Simulator:
    if call.simulator is None:
        raise Refused(f"failed to invoke backing implementation of '{call.function}': no channel")
    return call.simulator


_FUNCTIONS: Mapping[str, Callable[[Call, bytes], bytes]] = {
    "InstallChaincode": _install,
    "QueryInstalledChaincode": _installed,
    "QueryInstalledChaincodes": _all_installed,
    "ApproveChaincodeDefinitionForMyOrg": _approve,
    "CheckCommitReadiness": _readiness,
    "CommitChaincodeDefinition": _commit,
    "QueryChaincodeDefinition": _query,
    "QueryChaincodeDefinitions": _query_all,
    "QueryApprovedChaincodeDefinition": _query_approved,
}
