"""The network's trust file."""

from pathlib import Path

from network.registry import POLICY, REGISTRY
from network.topology import CHANNEL
from node_client.certificates.statement import Ledger
from node_client.certificates.trust import Trust
from node_client.protocol.block import parse_block
from node_client.protocol.config import ChannelConfig
from node_client.protocol.policy_dsl import parse_policy


def write_trust(path: Path, first_block: bytes) -> None:
    """Write what verifiers of this channel pin: its organisations as the first block defines them."""
    block = parse_block(first_block)
    msps = ChannelConfig(block).msp_manager.msps.values()
    ledger = Ledger(block.hash.hex(), CHANNEL, REGISTRY)
    path.write_bytes(Trust.create(ledger, [msp.config for msp in msps], parse_policy(POLICY)).to_bytes())
