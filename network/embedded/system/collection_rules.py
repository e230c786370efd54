"""Which private data collections a definition may have. Source: Fabric's `core/chaincode/lifecycle/scc.go`
(`validateInput`)."""

import re
from collections.abc import Iterable

from fabric_protos.common import policies_pb2
from fabric_protos.msp import msp_principal_pb2
from fabric_protos.peer import collection_pb2

from network.embedded.system import Refused
from node_client.protocol.codec import parse
from node_client.protocol.errors import ProtocolError
from node_client.protocol.msp import MspManager
from node_client.protocol.policy import SignaturePolicy

_NAME = re.compile(r"[A-Za-z0-9-]+[A-Za-z0-9_-]*")

Package = collection_pb2.CollectionConfigPackage
Collection = collection_pb2.StaticCollectionConfig
Principal = msp_principal_pb2.MSPPrincipal


def check_collections(proposed: Package, committed: Package, manager: MspManager) -> None:
    """Check a definition's collections.

    Args:
        committed: those of the definition in force; its collections stay.
        manager: the channel's organisations.

    Raises:
        Refused: they cannot be defined.
    """
    if any(not one.HasField("static_collection_config") for one in proposed.config):
        raise Refused("collection config contains unexpected payload type: <nil>")
    collections = [one.static_collection_config for one in proposed.config]
    seen: set[str] = set()
    for one in collections:
        if not _NAME.fullmatch(one.name):
            raise Refused(
                f"invalid collection name '{one.name}'. Names can only consist of alphanumerics, '_', and '-' and "
                "cannot begin with '_'"
            )
        if one.name in seen:
            raise _wrong(one, "found duplicate in collection configuration")
        seen.add(one.name)
        most, least = one.maximum_peer_count, one.required_peer_count
        if most < least:
            raise _wrong(one, f"maximum peer count ({most}) cannot be less than the required peer count ({least})")
        if least < 0:
            raise _wrong(one, f"requiredPeerCount ({least}) cannot be less than zero")
        _check_members(one, manager)
    _check_committed(collections, committed)


def _wrong(collection: Collection, text: str) -> Refused:
    return Refused(f"collection-name: {collection.name} -- {text}")


def _check_members(collection: Collection, manager: MspManager) -> None:
    if not collection.HasField("member_orgs_policy"):
        raise Refused(f"collection member policy is not set for collection '{collection.name}'")
    if not collection.member_orgs_policy.HasField("signature_policy"):
        raise Refused(f"collection member org policy is empty for collection '{collection.name}'")
    policy = collection.member_orgs_policy.signature_policy
    try:
        SignaturePolicy(policy.SerializeToString(), manager)
    except ProtocolError as error:
        raise Refused(f"invalid member org policy for collection '{collection.name}': {error}") from error
    _check_alternatives(collection, policy.rule)
    for principal in policy.identities:
        _check_principal(collection, principal, manager)


def _check_alternatives(collection: Collection, rule: policies_pb2.SignaturePolicy) -> None:
    """A member is whoever is one of several: the policy is made of OR alone."""
    if rule.WhichOneof("Type") != "n_out_of":
        return
    if rule.n_out_of.n != 1:
        text = f"signature policy is not an OR concatenation, NOutOf {rule.n_out_of.n}"
        raise _wrong(collection, f"error in member org policy: {text}")
    for one in rule.n_out_of.rules:
        _check_alternatives(collection, one)


def _check_principal(collection: Collection, principal: Principal, manager: MspManager) -> None:
    classification = principal.principal_classification
    if classification == Principal.IDENTITY:
        try:
            manager.member(principal.principal)
        except ProtocolError as error:
            raise _wrong(collection, "contains an identity that is not part of the channel") from error
        return
    if classification == Principal.ROLE:
        kind: type[msp_principal_pb2.MSPRole | msp_principal_pb2.OrganizationUnit] = msp_principal_pb2.MSPRole
    elif classification == Principal.ORGANIZATION_UNIT:
        kind = msp_principal_pb2.OrganizationUnit
    else:
        names = {number: name for name, number in Principal.Classification.items()}
        raise _wrong(collection, f"principal type {names.get(classification, classification)} is not supported")
    try:
        msp_id = parse(kind, principal.principal, "principal").msp_identifier
    except ProtocolError as error:
        raise _wrong(collection, f"cannot unmarshal identity bytes into {kind.DESCRIPTOR.name}") from error
    if msp_id not in manager.msps:
        raise _wrong(collection, f"collection member '{msp_id}' is not part of the channel")


def _check_committed(proposed: Iterable[Collection], committed: Package) -> None:
    """What has been written is kept: collections stay, and so does how long their values live."""
    by_name = {one.name: one for one in proposed}
    if committed.config and not by_name:
        raise Refused("the proposed collection config does not contain previously defined collections")
    for one in committed.config:
        old = one.static_collection_config
        new = by_name.get(old.name)
        if new is None:
            raise Refused(f"existing collection [{old.name}] missing in the proposed collection configuration")
        if new.block_to_live != old.block_to_live:
            raise Refused(
                f"the BlockToLive in an existing collection [{old.name}] modified. Existing value [{old.block_to_live}]"
            )
