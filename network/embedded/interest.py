"""What a transaction touches, and so whose endorsements it needs: the gateway plans by it.

Source: Fabric's `core/endorser/endorser.go` (`buildChaincodeInterest`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fabric_protos.common import policies_pb2
from fabric_protos.peer import proposal_response_pb2
from google.protobuf.message import DecodeError

from chaincode.ledger.simulator import PUBLIC, SimulationError, SimulationResults
from node_client.protocol.definitions import SYSTEM_CHAINCODES
from node_client.protocol.key_level import VALIDATION_PARAMETER


@dataclass
class _Touched:
    """What is touched of one chaincode.

    Attributes:
        required: by collection (`PUBLIC` for public keys): whether its endorsement policy counts, because a key that
            has no policy of its own is written.
        key_policies: the policies of the keys that are written.
    """

    required: dict[str, bool] = field(default_factory=dict)
    key_policies: list[policies_pb2.SignaturePolicyEnvelope] = field(default_factory=list)


def chaincode_interest(results: SimulationResults) -> "proposal_response_pb2.ChaincodeInterest":
    """The chaincodes that were touched, system chaincodes aside, and of each the collections and keys' policies.

    Raises:
        SimulationError: a key's policy cannot be read.
    """
    touched: dict[str, _Touched] = {}
    for (namespace, collection), keys in sorted(results.written_metadata.items()):
        one = touched.setdefault(namespace, _Touched({PUBLIC: False}))
        _add_written(one, collection, keys)
    for namespace in results.sets:
        # Read only, or written in private: the reads are public, and need the chaincode's endorsers.
        touched.setdefault(namespace, _Touched({PUBLIC: True}))
    for namespace, collection in sorted(results.private_reads):
        touched.setdefault(namespace, _Touched()).required[collection] = True
    interest = proposal_response_pb2.ChaincodeInterest()
    for namespace, one in sorted(touched.items()):
        if namespace not in SYSTEM_CHAINCODES:
            _add_calls(interest, namespace, one, results.private_reads)
    return interest


def _add_written(touched: _Touched, collection: str, keys: Sequence[Mapping[str, bytes]]) -> None:
    for metadata in keys:
        if VALIDATION_PARAMETER in metadata:
            touched.key_policies.append(_key_policy(metadata[VALIDATION_PARAMETER]))
        else:
            touched.required[collection] = True


def _key_policy(data: bytes) -> policies_pb2.SignaturePolicyEnvelope:
    try:
        return policies_pb2.SignaturePolicyEnvelope.FromString(data)
    except DecodeError as error:
        raise SimulationError(
            "error unmarshalling SignaturePolicyEnvelope: proto: cannot parse invalid wire-format data"
        ) from error


def _add_calls(
    interest: "proposal_response_pb2.ChaincodeInterest",
    namespace: str,
    touched: _Touched,
    private_reads: frozenset[tuple[str, str]],
) -> None:
    for collection, required in sorted(touched.required.items()):
        if collection != PUBLIC:
            call = interest.chaincodes.add(name=namespace, collection_names=[collection])
            call.no_private_reads = (namespace, collection) not in private_reads
        elif touched.key_policies or required:
            call = interest.chaincodes.add(name=namespace, key_policies=touched.key_policies)
            call.disregard_namespace_policy = not required
