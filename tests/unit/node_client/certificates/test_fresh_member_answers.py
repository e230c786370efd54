"""Online verdicts of a batch's members: the organisations' answer must be to this verifier's very question."""

import json
from datetime import UTC, datetime

import pytest

from chaincode.ledger.state import Version
from chaincode.registry.model.records import StatusRecord
from chaincode.registry.model.status import Reason, Status
from node_client.certificates.document import Document
from node_client.certificates.questions import member_question
from node_client.certificates.receipt import Receipt
from node_client.certificates.verification import CheckName, Outcome, Verdict, Verification, Verifier
from tests.unit.node_client.certificates.consortium import (
    BATCH_ID,
    CITY,
    NISHITETSU,
    TRIVALLEY,
    Batched,
    Consortium,
    batch_of,
)

NONCE, OTHER_NONCE = b"n" * 24, b"o" * 24


@pytest.fixture(scope="module")
def city() -> Consortium:
    return Consortium()


@pytest.fixture(scope="module")
def batch(city: Consortium) -> Batched:
    return batch_of(city, 4)


def answered(
    city: Consortium,
    batch: Batched,
    receipt: Receipt,
    *,
    status: Status | None = None,
    nonce: bytes = NONCE,
    endorsers: tuple[str, ...] = (CITY, NISHITETSU),
) -> bytes:
    """What the organisations answer for a member."""
    question = member_question(batch.record.batch_id, receipt.leaf.hex())
    inclusion = receipt.inclusion
    assert inclusion is not None
    record = (
        StatusRecord(
            inclusion.batch_id, receipt.leaf.hex(), inclusion.index, CITY, "t", "cd" * 32, status, Reason.UNSPECIFIED
        )
        if status
        else None
    )
    batch_key, status_key = question.keys
    data = json.dumps(
        {"batch": batch.record.to_dict(), "status": record.to_dict() if record else None},
        separators=(",", ":"),
        sort_keys=True,
    ).encode()
    reads = {batch_key: Version(6, 0), status_key: Version(7, 0) if record else None}
    return city.attest(question, data, reads=reads, nonce=nonce, endorsers=endorsers)


def online(city: Consortium, batch: Batched, answer: bytes, nonce: bytes = NONCE) -> Verification:
    verifier = Verifier(Document.of_bytes(batch.documents[1]), batch.receipts[1], city.trust, CITY, datetime.now(UTC))
    verifier.check_receipt()
    verifier.check_record(answer, nonce)
    return verifier.result()


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (None, Verdict.GENUINE),
        (Status.ACTIVE, Verdict.GENUINE),
        (Status.SUSPENDED, Verdict.SUSPENDED),
        (Status.REVOKED, Verdict.REVOKED),
        (Status.SUPERSEDED, Verdict.SUPERSEDED),
    ],
)
def test_what_the_organisations_answer_counts(
    city: Consortium, batch: Batched, status: Status | None, verdict: Verdict
) -> None:
    assert online(city, batch, answered(city, batch, batch.receipts[1], status=status)).verdict is verdict


def test_an_answer_to_somebody_elses_question_confirms_nothing(city: Consortium, batch: Batched) -> None:
    foreign = online(city, batch, answered(city, batch, batch.receipts[1], nonce=OTHER_NONCE))
    assert foreign.verdict is Verdict.UNCONFIRMED
    assert {check.name for check in foreign.checks if check.outcome is Outcome.FAILED} == {CheckName.RECORD}
    assert online(city, batch, batch.receipts[1].attestation).verdict is Verdict.UNCONFIRMED
    others = answered(city, batch, batch.receipts[2])
    assert online(city, batch, others).verdict is Verdict.UNCONFIRMED


def test_an_answer_of_another_batch_confirms_nothing(city: Consortium, batch: Batched) -> None:
    other = batch_of(city, 4, BATCH_ID[::-1])
    assert online(city, batch, answered(city, other, other.receipts[1])).verdict is Verdict.UNCONFIRMED


@pytest.mark.parametrize("endorsers", [(CITY,), (NISHITETSU, TRIVALLEY), (TRIVALLEY,)])
def test_an_answer_of_too_few_confirms_nothing(city: Consortium, batch: Batched, endorsers: tuple[str, ...]) -> None:
    answer = answered(city, batch, batch.receipts[1], endorsers=endorsers)
    assert online(city, batch, answer).verdict is Verdict.UNCONFIRMED


@pytest.mark.parametrize("status", [None, Status.ACTIVE, Status.REVOKED])
def test_any_byte_of_the_answer(city: Consortium, batch: Batched, status: Status | None) -> None:
    answer = answered(city, batch, batch.receipts[1], status=status)
    for place in range(0, len(answer), 7):
        changed = bytearray(answer)
        changed[place] ^= 1 << place % 8
        assert online(city, batch, bytes(changed)).verdict is Verdict.UNCONFIRMED, place
    for cut in (answer[:-1], answer + b"\0", answer[1:], b""):
        assert online(city, batch, cut).verdict is Verdict.UNCONFIRMED
