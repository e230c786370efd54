"""A channel's chain, checked block by block with nothing but the first block to go by."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from node_client.audit.replay import Replay
from node_client.audit.state import AuditState
from node_client.protocol.block import Block
from node_client.protocol.config import ChannelConfig


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
    rest = iter(blocks)
    first = next(rest)
    found: list[Placed] = []
    with AuditState() as state:
        replay = Replay(state, first.hash.hex(), ChannelConfig(first).channel)
        for block in chain([first], rest):
            replayed = replay.take(block)
            assert not replayed.findings, replayed.findings
            for one in replayed.transactions:
                if not block.number:
                    continue
                event = one.transaction.response.event if one.transaction and one.is_valid else None
                named = (event.chaincode, event.name) if event else None
                found.append(Placed(block.number, one.position, one.tx_id, one.code, named))
    return found
