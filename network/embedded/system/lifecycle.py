"""`_lifecycle`: how organisations agree on a chaincode. Source: Fabric's `core/chaincode/lifecycle/scc.go`.

A peer installs packages for itself; an organisation approves a definition by private writes to its implicit
collection, of which everyone sees the hashes; a definition is committed when enough organisations have approved the
same one, which the channel's LifecycleEndorsement decides.
"""

import re
from collections.abc import Callable, Mapping

from fabric_protos.common import policies_pb2
from fabric_protos.peer import collection_pb2, policy_pb2
from fabric_protos.peer.lifecycle import lifecycle_pb2
from google.protobuf.message import DecodeError

from chaincode.ledger.simulator import Simulator
from network.embedded import definitions
from network.embedded.acl import AccessDenied
from network.embedded.definitions import LIFECYCLE, NAMESPACES, Definition, field_key, metadata_key
from network.embedded.system import Call, Refused
from network.embedded.system.approvals import Approval, Approvals
from network.embedded.system.collection_rules import check_collections
from network.embedded.unpacking import UNREADABLE

DEFAULT_POLICY = policy_pb2.ApplicationPolicy(
    channel_config_policy_reference="/Channel/Application/Endorsement"
).SerializeToString()
_NAME = re.compile(r"[a-zA-Z0-9]+([-_][a-zA-Z0-9]+)*")
_VERSION = re.compile(r"[A-Za-z0-9_.+-]+")
_SYSTEM_NAMES = frozenset({"cscc", "escc", "lscc", "qscc", "vscc"})


class Lifecycle:
    """The lifecycle's functions."""

    async def invoke(self, call: Call) -> bytes:
        if not call.arguments:
            raise Refused("lifecycle scc must be invoked with arguments")
        if len(call.arguments) != 2:
            count = len(call.arguments)
            raise Refused(f"lifecycle scc operations require exactly two arguments but received {count}")
        try:
            call.peer.access.check(f"{LIFECYCLE}/{call.function}", call.channel, call.signed)
        except AccessDenied as error:
            raise Refused(f"Failed to authorize invocation due to failed ACL check: {error}") from error
        try:
            return _FUNCTIONS[call.function](call, call.args[0])
        except DecodeError as error:
            text = f"could not decode input arg for *lifecycle.Invocation.{call.function}: {UNREADABLE}"
            raise Refused(_while(call, text)) from error
        except Refused as error:
            raise error if error.status != 500 else Refused(_while(call, str(error))) from error


def _while(call: Call, text: str) -> str:
    return f"failed to invoke backing implementation of '{call.function}': {text}"


def _install(call: Call, data: bytes) -> bytes:
    request = lifecycle_pb2.InstallChaincodeArgs.FromString(data)
    package = call.peer.packages.install(request.chaincode_install_package)
    call.peer.start_package(package)
    return lifecycle_pb2.InstallChaincodeResult(package_id=package.id, label=package.label).SerializeToString()


def _installed(call: Call, data: bytes) -> bytes:
    request = lifecycle_pb2.QueryInstalledChaincodeArgs.FromString(data)
    found = call.peer.packages.get(request.package_id)
    if found is None:
        raise Refused(f"could not find chaincode with package id '{request.package_id}'")
    package, _ = found
    return lifecycle_pb2.QueryInstalledChaincodeResult(package_id=package.id, label=package.label).SerializeToString()


def _package(call: Call, data: bytes) -> bytes:
    request = lifecycle_pb2.GetInstalledChaincodePackageArgs.FromString(data)
    found = call.peer.packages.get(request.package_id)
    if found is None:
        text = f"chaincode install package '{request.package_id}' not found"
        raise Refused(f"could not load cc install package: {text}")
    return lifecycle_pb2.GetInstalledChaincodePackageResult(chaincode_install_package=found[1]).SerializeToString()


def _all_installed(call: Call, data: bytes) -> bytes:
    result = lifecycle_pb2.QueryInstalledChaincodesResult()
    for package in call.peer.packages.all():
        result.installed_chaincodes.add(package_id=package.id, label=package.label)
    return result.SerializeToString()


