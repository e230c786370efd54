"""Verdicts from a receipt, a trust file and a status list alone."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chaincode.ledger.state import Version
from chaincode.registry.model.records import StatusRecord
from chaincode.registry.model.status import Reason, Status
from node_client.certificates.document import Document
from node_client.certificates.questions import member_question
from node_client.certificates.receipt import Receipt
from node_client.certificates.status_list import StatusList, make
from node_client.certificates.statuses import BATCH, CERTIFICATE, Subject
from node_client.certificates.trust import Trust
from node_client.certificates.verification import CheckName, Outcome, Verdict, Verification, Verifier
from node_client.identity.identity import Identity
from tests.unit.node_client.certificates.consortium import (
    CERTIFICATE_ID,
    CITY,
    DOCUMENT,
    NISHITETSU,
    SALT,
    TRIVALLEY,
    Consortium,
    batch_list,
    batch_of,
    role,
)

DAY = timedelta(hours=24)
SUBJECT = Subject(CERTIFICATE, CERTIFICATE_ID)


@pytest.fixture(scope="module")
def city() -> Consortium:
    return Consortium()


def offline(
    trust: Trust,
    receipt: Receipt,
    *,
    document: bytes = DOCUMENT,
    status_list: StatusList | None = None,
    issuer: str = "",
    now: datetime | None = None,
) -> Verification:
    verifier = Verifier(Document.of_bytes(document), receipt, trust, issuer, now or datetime.now(UTC))
    verifier.check_receipt()
    verifier.check_attested()
    if status_list:
        verifier.check_status_list(status_list, DAY)
    return verifier.result()


def outcomes(result: Verification) -> dict[CheckName, Outcome]:
    return {check.name: check.outcome for check in result.checks}


def listed(city: Consortium, at: datetime | None = None, **changes: object) -> StatusList:
    attested = city.attested(city.record(**changes), at=at)
    return make(SUBJECT, attested, city.trust, city.identity, city.issuer.signer)


def test_without_a_status_list_nothing_is_genuine(city: Consortium) -> None:
    result = offline(city.trust, city.receipt())
    assert result.verdict is Verdict.UNCONFIRMED
    found = outcomes(result)
    assert CheckName.RECORD not in found
    assert found.pop(CheckName.STATUS) is Outcome.SKIPPED
    assert set(found.values()) == {Outcome.PASSED}


def test_without_a_status_list_one_that_has_expired_is_not_confirmed_either(city: Consortium) -> None:
    last = datetime.now(UTC).astimezone().date()
    receipt = city.receipt(statement=city.statement(valid_until=last))
    for days, alone, settled in ((0, Verdict.UNCONFIRMED, Verdict.GENUINE), (1, Verdict.UNCONFIRMED, Verdict.EXPIRED)):
        now = datetime.now(UTC) + timedelta(days=days)
        result = offline(city.trust, receipt, now=now)
        assert result.verdict is alone
        assert (outcomes(result)[CheckName.VALIDITY] is Outcome.FAILED) == bool(days)
        status_list = listed(city, commitment=receipt.statement.commitment(receipt.salt), at=now - timedelta(hours=1))
        assert offline(city.trust, receipt, status_list=status_list, now=now).verdict is settled
        revoked = listed(city, commitment=receipt.statement.commitment(receipt.salt), status=Status.REVOKED)
        assert offline(city.trust, receipt, status_list=revoked, now=now).verdict is Verdict.REVOKED


def test_a_fresh_status_list_settles_it(city: Consortium) -> None:
    result = offline(city.trust, city.receipt(), status_list=StatusList.from_bytes(listed(city).to_bytes()))
    assert result.verdict is Verdict.GENUINE
    assert set(outcomes(result).values()) == {Outcome.PASSED}


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (Status.REVOKED, Verdict.REVOKED),
        (Status.SUSPENDED, Verdict.SUSPENDED),
        (Status.SUPERSEDED, Verdict.SUPERSEDED),
    ],
)
def test_what_the_list_says_counts(city: Consortium, status: Status, verdict: Verdict) -> None:
    changed = listed(city, status=status, reason=Reason.UNSPECIFIED)
    assert offline(city.trust, city.receipt(), status_list=changed).verdict is verdict


def test_a_list_is_too_old_after_its_time_and_not_before(city: Consortium) -> None:
    made = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=12)
    active = listed(city, at=made)
    for now, verdict in (
        (made + DAY, Verdict.GENUINE),
        (made + DAY + timedelta(seconds=1), Verdict.UNCONFIRMED),
        (made - timedelta(minutes=4), Verdict.GENUINE),
        (made - timedelta(minutes=6), Verdict.UNCONFIRMED),
    ):
        assert offline(city.trust, city.receipt(), status_list=active, now=now).verdict is verdict


def test_an_old_list_still_tells_that_a_certificate_was_revoked(city: Consortium) -> None:
    made = datetime.now(UTC) - timedelta(hours=40)
    for status, verdict in ((Status.REVOKED, Verdict.REVOKED), (Status.SUSPENDED, Verdict.UNCONFIRMED)):
        old = listed(city, at=made, status=status, reason=Reason.UNSPECIFIED)
        assert offline(city.trust, city.receipt(), status_list=old).verdict is verdict


def test_a_list_of_another_certificate_settles_nothing(city: Consortium) -> None:
    other = city.record(certificate_id="00" * 16)
    made = make(Subject(CERTIFICATE, "00" * 16), city.attested(other), city.trust, city.identity, city.issuer.signer)
    assert offline(city.trust, city.receipt(), status_list=made).verdict is Verdict.UNCONFIRMED


def test_a_receipt_of_a_revoked_certificate_needs_no_list(city: Consortium) -> None:
    record = city.record(status=Status.REVOKED, reason=Reason.KEY_COMPROMISE)
    receipt = city.receipt(city.attested(record))
    assert offline(city.trust, receipt).verdict is Verdict.REVOKED
    assert offline(city.trust, receipt, status_list=listed(city)).verdict is Verdict.REVOKED


def test_a_receipt_from_a_suspension_is_settled_by_a_list_after_it(city: Consortium) -> None:
    receipt = city.receipt(city.attested(city.record(status=Status.SUSPENDED, reason=Reason.CERTIFICATE_HOLD)))
    assert offline(city.trust, receipt).verdict is Verdict.UNCONFIRMED
    assert offline(city.trust, receipt, status_list=listed(city)).verdict is Verdict.GENUINE


def test_another_document_is_altered(city: Consortium) -> None:
    assert offline(city.trust, city.receipt(), document=DOCUMENT + b"!").verdict is Verdict.ALTERED
    result = offline(city.trust, city.receipt(), document=DOCUMENT + b"!", status_list=listed(city))
    assert result.verdict is Verdict.ALTERED
    assert outcomes(result)[CheckName.DOCUMENT] is Outcome.FAILED


def test_the_issuer_can_be_pinned(city: Consortium) -> None:
    status_list = listed(city)
    assert offline(city.trust, city.receipt(), status_list=status_list, issuer=CITY).verdict is Verdict.GENUINE
    result = offline(city.trust, city.receipt(), status_list=status_list, issuer=TRIVALLEY)
    assert result.verdict is Verdict.UNCONFIRMED
    assert outcomes(result)[CheckName.ISSUER] is Outcome.FAILED


@pytest.mark.parametrize(
    ("says", "recorded", "verdict"),
    [
        (CITY, TRIVALLEY, Verdict.ALTERED),
        (TRIVALLEY, CITY, Verdict.ALTERED),
        (TRIVALLEY, TRIVALLEY, Verdict.UNCONFIRMED),
    ],
)
@pytest.mark.parametrize("batched", [False, True], ids=["single", "batch"])
def test_a_record_of_another_issuer_is_never_genuine_for_the_pinned_one(
    city: Consortium, says: str, recorded: str, verdict: Verdict, batched: bool
) -> None:
    """The organisations attest the record: what it says of the issuer is what counts, with a list and without."""
    holder = city.issue(recorded, "client", extensions=[role("issuer")])
    identity = Identity(recorded, holder.pem)
    if batched:
        batch = batch_of(city, 3, says=says, recorded=recorded)
        receipt, document, subject = batch.receipts[1], batch.documents[1], Subject(BATCH, batch.record.batch_id)
        values = {"batch": batch.record.to_dict(), "statuses": []}
        data = json.dumps(values, separators=(",", ":"), sort_keys=True).encode()
    else:
        statement = city.statement(issuer=says)
        record = city.record(commitment=statement.commitment(SALT), issuer_msp=recorded)
        receipt, document, subject = city.receipt(city.attested(record), statement), DOCUMENT, SUBJECT
        data = record.to_bytes()
    answer = city.attest(subject.question, data, creator=identity.serialized)
    status_list = make(subject, answer, city.trust, identity, holder.signer)
    pinned = offline(city.trust, receipt, document=document, status_list=status_list, issuer=CITY)
    assert pinned.verdict is verdict
    assert outcomes(pinned)[CheckName.ISSUER] is Outcome.FAILED
    assert outcomes(pinned)[CheckName.STATUS] is Outcome.PASSED
    anyone = offline(city.trust, receipt, document=document, status_list=status_list)
    assert (anyone.verdict is Verdict.GENUINE) == (says == recorded)


@pytest.mark.parametrize("endorsers", [(CITY,), (NISHITETSU,), (TRIVALLEY,), (NISHITETSU, TRIVALLEY), (), (CITY, CITY)])
def test_not_enough_organisations_confirm_nothing(city: Consortium, endorsers: tuple[str, ...]) -> None:
    result = offline(city.trust, city.receipt(city.attested(endorsers=endorsers)), status_list=listed(city))
    assert result.verdict in (Verdict.UNCONFIRMED, Verdict.ALTERED)
    assert Outcome.FAILED in (outcomes(result)[CheckName.ENDORSEMENTS], outcomes(result)[CheckName.ATTESTATION])


def test_the_city_and_either_data_centre_are_enough(city: Consortium) -> None:
    for endorsers in ((CITY, NISHITETSU), (TRIVALLEY, CITY), (CITY, NISHITETSU, TRIVALLEY)):
        receipt = city.receipt(city.attested(endorsers=endorsers))
        assert offline(city.trust, receipt, status_list=listed(city)).verdict is Verdict.GENUINE


def test_a_client_of_the_city_is_no_peer_of_it(city: Consortium) -> None:
    receipt = city.receipt(city.attested(endorsers=[(CITY, city.issuer), NISHITETSU]))
    assert offline(city.trust, receipt, status_list=listed(city)).verdict is Verdict.UNCONFIRMED


def test_an_endorser_that_was_revoked_confirms_nothing(city: Consortium) -> None:
    trust = city.trusting(revoked={NISHITETSU: city.peers[NISHITETSU]})
    result = offline(trust, city.receipt(), status_list=listed(city))
    assert result.verdict is Verdict.UNCONFIRMED
    check = next(one for one in result.checks if one.name is CheckName.ENDORSEMENTS)
    assert "revoked" in check.detail


def test_an_endorser_that_expired_since_does_not_undo_what_it_attested(city: Consortium) -> None:
    asked = datetime.now(UTC) - timedelta(days=30)
    old = city.issue(NISHITETSU, "peer", begin=asked - timedelta(days=1), lifetime=timedelta(days=2))
    for at, verdict in ((asked, Verdict.GENUINE), (asked + timedelta(days=9), Verdict.UNCONFIRMED)):
        receipt = city.receipt(city.attested(endorsers=[CITY, (NISHITETSU, old)], at=at))
        assert offline(city.trust, receipt, status_list=listed(city)).verdict is verdict


def test_another_networks_receipt_is_not_confirmed(city: Consortium) -> None:
    other = Consortium(first_block="cd" * 32)
    assert offline(city.trust, other.receipt(), status_list=listed(city)).verdict is not Verdict.GENUINE
    same_name = Consortium()
    assert offline(city.trust, same_name.receipt(), status_list=listed(city)).verdict is Verdict.UNCONFIRMED


def test_an_answer_of_another_channel_or_chaincode_is_none(city: Consortium) -> None:
    for change in ({"channel": "other"}, {"chaincode": "other"}):
        receipt = city.receipt(city.attested(ledger=replace(city.ledger, **change)))
        assert offline(city.trust, receipt, status_list=listed(city)).verdict is Verdict.ALTERED


def test_the_evidence_of_a_members_online_check_is_a_receipt(city: Consortium) -> None:
    batch = batch_of(city, 4)
    receipt, document, listed_batch = batch.receipts[1], batch.documents[1], batch_list(city, batch)
    question = member_question(batch.record.batch_id, receipt.leaf.hex())
    batch_key, status_key = question.keys
    revoked = StatusRecord(
        batch.record.batch_id, receipt.leaf.hex(), 1, CITY, "t", "cd" * 32, Status.REVOKED, Reason.UNSPECIFIED
    )
    for status, alone, settled in (
        (None, Verdict.UNCONFIRMED, Verdict.GENUINE),
        (revoked, Verdict.REVOKED, Verdict.REVOKED),
    ):
        answer = {"batch": batch.record.to_dict(), "status": status.to_dict() if status else None}
        data = json.dumps(answer, separators=(",", ":"), sort_keys=True).encode()
        reads = {batch_key: Version(6, 0), status_key: Version(7, 0) if status else None}
        evidence = replace(receipt, attestation=city.attest(question, data, reads=reads))
        assert offline(city.trust, evidence, document=document).verdict is alone
        assert offline(city.trust, evidence, document=document, status_list=listed_batch).verdict is settled
        other = replace(evidence, inclusion=batch.receipts[2].inclusion)
        assert offline(city.trust, other, document=document, status_list=listed_batch).verdict is Verdict.ALTERED
