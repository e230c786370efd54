"""Blocks of real Fabric with invalid transactions, private data and a change of the configuration, judged anew."""

import gzip
from dataclasses import replace
from pathlib import Path

import pytest
from fabric_protos.common import common_pb2
from fabric_protos.peer import transaction_pb2

from node_client.audit.findings import What
from node_client.audit.replay import Placed, Replay, Replayed
from node_client.audit.state import AuditState
from node_client.protocol.block import TRANSACTIONS_FILTER, Block, is_config_block, parse_block
from node_client.protocol.config import ChannelConfig

VECTORS = Path(__file__).parents[3] / "vectors" / "fabric_codes"
MALFORMED = VECTORS.parent / "fabric_malformed" / "blocks.pb.gz"
VALID = transaction_pb2.VALID


@pytest.fixture(scope="module")
def blocks() -> list[Block]:
    return [parse_block((VECTORS / f"block{number}.pb").read_bytes()) for number in range(16)]


def replayed(blocks: list[Block]) -> list[Replayed]:
    with AuditState() as state:
        replay = Replay(state, blocks[0].hash.hex(), ChannelConfig(blocks[0]).channel)
        return [replay.take(block) for block in blocks]


def invalid(found: list[Replayed]) -> list[tuple[int, Placed]]:
    return [(one.block.number, placed) for one in found for placed in one.transactions if not placed.is_valid]


def test_codes_and_commit_hashes_are_those_that_fabric_wrote(blocks: list[Block]) -> None:
    found = replayed(blocks)
    assert [one.findings for one in found] == [()] * 16
    for one in found[1:]:
        assert bytes(placed.code for placed in one.transactions) == one.block.validation_codes
    codes = [transaction_pb2.TxValidationCode.Name(placed.code) for _, placed in invalid(found)]  # type: ignore[arg-type]
    assert codes == ["MVCC_READ_CONFLICT", "ENDORSEMENT_POLICY_FAILURE", "DUPLICATE_TXID"]
    assert [one.number for one in blocks if is_config_block(one)] == [0, 14]


def test_codes_of_malformed_contents_are_those_that_fabric_wrote() -> None:
    recorded = common_pb2.BlockData.FromString(gzip.decompress(MALFORMED.read_bytes())).data
    found = replayed([parse_block(data) for data in recorded])
    assert [one.findings for one in found] == [()] * len(recorded)
    names = [transaction_pb2.TxValidationCode.Name(placed.code) for _, placed in invalid(found)]  # type: ignore[arg-type]
    assert len(names) > 70
    assert set(names) == {
        "BAD_COMMON_HEADER",
        "BAD_PROPOSAL_TXID",
        "INVALID_ENDORSER_TRANSACTION",
        "DUPLICATE_TXID",
        "BAD_HEADER_EXTENSION",
        "BAD_RESPONSE_PAYLOAD",
        "BAD_RWSET",
        "INVALID_OTHER_REASON",
        "INVALID_CHAINCODE",
        "ILLEGAL_WRITESET",
        "ENDORSEMENT_POLICY_FAILURE",
        "MVCC_READ_CONFLICT",
    }


def test_a_configuration_that_no_member_signed_does_not_come_into_force(blocks: list[Block]) -> None:
    envelope = common_pb2.Envelope.FromString(blocks[14].envelopes[0])
    envelope.signature = b"none"
    forged = replace(blocks[14], envelopes=(envelope.SerializeToString(),))
    with AuditState() as state:
        replay = Replay(state, blocks[0].hash.hex(), ChannelConfig(blocks[0]).channel)
        found = [replay.take(block) for block in (*blocks[:14], forged)]
        assert replay.config is not None
        assert replay.config.block.number == 0
    assert What.CONFIGURATION in {one.what for one in found[-1].findings}


def test_private_data_are_judged_by_their_hashes(blocks: list[Block]) -> None:
    found = replayed(blocks)
    with_hashes = [
        one.block.number
        for one in found
        for placed in one.transactions
        for name, part in (placed.sets or {}).items()
        if name != "_lifecycle" and any(collection.writes for collection in part.collections.values())
    ]
    assert len(with_hashes) == 2


def test_an_invalid_transaction_that_is_called_valid_is_found(blocks: list[Block]) -> None:
    for number, placed in invalid(replayed(blocks)):
        codes = bytearray(blocks[number].validation_codes)
        codes[placed.position] = VALID
        changed = blocks[number].with_metadata(TRANSACTIONS_FILTER, bytes(codes))
        others = [changed if block.number == number else block for block in blocks]
        findings = [(one.what, one.block) for result in replayed(others) for one in result.findings]
        assert findings == [(What.VALIDATION_CODE, number)]