def _approve(call: Call, data: bytes) -> bytes:
    request = lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs.FromString(data)
    _check_stated(call, request.name, request.version, request.collections)
    definition = _stated(request)
    simulator = _simulator(call)
    current = _current(simulator, definition.name)
    sequence = current.sequence if current else 0
    if definition.sequence == sequence == 0:
        raise Refused("requested sequence is 0, but first definable sequence number is 1")
    if definition.sequence < sequence:
        raise Refused(f"currently defined sequence {sequence} is larger than requested sequence {definition.sequence}")
    if definition.sequence > sequence + 1:
        text = f"is larger than the next available sequence number {sequence + 1}"
        raise Refused(f"requested sequence {definition.sequence} {text}")
    # An empty package id says that this organisation's peers do not run the chaincode, and endorse nothing for it.
    approval = Approval(definition, request.source.local_package.package_id)
    approvals = Approvals(simulator, call.peer.msp_id)
    committed = current if definition.sequence == sequence else None
    attempted = f"committed sequence ({sequence})" if committed else f"sequence ({definition.sequence})"
    if committed and (difference := _difference(committed, definition)):
        raise Refused(
            f"attempted to redefine the current {attempted} for namespace {definition.name} with different parameters: "
            f"{difference}"
        )
    if approvals.read(definition.name, definition.sequence) == approval:
        if committed:
            raise Refused(f"attempted to redefine the current {attempted} for namespace {definition.name}")
        raise Refused(
            f"attempted to redefine uncommitted {attempted} for namespace {definition.name} with unchanged content"
        )
    approvals.write(approval)
    return lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgResult().SerializeToString()


def _difference(one: Definition, other: Definition) -> str:
    """How two definitions differ but for their sequence (`ChaincodeParameters.Equal`)."""
    for name, expected, passed in (
        ("Version", one.version, other.version),
        ("EndorsementPlugin", one.endorsement_plugin, other.endorsement_plugin),
        ("InitRequired", str(one.init_required).lower(), str(other.init_required).lower()),
        ("ValidationPlugin", one.validation_plugin, other.validation_plugin),
        ("ValidationParameter", one.policy.hex(), other.policy.hex()),
    ):
        if expected != passed:
            return f"expected {name} '{expected}' does not match passed {name} '{passed}'"
    return "Collections do not match" if one.collections != other.collections else ""


def _approvals(call: Call, definition: Definition) -> dict[str, bool]:
    """Which organisations have approved exactly this."""
    msp_ids = call.peer.ledger.config.organisations.values()
    return {msp_id: Approvals(_simulator(call), msp_id).holds(definition) for msp_id in msp_ids}


def _readiness(call: Call, data: bytes) -> bytes:
    definition = _stated(lifecycle_pb2.CheckCommitReadinessArgs.FromString(data))
    _check_next(_simulator(call), definition)
    return lifecycle_pb2.CheckCommitReadinessResult(approvals=_approvals(call, definition)).SerializeToString()


def _commit(call: Call, data: bytes) -> bytes:
    request = lifecycle_pb2.CommitChaincodeDefinitionArgs.FromString(data)
    _check_stated(call, request.name, request.version, request.collections)
    definition = _stated(request)
    simulator = _simulator(call)
    _check_next(simulator, definition)
    approvals = _approvals(call, definition)
    for field, value in definition.fields().items():
        simulator.put(LIFECYCLE, field_key(NAMESPACES, definition.name, field), value)
    sequence = definitions.number(definition.sequence)
    simulator.put(LIFECYCLE, field_key(NAMESPACES, definition.name, "Sequence"), sequence)
    described = definitions.metadata("ChaincodeDefinition", list(definitions.DEFINITION_FIELDS))
    simulator.put(LIFECYCLE, metadata_key(NAMESPACES, definition.name), described)
    if not approvals[call.peer.msp_id]:
        raise Refused(f"chaincode definition not agreed to by this org ({call.peer.msp_id})")
    return lifecycle_pb2.CommitChaincodeDefinitionResult().SerializeToString()


