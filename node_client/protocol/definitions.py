"""Chaincode definitions as the channel's state holds them.

The layout is that of Fabric's `core/chaincode/lifecycle/serializer.go`: a value is spread over fields
`namespaces/fields/NAME/FIELD`, and `namespaces/metadata/NAME` names its type and its fields.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar, cast

from fabric_protos.peer import collection_pb2
from fabric_protos.peer.lifecycle import chaincode_definition_pb2, db_pb2
from google.protobuf.message import DecodeError

from chaincode.ledger.hashed_set import key_hash
from chaincode.ledger.state import StateReader

LIFECYCLE = "_lifecycle"
NAMESPACES = "namespaces"
SOURCES = "chaincode-sources"
SYSTEM_CHAINCODES = frozenset({LIFECYCLE, "qscc", "cscc", "lscc"})
DEFINITION_FIELDS = ("Sequence", "EndorsementInfo", "ValidationInfo", "Collections")
PARAMETER_FIELDS = DEFINITION_FIELDS[1:]
REMEMBERED = 1000  # definitions and approvals that are kept as they were read
SEQUENCE_KEY = f"{NAMESPACES}/fields/([^/]+)/Sequence"  # a regular expression

T = TypeVar("T")


@dataclass(frozen=True)
class Definition:
    """A chaincode's definition.

    Attributes:
        policy: its endorsement policy, `protos.ApplicationPolicy`.
        collections: its private data collections, `protos.CollectionConfigPackage`.
    """

    name: str
    version: str
    sequence: int
    policy: bytes
    collections: bytes
    endorsement_plugin: str = "escc"
    validation_plugin: str = "vscc"
    init_required: bool = False

    def fields(self) -> dict[str, bytes]:
        """The definition's parts as the state keeps them, without the sequence."""
        endorsement = chaincode_definition_pb2.ChaincodeEndorsementInfo(
            version=self.version, init_required=self.init_required, endorsement_plugin=self.endorsement_plugin
        )
        validation = chaincode_definition_pb2.ChaincodeValidationInfo(
            validation_plugin=self.validation_plugin, validation_parameter=self.policy
        )
        return {
            "EndorsementInfo": _bytes(endorsement.SerializeToString()),
            "ValidationInfo": _bytes(validation.SerializeToString()),
            "Collections": _bytes(self.collections),
        }


def metadata_key(space: str, name: str) -> str:
    """The key that names a value's type and fields."""
    return f"{space}/metadata/{name}"


def field_key(space: str, name: str, field: str) -> str:
    """The key of one field."""
    return f"{space}/fields/{name}/{field}"


def metadata(datatype: str, fields: list[str]) -> bytes:
    """A value's type and fields."""
    return db_pb2.StateMetadata(datatype=datatype, fields=fields).SerializeToString()


def number(value: int) -> bytes:
    """A whole number as a field."""
    return db_pb2.StateData(Int64=value).SerializeToString()


def text(value: str) -> bytes:
    """A text as a field."""
    return db_pb2.StateData(String=value).SerializeToString()


def _bytes(value: bytes) -> bytes:
    return db_pb2.StateData(Bytes=value).SerializeToString()


def read_definition(state: StateReader, name: str) -> Definition | None:
    """The committed definition of a chaincode, or None."""

    def read(key: str) -> bytes:
        found = state.get(LIFECYCLE, key)
        return found.value if found else b""

    sequence = state.get(LIFECYCLE, field_key(NAMESPACES, name, "Sequence"))
    if sequence is None:
        return None
    # Every definition writes its sequence: the version of that one stands for all fields.
    return _remembered(state, (name, sequence.version), lambda: read_fields(name, read))


def read_fields(name: str, read: Callable[[str], bytes]) -> Definition | None:
    """The definition that lies in these fields, or None; what cannot be read defines nothing.

    Args:
        read: gives the value at a key of the lifecycle's namespace, empty when there is none.
    """

    def field(part: str) -> bytes:
        return read(field_key(NAMESPACES, name, part))

    try:
        sequence = db_pb2.StateData.FromString(field("Sequence")).Int64
        if not sequence:
            return None
        return from_fields(name, sequence, {part: field(part) for part in PARAMETER_FIELDS})
    except DecodeError:
        return None


def from_fields(name: str, sequence: int, fields: Mapping[str, bytes]) -> Definition:
    """The definition of which these are the parts, as `Definition.fields` gives them. Raises DecodeError."""

    def content(part: str) -> bytes:
        return db_pb2.StateData.FromString(fields[part]).Bytes

    endorsement = chaincode_definition_pb2.ChaincodeEndorsementInfo.FromString(content("EndorsementInfo"))
    validation = chaincode_definition_pb2.ChaincodeValidationInfo.FromString(content("ValidationInfo"))
    collections = content("Collections")
    collection_pb2.CollectionConfigPackage.FromString(collections)
    return Definition(
        name=name,
        version=endorsement.version,
        sequence=sequence,
        policy=validation.validation_parameter,
        collections=collections,
        endorsement_plugin=endorsement.endorsement_plugin,
        validation_plugin=validation.validation_plugin,
        init_required=endorsement.init_required,
    )


def defined_names(state: StateReader) -> Iterator[str]:
    """The names of the chaincodes that are defined on the channel."""
    prefix = f"{NAMESPACES}/metadata/"
    for key, _ in state.range(LIFECYCLE, prefix, prefix + "\U0010ffff"):
        yield key.removeprefix(prefix)


def implicit_collection(msp_id: str) -> str:
    """The private collection that every organisation has of its own."""
    return f"_implicit_org_{msp_id}"


def approval_writes(definition: Definition) -> dict[str, bytes]:
    """What approving a definition writes into an organisation's implicit collection, the package aside."""
    key = f"{definition.name}#{definition.sequence}"
    fields = {field_key(NAMESPACES, key, field): value for field, value in definition.fields().items()}
    return {**fields, metadata_key(NAMESPACES, key): metadata("ChaincodeParameters", list(PARAMETER_FIELDS))}


def approved_package(state: StateReader, msp_id: str, definition: Definition) -> str | None:
    """The package that an organisation runs for a definition, at its own peer; empty when it runs none.

    None when it has not approved exactly this definition.
    """
    collection = implicit_collection(msp_id)
    name = f"{definition.name}#{definition.sequence}"

    package_key = field_key(SOURCES, name, "PackageID")

    def read() -> str | None:
        for key, value in approval_writes(definition).items():
            known = state.get_private_hash(LIFECYCLE, collection, key_hash(key))
            if known is None or known.value != sha256(value).digest():
                return None
        found = state.get_private(LIFECYCLE, collection, package_key)
        return db_pb2.StateData.FromString(found.value).String if found else ""

    approved = state.get_private_hash(LIFECYCLE, collection, key_hash(metadata_key(NAMESPACES, name)))
    package = state.get_private_hash(LIFECYCLE, collection, key_hash(package_key))
    if approved is None or package is None:
        return None
    # For a definition in force the first approval stays as it is; the package alone can be another one later.
    return _remembered(state, (msp_id, definition, approved.version, package.version), read)


def _remembered(state: StateReader, key: Hashable, read: Callable[[], T]) -> T:
    """What was read before under this key, on the same ledger; a state without a memory is read anew."""
    memo: dict[Hashable, object] | None = getattr(state, "memo", None)
    if memo is None:
        return read()
    if key not in memo:
        if len(memo) >= REMEMBERED:
            memo.clear()
        memo[key] = read()
    return cast(T, memo[key])
