"""Blocks that real Fabric v3.1.5 made, judged and committed by the embedded ledger's rules.

The recorded blocks (tests/vectors/fabric) are of a throw-away network of three organisations: the lifecycle of the
registry, and transactions of it. Hashes, signatures, validation codes and commit hashes must come out the same.
"""

from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest

from chaincode.ledger.memory_state import MemoryState
from chaincode.ledger.mvcc import BlockValidator
from chaincode.ledger.state import StateReader
from node_client.protocol.block import (
    COMMIT_HASH,
    Block,
    block_signatures,
    data_hash,
    parse_block,
    signature_message,
)
from node_client.protocol.commit_hash import commit_hash
from node_client.protocol.config import ChannelConfig
from node_client.protocol.key_level import KeyLevelPolicies
from node_client.protocol.policy import SignedData, signers
from node_client.protocol.validation import Code, judge, judge_block

VECTORS = Path(__file__).parents[3] / "vectors" / "fabric"


@pytest.fixture(scope="module")
def blocks() -> list[Block]:
    return [parse_block((VECTORS / f"block{number}.pb").read_bytes()) for number in range(8)]


@pytest.fixture(scope="module")
def config(blocks: list[Block]) -> ChannelConfig:
    return ChannelConfig(blocks[0])


def test_every_block_names_the_hash_of_the_one_before(blocks: list[Block]) -> None:
    for previous, block in pairwise(blocks):
        assert block.previous_hash == previous.hash
        assert block.data_hash == data_hash(block.envelopes)
        assert block.data_hash == sha256(b"".join(block.envelopes)).digest()


def test_every_block_is_signed_by_an_orderer(blocks: list[Block], config: ChannelConfig) -> None:
    for block in blocks[1:]:
        value, signatures = block_signatures(block)
        signed = [
            SignedData(signature_message(value, one.header, block.header_bytes), one.creator, one.signature)
            for one in signatures
        ]
        members = signers(config.msp_manager, signed)
        assert config.policy("/Channel/Orderer/BlockValidation").satisfied_by(members)
        assert not config.policy("/Channel/Orderer/BlockValidation").satisfied_by([])


def test_judging_gives_fabrics_codes_and_commit_hashes(blocks: list[Block], config: ChannelConfig) -> None:
    state: StateReader = MemoryState()
    previous = b""
    transactions = 0
    for block in blocks[1:]:
        validator = BlockValidator(state, block.number)
        codes = []
        for position, judged in enumerate(judge_block(block, config, state, lambda _: False)):
            code = judged.code
            if code == Code.VALID and judged.sets and (conflict := validator.validate(position, judged.sets)):
                code = Code.Value(conflict.value)
            codes.append(code)
            transactions += 1
        assert bytes(codes) == block.validation_codes
        previous, slot = commit_hash(bytes(codes), validator.updates, previous)
        assert slot == block.metadata[COMMIT_HASH]
        assert isinstance(state, MemoryState)
        state.apply(validator.updates)
    assert transactions > 60


def test_a_changed_byte_of_an_envelope_is_not_valid(blocks: list[Block], config: ChannelConfig) -> None:
    state = MemoryState()
    for block in blocks[1:5]:
        validator = BlockValidator(state, block.number)
        judged = judge(block.envelopes[0], config, state, KeyLevelPolicies(config, state))
        assert judged.sets is not None
        assert validator.validate(0, judged.sets) is None
        state.apply(validator.updates)
    (envelope,) = blocks[5].envelopes
    policies = KeyLevelPolicies(config, state)
    assert judge(envelope, config, state, policies).code == Code.VALID
    for position in range(0, len(envelope), 61):
        changed = bytearray(envelope)
        changed[position] ^= 1
        assert judge(bytes(changed), config, state, policies).code != Code.VALID
