"""Private data collections as a chaincode's definition has them, and Fabric's JSON form of them.

Source of the JSON form: Fabric's `internal/peer/chaincode/common.go` (`getCollectionConfigFromBytes`), which `peer
lifecycle chaincode approveformyorg --collections-config` reads. Whether peers take the collections is theirs to say.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fabric_protos.peer import collection_pb2, policy_pb2

from node_client.protocol.errors import ProtocolError
from node_client.protocol.policy_dsl import parse_policy

_INT32 = range(-(2**31), 2**31)
_UINT64 = range(2**64)


@dataclass(frozen=True, kw_only=True)
class Collection:
    """A private data collection.

    Attributes:
        policy: who is a member, `common.SignaturePolicyEnvelope`.
        required_peer_count, max_peer_count: how many other members' peers an endorser gives the data to.
        block_to_live: blocks after which a value is removed; 0 for never.
        member_only_read, member_only_write: whether only members' clients may read and write.
        endorsement_policy: what writes need, `protos.ApplicationPolicy`; empty for the chaincode's own.
    """

    name: str
    policy: bytes
    required_peer_count: int = 0
    max_peer_count: int = 1
    block_to_live: int = 0
    member_only_read: bool = False
    member_only_write: bool = False
    endorsement_policy: bytes = b""


def encode_collections(collections: Iterable[Collection]) -> bytes:
    """The collections as `protos.CollectionConfigPackage`; empty without any."""
    package = collection_pb2.CollectionConfigPackage()
    for one in collections:
        static = package.config.add().static_collection_config
        static.name = one.name
        static.member_orgs_policy.signature_policy.ParseFromString(one.policy)
        static.required_peer_count = one.required_peer_count
        static.maximum_peer_count = one.max_peer_count
        static.block_to_live = one.block_to_live
        static.member_only_read = one.member_only_read
        static.member_only_write = one.member_only_write
        if one.endorsement_policy:
            static.endorsement_policy.ParseFromString(one.endorsement_policy)
    return package.SerializeToString(deterministic=True)


def read_collections(text: str | bytes) -> tuple[Collection, ...]:
    """The collections of a `collections_config.json`.

    A name that is not known is refused, where Fabric would pass it over: a misspelt `memberOnlyRead` would protect
    nothing.

    Raises:
        ProtocolError: it is none; says where.
    """
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ProtocolError(f"the collections are not JSON: {error}") from error
    if not isinstance(found, list):
        raise ProtocolError("the collections are not a JSON array")
    return tuple(_collection(_Fields(f"collection {place}", one)) for place, one in enumerate(found, 1))


class _Fields:
    """The fields of a JSON object; each is asked for once."""

    def __init__(self, what: str, found: Any) -> None:
        if not isinstance(found, Mapping):
            raise ProtocolError(f"{what} is not a JSON object")
        self.what = what
        self._left = dict(found)

    def text(self, name: str) -> str:
        value = self._left.pop(name, "")
        if not isinstance(value, str):
            raise self.error(f"{name} is not a text")
        return value

    def flag(self, name: str) -> bool:
        value = self._left.pop(name, None)
        if not isinstance(value, bool | None):
            raise self.error(f"{name} is neither true nor false")
        return bool(value)

    def number(self, name: str, admitted: range, default: int) -> int:
        value = self._left.pop(name, None)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or value not in admitted:
            raise self.error(f"{name} is not such a number")
        return value

    def fields(self, name: str) -> "_Fields | None":
        value = self._left.pop(name, None)
        return None if value is None else _Fields(f"{self.what}, {name}", value)

    def end(self) -> None:
        for name in self._left:
            raise self.error(f"{name} is not known")

    def error(self, text: str) -> ProtocolError:
        return ProtocolError(f"{self.what}: {text}")


def _collection(fields: _Fields) -> Collection:
    name = fields.text("name")
    if name:
        fields.what = f"collection {name}"
    endorsement = fields.fields("endorsementPolicy")
    collection = Collection(
        name=name,
        policy=_parsed(fields, fields.text("policy")),
        required_peer_count=fields.number("requiredPeerCount", _INT32, 0),
        max_peer_count=fields.number("maxPeerCount", _INT32, 1),
        block_to_live=fields.number("blockToLive", _UINT64, 0),
        member_only_read=fields.flag("memberOnlyRead"),
        member_only_write=fields.flag("memberOnlyWrite"),
        endorsement_policy=_endorsement_policy(endorsement) if endorsement else b"",
    )
    fields.end()
    return collection


def _endorsement_policy(fields: _Fields) -> bytes:
    signature, channel = fields.text("signaturePolicy"), fields.text("channelConfigPolicy")
    fields.end()
    if signature and channel:
        raise fields.error("signaturePolicy and channelConfigPolicy exclude each other")
    policy = policy_pb2.ApplicationPolicy()
    if signature:
        policy.signature_policy.ParseFromString(_parsed(fields, signature))
    elif channel:
        policy.channel_config_policy_reference = channel
    return policy.SerializeToString()


def _parsed(fields: _Fields, policy: str) -> bytes:
    try:
        return parse_policy(policy)
    except ProtocolError as error:
        raise fields.error(str(error)) from error
