"""Blocks of real Fabric judged by an auditor: as they are, and with one thing changed by hand."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from fabric_protos.common import common_pb2
from fabric_protos.peer import transaction_pb2

from node_client.audit.audit import Auditor, Report
from node_client.audit.findings import What
from node_client.audit.replay import Replay
from node_client.audit.state import AuditState
from node_client.audit.tally import Issued
from node_client.audit.trust_ranges import TrustRanges
from node_client.certificates.statement import Ledger
from node_client.certificates.trust import Trust
from node_client.errors import AuditError
from node_client.protocol.block import (
    COMMIT_HASH,
    SIGNATURES,
    TRANSACTIONS_FILTER,
    Block,
    data_hash,
    new_block,
    parse_block,
)
from node_client.protocol.config import ChannelConfig
from node_client.protocol.errors import ProtocolError
from node_client.protocol.policy_dsl import parse_policy

VECTORS = Path(__file__).parents[3] / "vectors" / "fabric"
CITY = frozenset({"CityMSP"})
POLICY = "AND('CityMSP.peer', OR('NishitetsuMSP.peer', 'TriValleyMSP.peer'))"


@pytest.fixture(scope="module")
def blocks() -> list[Block]:
    return [parse_block((VECTORS / f"block{number}.pb").read_bytes()) for number in range(8)]


def ledger_of(blocks: Sequence[Block]) -> Ledger:
    return Ledger(blocks[0].hash.hex(), ChannelConfig(blocks[0]).channel, "registry")


def audited(blocks: Sequence[Block], ledger: Ledger, issuers: frozenset[str] = CITY) -> Report:
    with AuditState() as state:
        auditor = Auditor(ledger, state, issuers)
        auditor.take(blocks)
        return auditor.report


def found(report: Report) -> set[tuple[What, int | None]]:
    return {(one.what, one.block) for one in report.findings}


def changed(blocks: Sequence[Block], number: int, change: Callable[[Block], Block]) -> list[Block]:
    return [change(block) if block.number == number else block for block in blocks]


def with_envelope(block: Block, position: int, change: Callable[[bytes], bytes]) -> Block:
    """A block with one envelope changed, and a header that fits."""
    envelopes = list(block.envelopes)
    envelopes[position] = change(envelopes[position])
    return replace(block, envelopes=tuple(envelopes), data_hash=data_hash(envelopes))


def test_what_fabric_made_is_as_it_should_be(blocks: list[Block]) -> None:
    report = audited(blocks, ledger_of(blocks))
    assert report.is_clean
    assert (report.height, report.tally.transactions, report.tally.invalid) == (8, 69, 0)
    assert report.block_hash == blocks[-1].hash.hex()
    assert report.tally.issuers == {"CityMSP": Issued(certificates=65)}


def test_a_validation_code_that_was_changed_is_found_and_named(blocks: list[Block]) -> None:
    def change(block: Block) -> Block:
        codes = bytearray(block.validation_codes)
        codes[7] = 11  # MVCC_READ_CONFLICT
        return block.with_metadata(TRANSACTIONS_FILTER, bytes(codes))

    report = audited(changed(blocks, 6, change), ledger_of(blocks))
    (finding,) = report.findings
    assert (finding.what, finding.block) == (What.VALIDATION_CODE, 6)
    assert finding.transaction_id
    assert "MVCC_READ_CONFLICT" in finding.detail


def test_codes_that_are_missing_are_found(blocks: list[Block]) -> None:
    report = audited(changed(blocks, 6, lambda block: block.with_metadata(TRANSACTIONS_FILTER, b"")), ledger_of(blocks))
    assert found(report) == {(What.VALIDATION_CODE, 6)}


def test_an_endorsement_that_was_changed_is_found_and_named(blocks: list[Block]) -> None:
    def change(envelope: bytes) -> bytes:
        message = common_pb2.Envelope.FromString(envelope)
        payload = common_pb2.Payload.FromString(message.payload)
        transaction = transaction_pb2.Transaction.FromString(payload.data)
        action = transaction_pb2.ChaincodeActionPayload.FromString(transaction.actions[0].payload)
        signature = bytearray(action.action.endorsements[0].signature)
        signature[-1] ^= 1
        action.action.endorsements[0].signature = bytes(signature)
        transaction.actions[0].payload = action.SerializeToString()
        payload.data = transaction.SerializeToString()
        message.payload = payload.SerializeToString()
        return message.SerializeToString()

    # The creator signed the endorsements, and the orderers the block: all three are found broken.
    report = audited(changed(blocks, 6, lambda block: with_envelope(block, 3, change)), ledger_of(blocks))
    assert {(What.VALIDATION_CODE, 6), (What.ORDERERS, 6), (What.CHAIN, 7)} <= found(report)
    assert any("BAD_CREATOR_SIGNATURE" in one.detail for one in report.findings)


def test_an_envelope_under_the_old_header_is_found(blocks: list[Block]) -> None:
    def change(block: Block) -> Block:
        other = with_envelope(block, 3, lambda envelope: envelope[:-1] + bytes([envelope[-1] ^ 1]))
        return replace(other, data_hash=block.data_hash)

    report = audited(changed(blocks, 6, change), ledger_of(blocks))
    assert {(What.CONTENT, 6), (What.VALIDATION_CODE, 6)} <= found(report)


def test_envelopes_that_were_joined_into_one_are_found(blocks: list[Block]) -> None:
    """The hash over the block's content and the orderers' signatures stay what they were."""

    def change(block: Block) -> Block:
        first, second, *others = block.envelopes
        codes = block.validation_codes[1:]
        return replace(block, envelopes=(first + second, *others)).with_metadata(TRANSACTIONS_FILTER, codes)

    assert change(blocks[6]).hash == blocks[6].hash
    report = audited(changed(blocks, 6, change), ledger_of(blocks))
    details = [one.detail for one in report.findings if (one.what, one.block) == (What.CONTENT, 6)]
    assert details == ["peers refuse the block: transaction 0 is not the encoding of its own content"]
    assert What.ORDERERS not in {one.what for one in report.findings}


def test_a_configuration_that_no_member_signed_is_found(blocks: list[Block]) -> None:
    (envelope,) = blocks[0].envelopes
    report = audited([blocks[0], new_block(1, blocks[0].hash, [envelope])], ledger_of(blocks))
    details = [one.detail for one in report.findings if one.what == What.CONFIGURATION]
    assert details[0] == "the configuration is not one that a member of the channel signed"


def test_a_commit_hash_that_was_changed_is_found(blocks: list[Block]) -> None:
    def change(block: Block) -> Block:
        return block.with_metadata(COMMIT_HASH, b"\x0a\x02\x01\x02")

    assert found(audited(changed(blocks, 5, change), ledger_of(blocks))) == {(What.COMMIT_HASH, 5)}


@pytest.mark.parametrize("slot", [b"", b"garbage"])
def test_a_block_without_the_orderers_signature_is_found(blocks: list[Block], slot: bytes) -> None:
    report = audited(changed(blocks, 5, lambda block: block.with_metadata(SIGNATURES, slot)), ledger_of(blocks))
    assert found(report) == {(What.ORDERERS, 5)}


def test_a_signature_of_another_block_is_found(blocks: list[Block]) -> None:
    slot = blocks[4].metadata[SIGNATURES]
    report = audited(changed(blocks, 5, lambda block: block.with_metadata(SIGNATURES, slot)), ledger_of(blocks))
    assert found(report) == {(What.ORDERERS, 5)}


def test_a_missing_block_is_found(blocks: list[Block]) -> None:
    report = audited(blocks[:6] + blocks[7:], ledger_of(blocks))
    assert (What.CHAIN, 7) in found(report)


def test_another_ledger_is_found(blocks: list[Block]) -> None:
    report = audited(blocks, replace(ledger_of(blocks), first_block="00" * 32))
    assert found(report) == {(What.LEDGER, 0)}


def test_certificates_of_who_may_not_issue_are_found(blocks: list[Block]) -> None:
    report = audited(blocks, ledger_of(blocks), frozenset({"OtherMSP"}))
    assert {one.what for one in report.findings} == {What.REGISTRY_RULES}
    assert len(report.findings) == 65


def test_an_audit_goes_on_from_its_checkpoint(blocks: list[Block], tmp_path: Path) -> None:
    ledger, path = ledger_of(blocks), tmp_path / "audit.db"
    for some in (blocks[:6], blocks[6:]):
        with AuditState(path) as state:
            auditor = Auditor(ledger, state, CITY)
            auditor.take(some)
    assert auditor.report.is_clean
    assert (auditor.report.first, auditor.report.height) == (6, 8)
    assert auditor.report.tally.issuers == {"CityMSP": Issued(certificates=65)}


def test_what_was_found_before_a_checkpoint_stays_found(blocks: list[Block], tmp_path: Path) -> None:
    ledger, path = ledger_of(blocks), tmp_path / "audit.db"
    broken = changed(blocks, 5, lambda block: block.with_metadata(SIGNATURES, b""))
    for some in (broken[:6], broken[6:]):
        with AuditState(path) as state:
            auditor = Auditor(ledger, state, CITY)
            auditor.take(some)
    assert found(auditor.report) == {(What.ORDERERS, 5)}


def test_a_checkpoint_of_something_else_is_refused(blocks: list[Block], tmp_path: Path) -> None:
    with AuditState(tmp_path / "audit.db") as state:
        Auditor(ledger_of(blocks), state, CITY).take(blocks)
        with pytest.raises(AuditError, match="another ledger"):
            Auditor(replace(ledger_of(blocks), first_block="00" * 32), state, CITY)
    (tmp_path / "no.db").write_bytes(b"something that is no database" * 100)
    with pytest.raises(AuditError):
        AuditState(tmp_path / "no.db")


def test_the_trust_file_is_read_from_the_blocks(blocks: list[Block]) -> None:
    ledger = ledger_of(blocks)
    ranges = TrustRanges(ledger)
    with AuditState() as state:
        replay = Replay(state, ledger.first_block, ledger.channel)
        for block in blocks:
            replay.take(block)
            ranges.take(replay)
    trust = ranges.result()
    assert [one.from_block for one in trust.ranges] == [0]
    assert set(trust.ranges[0].manager.msps) == {"CityMSP", "NishitetsuMSP", "TriValleyMSP"}


def test_a_trust_file_that_says_something_else_is_found(blocks: list[Block]) -> None:
    ledger = ledger_of(blocks)
    with AuditState() as state:
        auditor = Auditor(ledger, state, CITY)
        auditor.take(blocks)
        msps = [msp.config for msp in ChannelConfig(blocks[0]).msp_manager.msps.values()]
        auditor.check_trust(Trust.create(ledger, msps[::-1], parse_policy(POLICY)))
        assert auditor.report.is_clean
        auditor.check_trust(Trust.create(ledger, msps, parse_policy("OR('CityMSP.peer', 'NishitetsuMSP.peer')")))
        auditor.check_trust(Trust.create(ledger, msps[1:], parse_policy(POLICY)))
        assert [one.what for one in auditor.report.findings] == [What.TRUST_FILE] * 2


# The slots of a block's metadata that something depends on; the others are left from earlier versions of Fabric.
LIVING = (SIGNATURES, TRANSACTIONS_FILTER, COMMIT_HASH)


def living(block: Block) -> tuple[object, ...]:
    slots = (*block.metadata, *[b""] * 5)
    return block.header_bytes, block.envelopes, *(slots[slot] for slot in LIVING)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_byte_of_a_block_is_changed_something_is_found(blocks: list[Block], seed: int) -> None:
    dice, ledger, tried = random.Random(seed), ledger_of(blocks), 0
    while tried < 20:
        number = dice.randrange(1, 7)
        data = bytearray(blocks[number].encode())
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        try:
            changed_block = parse_block(bytes(data))
        except ProtocolError:
            continue
        if living(changed_block) == living(blocks[number]):
            continue
        tried += 1
        assert not audited([*blocks[:number], changed_block, *blocks[number + 1 : 7]], ledger).is_clean
