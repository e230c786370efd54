"""Private data collections as chaincodes' definitions have them.

Source: Fabric's `core/common/privdata` and `core/chaincode/lifecycle/deployedcc_infoprovider.go`. Every chaincode has
an implicit collection of each organisation besides those of its definition.
"""

from collections.abc import Iterator, Sequence

from fabric_protos.msp import msp_principal_pb2
from fabric_protos.peer import collection_pb2, policy_pb2

from chaincode.ledger.collections import Permissions
from chaincode.ledger.simulator import SimulationError, Simulator
from chaincode.ledger.state import StateReader
from node_client.protocol import definitions
from node_client.protocol.config import ChannelConfig
from node_client.protocol.definitions import LIFECYCLE, NAMESPACES, field_key, metadata_key
from node_client.protocol.errors import ProtocolError
from node_client.protocol.msp import Member
from node_client.protocol.policy import SignaturePolicy, organisations_in

Collection = collection_pb2.StaticCollectionConfig
IMPLICIT = "_implicit_org_"


def implicit_organisation(name: str) -> str | None:
    """The MSP id of the organisation whose implicit collection has this name; None when it is not an implicit one."""
    return name.removeprefix(IMPLICIT) if name.startswith(IMPLICIT) else None


def organisations_policy(name: str, msp_id: str, config: ChannelConfig) -> bytes:
    """What a write to an organisation's implicit collection needs, `protos.ApplicationPolicy`.

    The organisation's own Endorsement policy, or any of its members where it has none
    (`ImplicitCollectionEndorsementPolicyAsBytes`).

    Args:
        name: the organisation's name in the channel's configuration.
    """
    path = f"/Channel/Application/{name}/Endorsement"
    try:
        config.policy(path)
    except ProtocolError:
        members = implicit(msp_id).member_orgs_policy.signature_policy
        return policy_pb2.ApplicationPolicy(signature_policy=members).SerializeToString()
    return policy_pb2.ApplicationPolicy(channel_config_policy_reference=path).SerializeToString()


def implicit(msp_id: str) -> Collection:
    """The implicit collection of an organisation. Nobody else's peers get its data."""
    role = msp_principal_pb2.MSPRole(msp_identifier=msp_id, role=msp_principal_pb2.MSPRole.MEMBER)
    collection = Collection(name=definitions.implicit_collection(msp_id))
    policy = collection.member_orgs_policy.signature_policy
    policy.identities.add(
        principal_classification=msp_principal_pb2.MSPPrincipal.ROLE, principal=role.SerializeToString()
    )
    policy.rule.n_out_of.n = 1
    policy.rule.n_out_of.rules.add(signed_by=0)
    return collection


def explicit(package: bytes) -> dict[str, Collection]:
    """The collections of a definition (`protos.CollectionConfigPackage`), by name."""
    message = collection_pb2.CollectionConfigPackage.FromString(package)
    return {one.static_collection_config.name: one.static_collection_config for one in message.config}


def find(state: StateReader, namespace: str, name: str) -> Collection | None:
    """A chaincode's collection as it is defined now, an implicit one of whatever organisation included."""
    msp_id = implicit_organisation(name)
    if msp_id is not None:
        return implicit(msp_id)
    definition = definitions.read_definition(state, namespace)
    return explicit(definition.collections).get(name) if definition else None


def admits(collection: Collection, members: Sequence[Member], config: ChannelConfig) -> bool:
    """Whether the member policy admits who has signed; nobody where it cannot be read."""
    policy = collection.member_orgs_policy.signature_policy.SerializeToString(deterministic=True)
    try:
        return SignaturePolicy(policy, config.msp_manager).satisfied_by(members)
    except ProtocolError:
        return False


def member_organisations(collection: Collection, config: ChannelConfig) -> list[str]:
    """The MSP ids of the channel's organisations that the member policy names, in the channel's order; none where it
    cannot be read."""
    try:
        named = organisations_in(collection.member_orgs_policy.signature_policy.SerializeToString())
    except ProtocolError:
        return []
    return [msp_id for msp_id in config.organisations.values() if msp_id in named]


def limited_lives(state: StateReader) -> Iterator[tuple[str, str, int]]:
    """Chaincode, collection and blocks to live of every collection whose values do not live for ever."""
    for namespace in definitions.defined_names(state):
        definition = definitions.read_definition(state, namespace)
        for name, collection in explicit(definition.collections if definition else b"").items():
            if collection.block_to_live:
                yield namespace, name, collection.block_to_live


class ChannelCollections:
    """The collections of a channel's chaincodes, for the creator of a proposal (`chaincode.ledger.collections`).

    As in Fabric the definition is read through the simulation, so that a transaction that touches private data is void
    when the definition has changed by the time it is committed.
    """

    def __init__(self, config: ChannelConfig, creator: Member) -> None:
        self._config = config
        self._creator = creator

    def require(self, simulator: Simulator, namespace: str, collection: str) -> None:
        names = {definitions.implicit_collection(msp_id) for msp_id in self._config.organisations.values()}
        names |= set(self._explicit(simulator, namespace))
        if collection not in names:
            raise SimulationError(
                f"collection [{collection}] not defined in the collection config for chaincode [{namespace}]"
            )

    def permissions(self, simulator: Simulator, namespace: str, collection: str) -> Permissions:
        found = self._explicit(simulator, namespace).get(collection)
        if found is None and implicit_organisation(collection) is None:
            raise SimulationError(f"collection {self._config.channel}/{namespace}/{collection} could not be found")
        if found is None or not (found.member_only_read or found.member_only_write):
            return Permissions(read=True, write=True)
        is_member = admits(found, [self._creator], self._config)
        return Permissions(is_member or not found.member_only_read, is_member or not found.member_only_write)

    def _explicit(self, simulator: Simulator, namespace: str) -> dict[str, Collection]:
        if namespace == LIFECYCLE or not simulator.get(LIFECYCLE, metadata_key(NAMESPACES, namespace)):
            return {}
        for field in definitions.DEFINITION_FIELDS:
            simulator.get(LIFECYCLE, field_key(NAMESPACES, namespace, field))
        definition = definitions.read_definition(simulator.state, namespace)
        return explicit(definition.collections) if definition else {}
