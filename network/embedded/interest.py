"""Which chaincodes and collections a transaction touches: what the gateway plans endorsements by.

Source: Fabric's `core/endorser/endorser.go` (`buildChaincodeInterest`).
"""

from fabric_protos.peer import proposal_response_pb2

from chaincode.ledger.simulator import SimulationResults
from network.embedded.definitions import SYSTEM_CHAINCODES


def chaincode_interest(chaincode: str, results: SimulationResults) -> "proposal_response_pb2.ChaincodeInterest":
    """The chaincodes that were run, and of each the collections; a collection that was only written needs no
    endorser that can read it."""
    interest = proposal_response_pb2.ChaincodeInterest()
    names = [chaincode, *(name for name in results.sets if name != chaincode and name not in SYSTEM_CHAINCODES)]
    for name in names:
        part = results.sets.get(name)
        if part is None or not part.collections:
            interest.chaincodes.add(name=name)
            continue
        for collection in sorted(part.collections):
            call = interest.chaincodes.add(name=name, collection_names=[collection])
            call.no_private_reads = (name, collection) not in results.private_reads
            call.no_public_writes = not part.writes
    return interest
