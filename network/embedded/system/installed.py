"""The lifecycle's functions for what is installed at a peer, whatever channels say."""

from collections.abc import Mapping

from fabric_protos.peer.lifecycle import lifecycle_pb2

from network.embedded.system import Call, Refused
from node_client.protocol import definitions
from node_client.protocol.definitions import approved_package, read_definition


async def install(call: Call, data: bytes) -> bytes:
    request = lifecycle_pb2.InstallChaincodeArgs.FromString(data)
    package = call.peer.packages.install(request.chaincode_install_package)
    try:
        await call.peer.build_package(package)
        call.peer.start_package(package)
    except BaseException:
        call.peer.packages.remove(package.id)
        raise
    return lifecycle_pb2.InstallChaincodeResult(package_id=package.id, label=package.label).SerializeToString()


def query_installed(call: Call, data: bytes) -> bytes:
    request = lifecycle_pb2.QueryInstalledChaincodeArgs.FromString(data)
    found = call.peer.packages.get(request.package_id)
    if found is None:
        raise Refused(f"could not find chaincode with package id '{request.package_id}'")
    package, _ = found
    result = lifecycle_pb2.QueryInstalledChaincodeResult(package_id=package.id, label=package.label)
    for name, version in _uses(call).get(package.id, ()):
        result.references[call.peer.ledger.config.channel].chaincodes.add(name=name, version=version)
    return result.SerializeToString()


def query_all_installed(call: Call, data: bytes) -> bytes:
    lifecycle_pb2.QueryInstalledChaincodesArgs.FromString(data)
    result = lifecycle_pb2.QueryInstalledChaincodesResult()
    uses = _uses(call)
    for package in call.peer.packages.all():
        one = result.installed_chaincodes.add(package_id=package.id, label=package.label)
        for name, version in uses.get(package.id, ()):
            one.references[call.peer.ledger.config.channel].chaincodes.add(name=name, version=version)
    return result.SerializeToString()


def get_package(call: Call, data: bytes) -> bytes:
    request = lifecycle_pb2.GetInstalledChaincodePackageArgs.FromString(data)
    found = call.peer.packages.get(request.package_id)
    if found is None:
        text = f"chaincode install package '{request.package_id}' not found"
        raise Refused(f"could not load cc install package: {text}")
    return lifecycle_pb2.GetInstalledChaincodePackageResult(chaincode_install_package=found[1]).SerializeToString()


def _uses(call: Call) -> Mapping[str, list[tuple[str, str]]]:
    """The chaincodes of the channel, by name and version, that the organisation runs by each package."""
    state = call.peer.ledger.state(call.peer.msp_id)
    found: dict[str, list[tuple[str, str]]] = {}
    for name in definitions.defined_names(state):
        definition = read_definition(state, name)
        if definition and (package_id := approved_package(state, call.peer.msp_id, definition)):
            found.setdefault(package_id, []).append((name, definition.version))
    return found
