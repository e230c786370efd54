"""`_lifecycle`: how organisations agree on a chaincode. Source: Fabric's `core/chaincode/lifecycle/scc.go`.

A peer installs packages for itself; an organisation approves a definition by private writes to its implicit
collection, of which everyone sees the hashes; a definition is committed when enough organisations have approved the
same one, which the channel's LifecycleEndorsement decides.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fabric_protos.peer import collection_pb2, policy_pb2
from fabric_protos.peer.lifecycle import db_pb2, lifecycle_pb2
from google.protobuf.message import DecodeError

from chaincode.ledger.simulator import Simulator
from network.embedded.acl import AccessDenied
from network.embedded.system import Call, Refused, installed, serializer
from network.embedded.system.approvals import Approval, Approvals, difference
from network.embedded.system.collection_rules import check_collections
from network.embedded.system.serializer import PublicPlace
from network.embedded.unpacking import UNREADABLE
from node_client.protocol import definitions
from node_client.protocol.definitions import LIFECYCLE, NAMESPACES, Definition, field_key

DEFAULT_POLICY = policy_pb2.ApplicationPolicy(
    channel_config_policy_reference="/Channel/Application/Endorsement"
).SerializeToString()
DEFINITION = "ChaincodeDefinition"
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
            answer = _FUNCTIONS[call.function](call, call.args[0])
            return answer if isinstance(answer, bytes) else await answer
        except DecodeError as error:
            text = f"could not decode input arg for *lifecycle.Invocation.{call.function}: {UNREADABLE}"
            raise Refused(_while(call, text)) from error
        except Refused as error:
            raise error if error.status != 500 else Refused(_while(call, str(error))) from error


def _while(call: Call, text: str) -> str:
    return f"failed to invoke backing implementation of '{call.function}': {text}"


def _approve(call: Call, data: bytes) -> bytes:
    request = lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs.FromString(data)
    _check_stated(call, request.name, request.version, request.collections)
    definition = _stated(request)
    simulator = _simulator(call)
    sequence = _sequence(simulator, definition.name)
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
    place = f"for namespace {definition.name}"
    if definition.sequence == sequence:
        committed = _in_force(simulator, definition.name)
        attempted = f"attempted to redefine the current committed sequence ({sequence}) {place}"
        if committed is None:
            raise Refused(f"missing metadata for currently committed sequence number ({sequence})")
        if found := difference(committed, definition):
            raise Refused(f"{attempted} with different parameters: {found}")
        if approvals.repeats(approval):
            raise Refused(attempted)
    elif approvals.repeats(approval):
        attempted = f"attempted to redefine uncommitted sequence ({definition.sequence})"
        raise Refused(f"{attempted} {place} with unchanged content")
    approvals.write(approval)
    return lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgResult().SerializeToString()


def _differences(call: Call, definition: Definition) -> dict[str, list[str]]:
    """In what each organisation's approval differs from this definition: in nothing, where it has approved it."""
    simulator = _simulator(call)
    msp_ids = call.peer.ledger.config.organisations.values()
    return {msp_id: Approvals(simulator, msp_id).differences(definition) for msp_id in msp_ids}


def _approvals(differences: Mapping[str, list[str]]) -> dict[str, bool]:
    return {msp_id: not found for msp_id, found in differences.items()}


def _readiness(call: Call, data: bytes) -> bytes:
    definition = _stated(lifecycle_pb2.CheckCommitReadinessArgs.FromString(data))
    _check_next(_simulator(call), definition)
    differences = _differences(call, definition)
    result = lifecycle_pb2.CheckCommitReadinessResult(approvals=_approvals(differences))
    for msp_id, found in differences.items():
        if found:
            result.mismatches[msp_id].items.extend(found)
    return result.SerializeToString(deterministic=True)


def _commit(call: Call, data: bytes) -> bytes:
    request = lifecycle_pb2.CommitChaincodeDefinitionArgs.FromString(data)
    _check_stated(call, request.name, request.version, request.collections)
    definition = _stated(request)
    simulator = _simulator(call)
    _check_next(simulator, definition)
    approvals = _approvals(_differences(call, definition))
    fields = {"Sequence": definitions.number(definition.sequence), **definition.fields()}
    serializer.write(PublicPlace(simulator), NAMESPACES, definition.name, DEFINITION, fields)
    if not approvals[call.peer.msp_id]:
        raise Refused(f"chaincode definition not agreed to by this org ({call.peer.msp_id})")
    return lifecycle_pb2.CommitChaincodeDefinitionResult().SerializeToString()


def _query(call: Call, data: bytes) -> bytes:
    request = lifecycle_pb2.QueryChaincodeDefinitionArgs.FromString(data)
    definition = _in_force(_simulator(call), request.name)
    if definition is None:
        raise Refused(f"namespace {request.name} is not defined", status=404)
    return lifecycle_pb2.QueryChaincodeDefinitionResult(
        **_told(definition),
        approvals=_approvals(_differences(call, definition)),
    ).SerializeToString(deterministic=True)


