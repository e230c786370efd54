"""Trust files are read from blocks, and a peer can make none of it up."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from node_client.audit.trust_export import export
from node_client.certificates.errors import LedgerMismatch, TrustError
from node_client.certificates.statement import Ledger
from node_client.certificates.trust import Trust
from node_client.gateway._sync.network import Network
from node_client.protocol.block import SIGNATURES, TRANSACTIONS_FILTER, Block, parse_block
from node_client.protocol.config import ChannelConfig
from node_client.protocol.policy_dsl import parse_policy
from tests.unit.node_client.audit.fake_network import FakeNetwork

VECTORS = Path(__file__).parents[3] / "vectors" / "fabric"
POLICY = "AND('CityMSP.peer', OR('NishitetsuMSP.peer', 'TriValleyMSP.peer'))"


@pytest.fixture(scope="module")
def blocks() -> list[Block]:
    return [parse_block((VECTORS / f"block{number}.pb").read_bytes()) for number in range(8)]


@pytest.fixture(scope="module")
def ledger(blocks: list[Block]) -> Ledger:
    return Ledger(blocks[0].hash.hex(), ChannelConfig(blocks[0]).channel, "registry")


def exported(blocks: list[Block], ledger: Ledger) -> Trust:
    return export(cast(Network, FakeNetwork(blocks, [])), ledger)


def test_organisations_and_policy_are_those_of_the_channel(blocks: list[Block], ledger: Ledger) -> None:
    trust = exported(blocks, ledger)
    (only,) = trust.ranges
    assert only.from_block == 0
    assert list(only.manager.msps) == ["CityMSP", "NishitetsuMSP", "TriValleyMSP"]
    assert only.policy == parse_policy(POLICY)
    assert Trust.from_bytes(trust.to_bytes()) == trust
    assert exported(blocks, ledger).digest == trust.digest


def test_a_channel_without_the_registry_gives_none(blocks: list[Block], ledger: Ledger) -> None:
    with pytest.raises(TrustError, match="has no chaincode"):
        exported(blocks[:4], ledger)
    with pytest.raises(TrustError, match="has no chaincode"):
        exported(blocks, replace(ledger, chaincode="other"))


CHANGES: dict[str, Callable[[Block], Block]] = {
    "another block": lambda block: replace(block, previous_hash=b"other"),
    "other content": lambda block: replace(block, envelopes=block.envelopes * 2),
    "not signed": lambda block: block.with_metadata(SIGNATURES, b""),
    "another code": lambda block: block.with_metadata(TRANSACTIONS_FILTER, b"\x0b"),
}


@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("number", [1, 4])
def test_a_peer_that_lies_is_not_believed(blocks: list[Block], ledger: Ledger, kind: str, number: int) -> None:
    changed = [CHANGES[kind](block) if block.number == number else block for block in blocks]
    with pytest.raises(LedgerMismatch, match=f"block {number}: "):
        exported(changed, ledger)


def test_another_ledger_is_not_believed(blocks: list[Block], ledger: Ledger) -> None:
    with pytest.raises(LedgerMismatch, match="another block than the one that is trusted"):
        exported(blocks, replace(ledger, first_block="00" * 32))
