"""What organisations have approved: private writes to their implicit collections, of which everyone sees the hashes.

Source: Fabric's `core/chaincode/lifecycle/lifecycle.go` and `serializer.go`.
"""

from dataclasses import dataclass
from hashlib import sha256

from fabric_protos.peer.lifecycle import chaincode_definition_pb2, db_pb2

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

_LOCAL_PACKAGE = definitions.metadata("ChaincodeLocalPackage", ["PackageID"])


@dataclass(frozen=True)
class Approval:
    """What an organisation has approved, and the package that runs it there; empty when none does."""

    definition: Definition
    package_id: str


class Approvals:
    """One organisation's approvals, in a simulation.

    Args:
        msp_id: the organisation's.
    """

    def __init__(self, simulator: Simulator, msp_id: str) -> None:
        self._simulator = simulator
        self._collection = implicit_collection(msp_id)

    def read(self, name: str, sequence: int) -> Approval | None:
        """What was approved as this definition of a chaincode. Only the organisation's own peers know it."""
        key = f"{name}#{sequence}"
        if self._get(metadata_key(NAMESPACES, key)) is None:
            return None
        endorsement = chaincode_definition_pb2.ChaincodeEndorsementInfo.FromString(
            self._field(NAMESPACES, key, "EndorsementInfo").Bytes
        )
        validation = chaincode_definition_pb2.ChaincodeValidationInfo.FromString(
            self._field(NAMESPACES, key, "ValidationInfo").Bytes
        )
        definition = Definition(
            name=name,
            version=endorsement.version,
            sequence=sequence,
            policy=validation.validation_parameter,
            collections=self._field(NAMESPACES, key, "Collections").Bytes,
            endorsement_plugin=endorsement.endorsement_plugin,
            validation_plugin=validation.validation_plugin,
            init_required=endorsement.init_required,
        )
        return Approval(definition, self._field(SOURCES, key, "PackageID").String)

    def write(self, approval: Approval) -> None:
        """Approve."""
        key = f"{approval.definition.name}#{approval.definition.sequence}"
        for written, value in definitions.approval_writes(approval.definition).items():
            self._put(written, value)
        self._put(field_key(SOURCES, key, "PackageID"), definitions.text(approval.package_id))
        self._put(metadata_key(SOURCES, key), _LOCAL_PACKAGE)

    def holds(self, definition: Definition) -> bool:
        """Whether the organisation has approved exactly this, found by the hashes that every peer has."""
        hashes = [
            self._simulator.get_private_hash(LIFECYCLE, self._collection, key) == sha256(value).digest()
            for key, value in definitions.approval_writes(definition).items()
        ]
        return all(hashes)

    def _get(self, key: str) -> bytes | None:
        return self._simulator.get_private(LIFECYCLE, self._collection, key)

    def _put(self, key: str, value: bytes) -> None:
        self._simulator.put_private(LIFECYCLE, self._collection, key, value)

    def _field(self, space: str, name: str, field: str) -> db_pb2.StateData:
        return db_pb2.StateData.FromString(self._get(field_key(space, name, field)) or b"")