def _query_all(call: Call, data: bytes) -> bytes:
    lifecycle_pb2.QueryChaincodeDefinitionsArgs.FromString(data)
    result = lifecycle_pb2.QueryChaincodeDefinitionsResult()
    simulator = _simulator(call)
    for name, described in sorted(serializer.names(PublicPlace(simulator), NAMESPACES).items()):
        if described.datatype == DEFINITION and (definition := _in_force(simulator, name)):
            result.chaincode_definitions.add(
                name=name,
                **_told(definition),
            )
    return result.SerializeToString()


def _query_approved(call: Call, data: bytes) -> bytes:
    request = lifecycle_pb2.QueryApprovedChaincodeDefinitionArgs.FromString(data)
    simulator = _simulator(call)
    approvals = Approvals(simulator, call.peer.msp_id)
    sequence = request.sequence
    if not sequence:  # the next one, if it has been approved, else the present one
        sequence = _sequence(simulator, request.name)
        sequence += approvals.has(request.name, sequence + 1)
    found = approvals.read(request.name, sequence)
    if found is None:
        raise Refused(
            f"could not fetch approved chaincode definition (name: '{request.name}', sequence: '{sequence}') on "
            f"channel '{call.channel}'"
        )
    return lifecycle_pb2.QueryApprovedChaincodeDefinitionResult(
        **_told(found.definition),
        source=found.source,
    ).SerializeToString()


def _query_all_approved(call: Call, data: bytes) -> bytes:
    lifecycle_pb2.QueryApprovedChaincodeDefinitionsArgs.FromString(data)
    result = lifecycle_pb2.QueryApprovedChaincodeDefinitionsResult()
    for approval in Approvals(_simulator(call), call.peer.msp_id).all():
        definition = approval.definition
        result.approved_chaincode_definitions.add(
            name=definition.name,
            **_told(definition),
            source=approval.source,
        )
    return result.SerializeToString()


def _collections(definition: Definition) -> collection_pb2.CollectionConfigPackage:
    return collection_pb2.CollectionConfigPackage.FromString(definition.collections)


def _told(definition: Definition) -> dict[str, Any]:
    """The fields that every answer has which tells of a definition."""
    return {
        "sequence": definition.sequence,
        "version": definition.version,
        "endorsement_plugin": definition.endorsement_plugin,
        "validation_plugin": definition.validation_plugin,
        "validation_parameter": definition.policy,
        "collections": _collections(definition),
        "init_required": definition.init_required,
    }


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
        simulator = _simulator(call)
        current = _in_force(simulator, name)
        if current is None:
            simulator.get("lscc", name)  # where definitions were before Fabric v2
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
    """The definition that is stated, with what Fabric adds to it. Nobody looks at the policy before it is needed."""
    return Definition(
        name=request.name,
        version=request.version,
        sequence=request.sequence,
        policy=request.validation_parameter or DEFAULT_POLICY,
        collections=request.collections.SerializeToString(),
        endorsement_plugin=request.endorsement_plugin or "escc",
        validation_plugin=request.validation_plugin or "vscc",
        init_required=request.init_required,
    )


def _in_force(simulator: Simulator, name: str) -> Definition | None:
    """The definition in force; that it is, is part of what was read."""
    if serializer.described(PublicPlace(simulator), NAMESPACES, name) is None:
        return None
    return definitions.read_fields(name, lambda key: simulator.get(LIFECYCLE, key) or b"")


def _sequence(simulator: Simulator, name: str) -> int:
    """The sequence in force, 0 before the first; that it is, is part of what was read."""
    found = simulator.get(LIFECYCLE, field_key(NAMESPACES, name, "Sequence"))
    return db_pb2.StateData.FromString(found or b"").Int64


def _check_next(simulator: Simulator, definition: Definition) -> None:
    expected = _sequence(simulator, definition.name) + 1
    if definition.sequence != expected:
        raise Refused(f"requested sequence is {definition.sequence}, but new definition must be sequence {expected}")


def _simulator(call: Call) -> Simulator:
    if call.simulator is None:
        raise Refused("could not get current sequence: no state without a channel")
    return call.simulator


_FUNCTIONS: Mapping[str, Callable[[Call, bytes], bytes | Awaitable[bytes]]] = {
    "InstallChaincode": installed.install,
    "QueryInstalledChaincode": installed.query_installed,
    "QueryInstalledChaincodes": installed.query_all_installed,
    "GetInstalledChaincodePackage": installed.get_package,
    "ApproveChaincodeDefinitionForMyOrg": _approve,
    "CheckCommitReadiness": _readiness,
    "CommitChaincodeDefinition": _commit,
    "QueryChaincodeDefinition": _query,
    "QueryChaincodeDefinitions": _query_all,
    "QueryApprovedChaincodeDefinition": _query_approved,
    "QueryApprovedChaincodeDefinitions": _query_all_approved,
}
