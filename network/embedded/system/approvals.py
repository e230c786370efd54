"""What organisations have approved: private writes to their implicit collections, of which everyone sees the hashes.

Source: Fabric's `core/chaincode/lifecycle/lifecycle.go`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from fabric_protos.peer.lifecycle import db_pb2, lifecycle_pb2

from chaincode.ledger.simulator import Simulator
from network.embedded.system import serializer
from network.embedded.system.serializer import PrivatePlace
from node_client.protocol import definitions
from node_client.protocol.definitions import NAMESPACES, SOURCES, Definition, field_key

PARAMETERS, LOCAL_PACKAGE = "ChaincodeParameters", "ChaincodeLocalPackage"


@dataclass(frozen=True)
class Approval:
    """What an organisation has approved, and the package that runs it there; empty when none does."""

    definition: Definition
    package_id: str

    @property
    def source(self) -> lifecycle_pb2.ChaincodeSource:
        """The package as answers name it."""
        if not self.package_id:
            return lifecycle_pb2.ChaincodeSource(unavailable=lifecycle_pb2.ChaincodeSource.Unavailable())
        return lifecycle_pb2.ChaincodeSource(
            local_package=lifecycle_pb2.ChaincodeSource.Local(package_id=self.package_id)
        )


def difference(one: Definition, other: Definition) -> str:
    """How two definitions differ but for their sequence; empty when they do not (`ChaincodeParameters.Equal`)."""
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


class Approvals:
    """One organisation's approvals, in a simulation.

    Args:
        msp_id: the organisation's.
    """

    def __init__(self, simulator: Simulator, msp_id: str) -> None:
        self._place = PrivatePlace(simulator, msp_id)

    def has(self, name: str, sequence: int) -> bool:
        """Whether there is an approval of this definition. Only the organisation's own peers know it."""
        return serializer.described(self._place, NAMESPACES, _private_name(name, sequence)) is not None

    def read(self, name: str, sequence: int) -> Approval | None:
        """What was approved as this definition of a chaincode. Only the organisation's own peers know it."""
        if not self.has(name, sequence):
            return None
        return Approval(self._parameters(name, sequence), self._package(name, sequence))

    def repeats(self, approval: Approval) -> bool:
        """Whether this was approved before, just so (`isAttemptToRedefine`)."""
        definition = approval.definition
        name, sequence = definition.name, definition.sequence
        if not self.has(name, sequence) or difference(self._parameters(name, sequence), definition):
            return False
        described = serializer.described(self._place, SOURCES, _private_name(name, sequence))
        return described is not None and self._package(name, sequence, described=True) == approval.package_id

    def write(self, approval: Approval) -> None:
        """Approve."""
        definition = approval.definition
        name = _private_name(definition.name, definition.sequence)
        serializer.write(self._place, NAMESPACES, name, PARAMETERS, definition.fields())
        package = {"PackageID": definitions.text(approval.package_id)}
        serializer.write(self._place, SOURCES, name, LOCAL_PACKAGE, package)

    def differences(self, definition: Definition) -> list[str]:
        """In what the organisation's approval differs from this, found by the hashes that every peer has."""
        name = _private_name(definition.name, definition.sequence)
        return self._place.differences(NAMESPACES, name, PARAMETERS, definition.fields())

    def all(self) -> Iterator[Approval]:
        """Everything that was approved, by name and sequence."""
        for private_name in sorted(serializer.names(self._place, NAMESPACES)):
            name, _, sequence = private_name.rpartition("#")
            yield Approval(self._parameters(name, int(sequence)), self._package(name, int(sequence)))

    def _parameters(self, name: str, sequence: int) -> Definition:
        private_name = _private_name(name, sequence)
        fields = {
            field: self._place.get(field_key(NAMESPACES, private_name, field)) or b""
            for field in definitions.PARAMETER_FIELDS
        }
        return definitions.from_fields(name, sequence, fields)

    def _package(self, name: str, sequence: int, *, described: bool = False) -> str:
        private_name = _private_name(name, sequence)
        if not described:
            serializer.described(self._place, SOURCES, private_name)
        found = self._place.get(field_key(SOURCES, private_name, "PackageID"))
        return db_pb2.StateData.FromString(found or b"").String


def _private_name(name: str, sequence: int) -> str:
    return f"{name}#{sequence}"
