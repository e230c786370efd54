"""A channel's chain, checked block by block with nothing but the first block to go by."""

from collections.abc import Iterable
from dataclasses import dataclass

from chaincode.ledger.memory_state import MemoryState
from chaincode.ledger.mvcc import BlockValidator
from node_client.protocol.block import COMMIT_HASH, Block, block_signatures, data_hash, signature_message
from node_client.protocol.commit_hash import commit_hash
from node_client.protocol.config import ChannelConfig
from node_client.protocol.policy import SignedData, signers
from node_client.protocol.validation import Code, judge_block


@dataclass(frozen=True)
class Placed:
    """A transaction in the chain."""

    block: int
    position: int
    tx_id: str
    code: int
    event: tuple[str, str] | None  # chaincode and name; of valid transactions only


def check_chain(blocks: Iterable[Block]) -> list[Placed]:
    """Check numbers, hashes, orderers' signatures, validation codes and commit hashes of a chain from block 0 on.

    The state is built anew from the blocks alone: codes and commit hashes are what they must be, not what was stored.

    Returns:
        Every transaction but the configuration, in the chain's order.
    """
    chain = iter(blocks)
    previous = next(chain)
    config = ChannelConfig(previous)
    state, seen, digest = MemoryState(), set[str](), b""
    found: list[Placed] = []
    for block in chain:
        assert block.number == previous.number + 1
        assert block.previous_hash == previous.hash
        assert block.data_hash == data_hash(block.envelopes)
        assert _is_signed(block, config)
        validator, codes = BlockValidator(state, block.number), bytearray()
        judged = judge_block(block.envelopes, config, state, seen.__contains__)
        for position, one in enumerate(judged):
            code = one.code
            if code == Code.VALID and one.sets and (conflict := validator.validate(position, one.sets)):
                code = Code.Value(conflict.value)
            codes.append(code)
            event = one.transaction.response.event if one.transaction and code == Code.VALID else None
            named = (event.chaincode, event.name) if event else None
            found.append(Placed(block.number, position, one.tx_id, code, named))
        seen.update(one.tx_id for one in judged)
        assert block.validation_codes == bytes(codes), f"block {block.number}"
        digest, slot = commit_hash(bytes(codes), validator.updates, digest)
        assert block.metadata[COMMIT_HASH] == slot, f"block {block.number}"
        state.apply(validator.updates)
        previous = block
    return found


def _is_signed(block: Block, config: ChannelConfig) -> bool:
    value, signatures = block_signatures(block)
    signed = [
        SignedData(signature_message(value, one.header, block.header_bytes), one.creator, one.signature)
        for one in signatures
    ]
    return config.policy("/Channel/Orderer/BlockValidation").satisfied_by(signers(config.msp_manager, signed))
