"""What real Fabric's endorsers made of the lifecycle's calls, simulated again: the same to the byte.

The recorded blocks (tests/vectors/fabric) begin with the approvals and the commit of the registry's definition.
"""

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from fabric_protos.msp import identities_pb2

from chaincode.ledger.memory_state import MemoryState
from chaincode.ledger.mvcc import BlockValidator
from chaincode.ledger.read_write_set import decode
from chaincode.ledger.simulator import Simulator
from network.embedded.acl import AccessControl
from network.embedded.system import Call
from network.embedded.system.lifecycle import Lifecycle
from network.embedded.system.packages import PackageStore
from node_client.protocol.block import parse_block
from node_client.protocol.config import ChannelConfig
from node_client.protocol.definitions import LIFECYCLE
from node_client.protocol.policy import SignedData
from node_client.protocol.transaction import Transaction, open_envelope, parse_transaction
from tests.unit.network.embedded.system_calls import FakeLedger, FakePeer

VECTORS = Path(__file__).parents[3] / "vectors" / "fabric"
CALLS = 4  # blocks of one lifecycle transaction each


@pytest.fixture
def config() -> ChannelConfig:
    return ChannelConfig.from_bytes((VECTORS / "block0.pb").read_bytes())


def recorded(number: int) -> Transaction:
    (envelope,) = parse_block((VECTORS / f"block{number}.pb").read_bytes()).envelopes
    transaction = parse_transaction(open_envelope(envelope)[0])
    assert transaction.proposal.chaincode == LIFECYCLE
    return transaction


async def test_what_was_read_and_written_is_the_same(config: ChannelConfig, tmp_path: Path) -> None:
    state = MemoryState()
    for number in range(1, CALLS + 1):
        transaction = recorded(number)
        assert transaction.endorsements
        for endorsement in transaction.endorsements:
            simulator = Simulator(state, transaction.proposal.transaction_id)
            response = await Lifecycle().invoke(_call(config, tmp_path, transaction, endorsement.endorser, simulator))
            results = simulator.results()
            assert results.public == transaction.response.result
            assert response == transaction.response.payload
            for (_, collection), data in results.private.items():
                part = decode(transaction.response.result)[LIFECYCLE].collections[collection]
                assert sha256(data).digest() == part.private_digest
        validator = BlockValidator(state, number)
        assert validator.validate(0, decode(transaction.response.result)) is None
        state.apply(validator.updates)


def _call(config: ChannelConfig, folder: Path, transaction: Transaction, endorser: bytes, simulator: Simulator) -> Call:
    msp_id = identities_pb2.SerializedIdentity.FromString(endorser).mspid
    peer: Any = FakePeer(msp_id, FakeLedger(config), PackageStore(folder))
    creator = transaction.proposal.creator
    return Call(
        peer=peer,
        channel=config.channel,
        simulator=simulator,
        creator=config.msp_manager.member(creator),
        signed=SignedData(b"", creator, b""),
        arguments=transaction.proposal.args,
    )


def test_the_recorded_admins_might_call(config: ChannelConfig) -> None:
    """The access that the fake peers above admit blindly."""
    transaction = recorded(CALLS)
    access = AccessControl(config.msp_manager.msps["CityMSP"], FakeLedger(config))  # type: ignore[arg-type]
    (envelope,) = parse_block((VECTORS / f"block{CALLS}.pb").read_bytes()).envelopes
    payload, signature = open_envelope(envelope)
    signed = SignedData(payload, transaction.proposal.creator, signature)
    access.check(f"{LIFECYCLE}/CommitChaincodeDefinition", config.channel, signed)
