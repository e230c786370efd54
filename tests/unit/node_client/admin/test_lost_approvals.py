"""Approving at a peer that has fetched the ledger from others, and has lost what its organisation approved before."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from fabric_protos.peer.lifecycle import lifecycle_pb2

from node_client import EndorseError, Gateway
from node_client.admin._sync.lifecycle import Lifecycle
from node_client.errors import PeerDetail
from node_client.protocol.lifecycle import ChaincodeDefinition, approve_argument

CHANNEL, PACKAGE = "certificates", "x_1:aa"
DEFINITION = ChaincodeDefinition(name="x", version="1", sequence=2)
LOST = (
    "GET_STATE failed: transaction ID: aa: private data matching public hash version is not available. Public hash "
    "version = {BlockNum: 2, TxNum: 0}, Private data version = <nil>"
)


class Peer:
    """A gateway to a peer that runs a chaincode, and refuses all approvals."""

    def __init__(self, refusal: str, channel: str, name: str, version: str) -> None:
        said = PeerDetail("localhost:1", "CityMSP", f"error in simulation: chaincode response 500, {refusal}")
        self._refusal = EndorseError("ABORTED", "failed to endorse transaction", details=(said,))
        self._installed = lifecycle_pb2.QueryInstalledChaincodesResult()
        one = self._installed.installed_chaincodes.add(package_id=PACKAGE, label="x_1")
        one.references[channel].chaincodes.add(name=name, version=version)
        self.identity = SimpleNamespace(msp_id="CityMSP")

    def get_network(self, channel: str) -> "Peer":
        return self

    def get_contract(self, name: str) -> "Peer":
        return self

    def submit(self, *arguments: Any, **options: Any) -> None:
        raise self._refusal

    def evaluate(self, *arguments: Any, **options: Any) -> bytes:
        given = lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs.FromString(approve_argument(DEFINITION, ""))
        return lifecycle_pb2.QueryChaincodeDefinitionResult(
            sequence=given.sequence, version=given.version, validation_parameter=given.validation_parameter
        ).SerializeToString()

    def process_proposal(self, *arguments: Any, **options: Any) -> bytes:
        return self._installed.SerializeToString()


def lifecycle(refusal: str = LOST, channel: str = CHANNEL, name: str = "x", version: str = "1") -> Lifecycle:
    return Lifecycle(cast(Gateway, Peer(refusal, channel, name, version)), CHANNEL)


def test_what_the_peer_runs_by_the_package_was_approved_so() -> None:
    assert lifecycle().approve(DEFINITION, PACKAGE) is False


@pytest.mark.parametrize(
    ("sequence", "package_id", "running"),
    [
        (2, "x_1:bb", {}),
        (2, "", {}),
        (3, PACKAGE, {}),
        (2, PACKAGE, {"channel": "another"}),
        (2, PACKAGE, {"name": "y"}),
        (2, PACKAGE, {"version": "0"}),
        (2, PACKAGE, {"refusal": "requested sequence 2 is larger than the next available sequence number 1"}),
    ],
    ids=["package", "none", "sequence", "channel", "chaincode", "version", "refusal"],
)
def test_anything_else_is_refused(sequence: int, package_id: str, running: dict[str, str]) -> None:
    definition = ChaincodeDefinition(name="x", version="1", sequence=sequence)
    with pytest.raises(EndorseError):
        lifecycle(**running).approve(definition, package_id)
