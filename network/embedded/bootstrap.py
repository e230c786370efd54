"""Putting the registry on a new channel: the very lifecycle that any chaincode goes through.

Every organisation's admin installs and approves at the organisation's own peer, and the definition is committed by a
transaction that the organisations endorse. There is no other way in.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fabric_protos.peer import policy_pb2, proposal_pb2
from fabric_protos.peer.lifecycle import lifecycle_pb2

from network.embedded.broadcast_filter import BroadcastError
from network.embedded.ordering import Orderer
from network.embedded.peer import Peer
from network.embedded.signing import NodeIdentity
from network.embedded.system import Refused
from network.errors import StartError
from network.registry import COMMAND, LABEL, POLICY, REGISTRY, VERSION, registry_package
from network.topology import CHANNEL, Organisation, Topology
from node_client.protocol.definitions import LIFECYCLE, Definition
from node_client.protocol.policy_dsl import parse_policy
from node_client.protocol.proposal import build_proposal, parse_proposal
from node_client.protocol.transaction import Endorsement, assemble, envelope

PATIENCE = 60.0  # seconds that the registry has to run

LaunchChaincode = Callable[[Organisation, str, Sequence[str]], None]


async def ensure_registry(
    folder: Path,
    topology: Topology,
    peers: Mapping[str, Peer],
    orderer: Orderer,
    launch: LaunchChaincode,
) -> None:
    """Run the registry beside every peer, and define it on the channel if it is not yet.

    Raises:
        StartError: it could not be defined.
    """
    first = next(iter(peers.values()))
    package_id = ""
    for organisation in topology.organisations:
        peer = peers[organisation.msp_id]
        installed = {package.label: package.id for package in peer.packages.all()}
        try:
            package_id = installed.get(LABEL) or peer.packages.install(registry_package()).id
        except Refused as error:
            raise StartError(f"the registry cannot be installed: {error}", "make room on the disk") from error
        launch(organisation, package_id, COMMAND)
    if first.definition(REGISTRY) is None:
        await _define(folder, topology, peers, orderer, package_id)
    try:
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(peer.support.wait_for(package_id) for peer in peers.values()))
    except TimeoutError as error:
        raise StartError("the registry does not run beside every peer", "look into: certledger network logs") from error


async def _define(
    folder: Path, topology: Topology, peers: Mapping[str, Peer], orderer: Orderer, package_id: str
) -> None:
    policy = policy_pb2.ApplicationPolicy()
    policy.signature_policy.ParseFromString(parse_policy(POLICY))
    parameter = policy.SerializeToString()
    source = lifecycle_pb2.ChaincodeSource(local_package=lifecycle_pb2.ChaincodeSource.Local(package_id=package_id))
    admins = {
        organisation.msp_id: NodeIdentity.load(
            organisation.msp_id, folder / organisation.name / "users" / "admin" / "msp"
        )
        for organisation in topology.organisations
    }
    approval = lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs(
        sequence=1, name=REGISTRY, version=VERSION, validation_parameter=parameter, source=source
    ).SerializeToString()
    wanted = Definition(name=REGISTRY, version=VERSION, sequence=1, policy=parameter, collections=b"")
    approving = [
        _transact(admin, [peers[msp_id]], orderer, "ApproveChaincodeDefinitionForMyOrg", approval)
        for msp_id, admin in admins.items()
        # An attempt that ended too early may have come so far, and the same is not approved twice.
        if peers[msp_id].package_of(wanted) != package_id
    ]
    await asyncio.gather(*approving)
    commit = lifecycle_pb2.CommitChaincodeDefinitionArgs(
        sequence=1, name=REGISTRY, version=VERSION, validation_parameter=parameter
    ).SerializeToString()
    first = next(iter(admins.values()))
    await _transact(first, list(peers.values()), orderer, "CommitChaincodeDefinition", commit)


async def _transact(
    admin: NodeIdentity, endorsers: Sequence[Peer], orderer: Orderer, function: str, argument: bytes
) -> None:
    data = build_proposal(
        channel=CHANNEL, chaincode=LIFECYCLE, args=[function.encode(), argument], creator=admin.serialized
    )
    signed = proposal_pb2.SignedProposal(proposal_bytes=data, signature=admin.sign(data))
    responses = await asyncio.gather(*(peer.process_proposal(signed) for peer in endorsers))
    for response in responses:
        if response.response.status != 200:
            # Nobody else writes yet, so it is the disk that refuses.
            raise StartError(f"the registry could not be defined: {response.response.message}", "make room on the disk")
    proposal = parse_proposal(data)
    endorsements = [Endorsement(one.endorsement.endorser, one.endorsement.signature) for one in responses]
    payload = assemble(proposal, responses[0].payload, endorsements)
    try:
        await orderer.broadcast(envelope(payload, admin.sign(payload)))
    except BroadcastError as error:
        raise StartError(f"the registry could not be defined: {error}", "make room on the disk") from error
    place = await endorsers[0].ledger.wait_for(proposal.transaction_id)
    if place.code != 0:
        raise StartError(f"the registry could not be defined: its transaction was not valid ({place.code})")
