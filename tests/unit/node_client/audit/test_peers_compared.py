"""Peers that do not have what the others have, or answer something else: each is found, and named."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from chaincode.registry.model.records import BatchRecord, CertificateRecord, StatusRecord
from chaincode.registry.model.status import Reason, Status
from node_client.audit.audit import Auditor, Report
from node_client.audit.findings import Finding, What
from node_client.audit.peers import Peer
from node_client.audit.state import AuditState
from node_client.certificates.statement import Ledger
from node_client.errors import EventsError
from node_client.gateway._sync.network import Network
from node_client.protocol.block import COMMIT_HASH, TRANSACTIONS_FILTER, Block, parse_block
from node_client.protocol.config import ChannelConfig
from tests.unit.node_client.audit.fake_network import FakeNetwork

VECTORS = Path(__file__).parents[3] / "vectors" / "fabric"
CITY = frozenset({"CityMSP"})
NAMES = ("peer0.city", "peer0.nishitetsu", "peer0.trivalley")


@pytest.fixture(scope="module")
def blocks() -> list[Block]:
    return [parse_block((VECTORS / f"block{number}.pb").read_bytes()) for number in range(8)]


@pytest.fixture(scope="module")
def ledger(blocks: list[Block]) -> Ledger:
    return Ledger(blocks[0].hash.hex(), ChannelConfig(blocks[0]).channel, "registry")


@pytest.fixture(scope="module")
def records(blocks: list[Block], ledger: Ledger) -> list[CertificateRecord]:
    with AuditState() as state:
        Auditor(ledger, state, CITY).take(blocks)
        return [CertificateRecord.from_bytes(found.value) for _, found in state.range("registry", "", "")]


def audited(ledger: Ledger, *networks: FakeNetwork) -> Report:
    peers = [Peer(name, f"{name}MSP", cast(Network, network)) for name, network in zip(NAMES, networks, strict=False)]
    with AuditState() as state:
        auditor = Auditor(ledger, state, CITY)
        auditor.audit(peers)
        return auditor.report


def only(report: Report) -> Finding:
    (finding,) = report.findings
    return finding


def test_peers_that_agree_are_named(blocks: list[Block], ledger: Ledger, records: list[CertificateRecord]) -> None:
    report = audited(ledger, *[FakeNetwork(blocks, records) for _ in NAMES])
    assert report.is_clean
    assert report.peers == list(NAMES)


def test_a_record_that_one_peer_has_otherwise_is_named(
    blocks: list[Block], ledger: Ledger, records: list[CertificateRecord]
) -> None:
    other = [
        one.with_status(Status.REVOKED, Reason.UNSPECIFIED) if number == 30 else one
        for number, one in enumerate(records)
    ]
    report = audited(ledger, FakeNetwork(blocks, records), FakeNetwork(blocks, other))
    finding = only(report)
    assert (finding.what, finding.peer) == (What.RECORD, "peer0.nishitetsu")
    assert finding.record == f"certificate {records[30].certificate_id}"


@pytest.mark.parametrize("place", range(3))
def test_of_three_peers_the_one_that_differs_is_named(
    blocks: list[Block], ledger: Ledger, records: list[CertificateRecord], place: int
) -> None:
    other = [records[0].with_status(Status.SUSPENDED, Reason.CERTIFICATE_HOLD), *records[1:]]
    networks = [FakeNetwork(blocks, other if number == place else records) for number in range(3)]
    report = audited(ledger, *networks)
    finding = only(report)
    assert (finding.what, finding.peer) == (What.RECORD, NAMES[place])
    assert finding.record == f"certificate {records[0].certificate_id}"
    assert report.peers == list(NAMES)


@pytest.mark.parametrize("place", [0, 13, 64])
def test_a_record_that_one_peer_lost_or_made_up_is_named(
    blocks: list[Block], ledger: Ledger, records: list[CertificateRecord], place: int
) -> None:
    good = FakeNetwork(blocks, records)
    lost = [*records[:place], *records[place + 1 :]]
    assert only(audited(ledger, good, FakeNetwork(blocks, lost))).record.endswith(records[place].certificate_id)
    made_up = replace(records[place], certificate_id=records[place].certificate_id[:-1] + "x")
    more = sorted([*records, made_up], key=lambda one: one.certificate_id)
    assert only(audited(ledger, good, FakeNetwork(blocks, more))).record.endswith("x")


def test_a_batch_and_a_status_that_a_peer_made_up_are_named(
    blocks: list[Block], ledger: Ledger, records: list[CertificateRecord]
) -> None:
    batch = BatchRecord("ab" * 16, "cd" * 32, 3, "CityMSP", "t", "tx")
    status = StatusRecord("ab" * 16, "ef" * 32, 1, "CityMSP", "t", "tx", Status.REVOKED, Reason.UNSPECIFIED)
    liar = FakeNetwork(blocks, records, [batch], [status])
    report = audited(ledger, FakeNetwork(blocks, records), liar)
    assert {one.record for one in report.findings} == {
        f"batch {'ab' * 16}",
        f"status {'ab' * 16} {'ef' * 32}",
    }


def test_a_peer_with_another_block_code_or_commit_hash_is_named(
    blocks: list[Block], ledger: Ledger, records: list[CertificateRecord]
) -> None:
    others = (
        (lambda block: replace(block, previous_hash=b"other"), "another one"),
        (lambda block: replace(block, envelopes=block.envelopes[::-1]), "other transactions"),
        (lambda block: block.with_metadata(TRANSACTIONS_FILTER, b"\x0b" * len(block.envelopes)), "validation codes"),
        (lambda block: block.with_metadata(COMMIT_HASH, b""), "commit hash"),
    )
    for change, detail in others:
        other = [change(block) if block.number == 6 else block for block in blocks]
        report = audited(
            ledger, FakeNetwork(blocks, records), FakeNetwork(blocks, records), FakeNetwork(other, records)
        )
        finding = only(report)
        assert (finding.what, finding.block, finding.peer) == (What.PEER, 6, "peer0.trivalley")
        assert detail in finding.detail


def test_a_peer_that_is_behind_lost_or_breaks_off_is_named(
    blocks: list[Block], ledger: Ledger, records: list[CertificateRecord]
) -> None:
    good = FakeNetwork(blocks, records)
    behind = audited(ledger, good, FakeNetwork(blocks[:7], records))
    assert only(behind).what is What.HEIGHT
    lost = audited(ledger, good, FakeNetwork(blocks, records, fails=True))
    assert only(lost).what is What.UNREACHABLE
    breaks = audited(ledger, good, FakeNetwork(blocks, records, breaks_at=5))
    assert only(breaks).what is What.UNREACHABLE


@pytest.mark.parametrize(("how", "told"), [("stalls_at", "did not give block 5"), ("ends_at", "before block 5")])
def test_a_peer_that_stalls_or_ends_its_stream_is_named(
    blocks: list[Block], ledger: Ledger, records: list[CertificateRecord], how: str, told: str
) -> None:
    good, bad = FakeNetwork(blocks, records), FakeNetwork(blocks, records)
    setattr(bad, how, 5)
    found = only(audited(ledger, good, bad))
    assert (found.what, found.peer) == (What.UNREACHABLE, "peer0.nishitetsu")
    assert found.detail.startswith("peer0.nishitetsu has 8 blocks")
    assert told in found.detail
    with pytest.raises(EventsError, match=f"peer0.city .*{told}") as raised:
        audited(ledger, bad, good)
    assert raised.value.unreachable


def test_what_is_written_during_the_audit_is_no_difference(
    blocks: list[Block], ledger: Ledger, records: list[CertificateRecord]
) -> None:
    class Growing(FakeNetwork):
        def height(self) -> int:
            self.asked.append("height")
            return 7 if self.asked.count("height") == 1 else 8

    report = audited(ledger, Growing(blocks, records))
    assert report.is_clean
    assert report.height == 8


def test_a_first_peer_that_changed_its_blocks_is_named(
    blocks: list[Block], ledger: Ledger, records: list[CertificateRecord]
) -> None:
    codes = b"\x0b" * len(blocks[6].envelopes)
    changed = [block.with_metadata(TRANSACTIONS_FILTER, codes) if block.number == 6 else block for block in blocks]
    report = audited(ledger, FakeNetwork(changed, records), FakeNetwork(blocks, records))
    found = {(one.what, one.peer) for one in report.findings}
    assert found == {(What.VALIDATION_CODE, "peer0.city"), (What.PEER, "peer0.nishitetsu")}


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"no JSON",
        b"[]",
        b"{}",
        b'{"records":[1],"bookmark":""}',
        b'{"records":[{}],"bookmark":""}',
        b'{"records":[],"bookmark":1}',
        b'{"records":[],"bookmark":"0"}',
        b'{"records":[{"certificateId":"\\u0000"}],"bookmark":""}',
    ],
)
def test_a_peer_that_answers_nonsense_is_named(
    blocks: list[Block], ledger: Ledger, records: list[CertificateRecord], answer: bytes
) -> None:
    class Nonsense(FakeNetwork):
        def evaluate(self, function: str, *args: str, organizations: Sequence[str]) -> bytes:
            return answer

    report = audited(ledger, FakeNetwork(blocks, records), Nonsense(blocks, records))
    assert {one.peer for one in report.findings} == {"peer0.nishitetsu"}
    assert {one.what for one in report.findings} == {What.RECORD}
    assert report.peers == ["peer0.city"]


def test_a_peer_that_is_a_moment_behind_is_waited_for(
    blocks: list[Block], ledger: Ledger, records: list[CertificateRecord]
) -> None:
    class Late(FakeNetwork):
        def evaluate(self, function: str, *args: str, organizations: Sequence[str]) -> bytes:
            every, self.records = self.records, self.records if self.paused else self.records[:-1]
            try:
                return super().evaluate(function, *args, organizations=organizations)
            finally:
                self.records = every

    assert audited(ledger, FakeNetwork(blocks, records), Late(blocks, records)).is_clean