def _query(call: Call, data: bytes) -> bytes:
    request = lifecycle_pb2.QueryChaincodeDefinitionArgs.FromString(data)
    definition = definitions.read_definition(_simulator(call).state, request.name)
    if definition is None:
        raise Refused(f"namespace {request.name} is not defined", status=404)
    return lifecycle_pb2.QueryChaincodeDefinitionResult(
        sequence=definition.sequence,
        version=definition.version,
        endorsement_plugin=definition.endorsement_plugin,
        validation_plugin=definition.validation_plugin,
        validation_parameter=definition.policy,
        collections=_collections(definition),
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
    approvals = Approvals(simulator, call.peer.msp_id)
    sequence, found = request.sequence, None
    if not sequence:  # the next one, if it has been approved, else the present one
        current = definitions.read_definition(simulator.state, request.name)
        sequence = current.sequence if current else 0
        found = approvals.read(request.name, sequence + 1)
    found = found or approvals.read(request.name, sequence)
    if found is None:
        raise Refused(
            f"could not fetch approved chaincode definition (name: '{request.name}', sequence: '{sequence}') on "
            f"channel '{call.channel}'"
        )
    definition = found.definition
    source = lifecycle_pb2.ChaincodeSource(unavailable=lifecycle_pb2.ChaincodeSource.Unavailable())
    if found.package_id:
        local = lifecycle_pb2.ChaincodeSource.Local(package_id=found.package_id)
        source = lifecycle_pb2.ChaincodeSource(local_package=local)
    return lifecycle_pb2.QueryApprovedChaincodeDefinitionResult(
        sequence=definition.sequence,
        version=definition.version,
        endorsement_plugin=definition.endorsement_plugin,
        validation_plugin=definition.validation_plugin,
        validation_parameter=definition.policy,
        collections=_collections(definition),
        init_required=definition.init_required,
        source=source,
    ).SerializeToString()


def _collections(definition: Definition) -> collection_pb2.CollectionConfigPackage:
    return collection_pb2.CollectionConfigPackage.FromString(definition.collections)


def _check_stated(call: Call, name: str, version: str, package: collection_pb2.CollectionConfigPackage) -> None:
    """Check a definition's name, version and collections (`validateInput`)."""
    wrong = ""
    if not _NAME.fullmatch(name):
        wrong = (
            f"invalid chaincode name '{name}'. Names can only consist of alphanumerics, '_', and '-' and can only "
            "begin with alphanumerics"
        )
    elif name in _SYSTEM_NAMES:
        wrong = f"chaincode name '{name}' is the name of a system chaincode"
    elif not _VERSION.fullmatch(version):
        wrong = (
            f"invalid chaincode version '{version}'. Versions can only consist of alphanumerics, '_', '-', '+', and '.'"
        )
    elif not call.channel:
        wrong = "could not get channelconfig for channel ''"
    else:
        current = definitions.read_definition(_simulator(call).state, name)
        committed = _collections(current) if current else collection_pb2.CollectionConfigPackage()
        try:
            check_collections(package, committed, call.peer.ledger.config.msp_manager)
        except Refused as error:
            wrong = str(error)
    if wrong:
        raise Refused(f"error validating chaincode definition: {wrong}")


def _stated(
    request: "lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs | lifecycle_pb2.CheckCommitReadinessArgs"
    " | lifecycle_pb2.CommitChaincodeDefinitionArgs",
) -> Definition:
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


def _current(simulator: Simulator, name: str) -> Definition | None:
    """The definition in force; that it is, is part of what was read."""
    simulator.get("lscc", name)
    simulator.get(LIFECYCLE, metadata_key(NAMESPACES, name))
    simulator.get(LIFECYCLE, field_key(NAMESPACES, name, "Sequence"))
    return definitions.read_definition(simulator.state, name)


def _check_next(simulator: Simulator, definition: Definition) -> None:
    current = _current(simulator, definition.name)
    expected = current.sequence + 1 if current else 1
    if definition.sequence != expected:
        raise Refused(f"requested sequence is {definition.sequence}, but new definition must be sequence {expected}")


def _simulator(call: Call) -> Simulator:
    if call.simulator is None:
        raise Refused("could not get current sequence: no state without a channel")
    return call.simulator


_FUNCTIONS: Mapping[str, Callable[[Call, bytes], bytes]] = {
    "InstallChaincode": _install,
    "QueryInstalledChaincode": _installed,
    "QueryInstalledChaincodes": _all_installed,
    "GetInstalledChaincodePackage": _package,
    "ApproveChaincodeDefinitionForMyOrg": _approve,
    "CheckCommitReadiness": _readiness,
    "CommitChaincodeDefinition": _commit,
    "QueryChaincodeDefinition": _query,
    "QueryChaincodeDefinitions": _query_all,
    "QueryApprovedChaincodeDefinition": _query_approved,
}
