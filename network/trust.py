"""The network's trust file."""

from pathlib import Path

from network.registry import POLICY, REGISTRY
from network.topology import CHANNEL
from node_client.certificates.statement import Ledger
from node_client.certificates.trust import Trust, TrustRange
from node_client.durable import replace_file
from node_client.protocol.block import parse_block
from node_client.protocol.config import ChannelConfig
from node_client.protocol.policy_dsl import parse_policy


def extend_trust(path: Path, config: ChannelConfig) -> None:
    """Write what verifiers of this channel pin from a new configuration on, if that differs.

    The endorsement policy stays the same.

    Raises:
        OSError, TrustError: the file cannot be read or written.
    """
    trust = Trust.from_bytes(path.read_bytes())
    msps = tuple(msp.config for msp in config.msp_manager.msps.values())
    last = trust.ranges[-1]
    if set(msps) != set(last.msps) and config.block.number > last.from_block:
        ranges = (*trust.ranges, TrustRange(config.block.number, msps, last.policy))
        replace_file(path, Trust(trust.ledger, ranges).to_bytes())


def write_trust(path: Path, first_block: bytes) -> None:
    """Write what verifiers of this channel pin: its organisations as the first block defines them."""
    block = parse_block(first_block)
    msps = ChannelConfig(block).msp_manager.msps.values()
    ledger = Ledger(block.hash.hex(), CHANNEL, REGISTRY)
    path.write_bytes(Trust.create(ledger, [msp.config for msp in msps], parse_policy(POLICY)).to_bytes())
