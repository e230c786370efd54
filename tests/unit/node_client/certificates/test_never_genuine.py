"""Whatever is changed, taken from elsewhere or left out: thousands of cases, and never genuine.

Every case has a fresh status list, so that only what was changed stands between it and the verdict.
"""

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaincode.ledger.read_write_set import NamespaceSet, Write, encode
from chaincode.ledger.state import Version
from chaincode.registry.model import keys, merkle
from chaincode.registry.model.records import StatusRecord
from chaincode.registry.model.status import Reason, Status
from node_client.anchoring.tree import levels, path_in
from node_client.certificates.attestation import Question
from node_client.certificates.document import Document
from node_client.certificates.errors import FormatError, TrustError
from node_client.certificates.questions import batch_question, certificate_question, member_question
from node_client.certificates.receipt import Inclusion, Receipt
from node_client.certificates.status_list import StatusList, make
from node_client.certificates.statuses import CERTIFICATE, Subject
from node_client.certificates.trust import Trust
from node_client.certificates.verification import Verdict, Verifier
from node_client.protocol.proposal import parse_headers
from node_client.protocol.transaction import Endorsement, assemble, build_response_payload, parse_transaction
from tests.unit.node_client.certificates.consortium import (
    CERTIFICATE_ID,
    CITY,
    DOCUMENT,
    ISSUED,
    NISHITETSU,
    TRIVALLEY,
    Batched,
    Consortium,
    batch_list,
    batch_of,
)

DAY = timedelta(hours=24)
THIRD = 2  # the member that most cases are about


@pytest.fixture(scope="module")
def city() -> Consortium:
    return Consortium()


@pytest.fixture(scope="module")
def batch(city: Consortium) -> Batched:
    return batch_of(city, 5)


@pytest.fixture(scope="module")
def of_batch(city: Consortium, batch: Batched) -> StatusList:
    return batch_list(city, batch)


@pytest.fixture(scope="module")
def of_one(city: Consortium) -> StatusList:
    return make(Subject(CERTIFICATE, CERTIFICATE_ID), city.attested(), city.trust, city.identity, city.issuer.signer)


def verdict(trust: Trust, receipt: Receipt, document: bytes, status_list: StatusList) -> Verdict:
    verifier = Verifier(Document.of_bytes(document), receipt, trust)
    verifier.check_receipt()
    verifier.check_attested()
    verifier.check_status_list(status_list, DAY)
    return verifier.result().verdict


def verdict_of_bytes(trust: Trust, receipt: bytes, document: bytes, status_list: StatusList) -> Verdict:
    try:
        return verdict(trust, Receipt.from_bytes(receipt), document, status_list)
    except FormatError:
        return Verdict.ALTERED


def test_unchanged_they_are_genuine(city: Consortium, batch: Batched, of_batch: StatusList, of_one: StatusList) -> None:
    assert verdict(city.trust, city.receipt(), DOCUMENT, of_one) is Verdict.GENUINE
    for receipt, document in zip(batch.receipts, batch.documents, strict=True):
        assert verdict_of_bytes(city.trust, receipt.to_bytes(), document, of_batch) is Verdict.GENUINE


@pytest.mark.parametrize("change", [0x01, 0x80])
def test_any_byte_of_a_receipt(
    city: Consortium, batch: Batched, of_batch: StatusList, of_one: StatusList, change: int
) -> None:
    for data, document, listed in (
        (city.receipt().to_bytes(), DOCUMENT, of_one),
        (batch.receipts[THIRD].to_bytes(), batch.documents[THIRD], of_batch),
    ):
        for place in range(len(data)):
            changed = bytearray(data)
            changed[place] ^= change
            assert verdict_of_bytes(city.trust, bytes(changed), document, listed) is not Verdict.GENUINE, place


def test_any_byte_of_an_attestation(city: Consortium, batch: Batched, of_batch: StatusList) -> None:
    receipt = batch.receipts[THIRD]
    for place in range(len(receipt.attestation)):
        changed = bytearray(receipt.attestation)
        changed[place] ^= 0x01
        altered = replace(receipt, attestation=bytes(changed))
        assert verdict(city.trust, altered, batch.documents[THIRD], of_batch) is not Verdict.GENUINE, place


def test_any_byte_of_document_salt_and_proof(city: Consortium, batch: Batched, of_batch: StatusList) -> None:
    receipt, document = batch.receipts[THIRD], batch.documents[THIRD]
    inclusion = receipt.inclusion
    assert inclusion is not None
    cases: list[tuple[Receipt, bytes]] = []
    for place in range(len(document)):
        cases.append((receipt, document[:place] + bytes([document[place] ^ 1]) + document[place + 1 :]))
    for place in range(32):
        cases.append((replace(receipt, salt=_flipped(receipt.salt, place)), document))
    for number, node in enumerate(inclusion.path):
        for place in range(32):
            path = (*inclusion.path[:number], _flipped(node, place), *inclusion.path[number + 1 :])
            cases.append((replace(receipt, inclusion=replace(inclusion, path=path)), document))
    for changed, given_document in cases:
        assert verdict(city.trust, changed, given_document, of_batch) is Verdict.ALTERED


def _flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 0x01]) + data[place + 1 :]


def test_any_byte_of_a_trust_file(city: Consortium) -> None:
    data = city.trust.to_bytes()
    for place in range(len(data)):
        with pytest.raises(TrustError):
            Trust.from_bytes(_flipped(data, place))


def test_every_field_of_a_statement(city: Consortium, batch: Batched, of_batch: StatusList) -> None:
    receipt = batch.receipts[THIRD]
    changes: list[dict[str, object]] = [
        {"certificate_id": "ff" * 16},
        {"type": "tax"},
        {"issuer": NISHITETSU},
        {"issue_date": date(2026, 11, 26)},
        {"valid_until": date(2099, 1, 1)},
        {"document": Document.of_bytes(b"another")},
        {"ledger": replace(city.ledger, channel="other")},
        {"ledger": replace(city.ledger, first_block="00" * 32)},
    ]
    for change in changes:
        altered = replace(receipt, statement=replace(receipt.statement, **change))  # type: ignore[arg-type]
        for document in (batch.documents[THIRD], b"another"):
            assert verdict(city.trust, altered, document, of_batch) is not Verdict.GENUINE, change


def test_any_other_place_or_size(city: Consortium, batch: Batched, of_batch: StatusList) -> None:
    for number, receipt in enumerate(batch.receipts):
        for other in batch.receipts:
            for index in range(6):
                for size in range(1, 8):
                    assert other.inclusion is not None
                    place = replace(other.inclusion, index=index, size=size)
                    if place == receipt.inclusion:
                        continue
                    moved = replace(receipt, inclusion=place)
                    assert verdict(city.trust, moved, batch.documents[number], of_batch) is Verdict.ALTERED


@settings(max_examples=60)
@given(size=st.integers(1, 70), data=st.data())
def test_nodes_never_pass_for_leaves(size: int, data: st.DataObject) -> None:
    nodes = levels([merkle.leaf_hash(bytes([number]) * 48) for number in range(size)])
    root = nodes[-1][0]
    for height in range(1, len(nodes)):
        index = data.draw(st.integers(0, len(nodes[height]) - 1))
        node, path = nodes[height][index], path_in(nodes[height:], index)
        for place in range(size):
            shown = merkle.verify_inclusion(node, place, size, path, root)
            # A last node without a sibling is the leaf itself.
            assert not shown or node == nodes[0][place]
    concatenated = nodes[0][0] + nodes[0][-1]
    assert merkle.leaf_hash(concatenated) != merkle.node_hash(nodes[0][0], nodes[0][-1])


def test_another_batch_and_another_certificate(
    city: Consortium, batch: Batched, of_batch: StatusList, of_one: StatusList
) -> None:
    other = batch_of(city, 6, "11" * 16)
    receipt, document = batch.receipts[THIRD], batch.documents[THIRD]
    alien = other.receipts[THIRD]
    assert receipt.inclusion is not None
    for changed in (
        replace(receipt, attestation=alien.attestation),
        replace(receipt, inclusion=alien.inclusion),
        replace(receipt, inclusion=replace(receipt.inclusion, batch_id="11" * 16)),
        replace(receipt, inclusion=alien.inclusion, attestation=batch.receipts[0].attestation),
        replace(receipt, inclusion=None),
        replace(city.receipt(), inclusion=receipt.inclusion),
        replace(receipt, attestation=city.attested()),
    ):
        for listed in (of_batch, of_one, batch_list(city, other)):
            for given_document in (document, DOCUMENT):
                assert verdict(city.trust, changed, given_document, listed) is not Verdict.GENUINE
    assert verdict(city.trust, alien, other.documents[THIRD], of_batch) is Verdict.UNCONFIRMED


def test_another_networks_receipts(city: Consortium, of_batch: StatusList) -> None:
    for other in (Consortium(), Consortium(first_block="cd" * 32)):
        theirs = batch_of(other, 5)
        receipt, document = theirs.receipts[THIRD], theirs.documents[THIRD]
        for listed in (of_batch, batch_list(other, theirs)):
            assert verdict(city.trust, receipt, document, listed) is not Verdict.GENUINE


QUESTIONS = [
    Question("VerifyCertificate", (CERTIFICATE_ID, "ab" * 32), (keys.certificate_key(CERTIFICATE_ID),)),
    Question("IssueCertificate", (CERTIFICATE_ID, "ab" * 32), (keys.certificate_key(CERTIFICATE_ID),)),
    Question("GetCertificateHistory", (CERTIFICATE_ID,), (keys.certificate_key(CERTIFICATE_ID),)),
    Question("readCertificate", (CERTIFICATE_ID,), (keys.certificate_key(CERTIFICATE_ID),)),
    Question("other:ReadCertificate", (CERTIFICATE_ID,), (keys.certificate_key(CERTIFICATE_ID),)),
    Question("ReadCertificate", (CERTIFICATE_ID, ""), (keys.certificate_key(CERTIFICATE_ID),)),
    Question("ReadCertificate", ("00" * 16,), (keys.certificate_key(CERTIFICATE_ID),)),
    Question("ReadCertificate", (), (keys.certificate_key(CERTIFICATE_ID),)),
    Question("ReadCertificate", (CERTIFICATE_ID,), (keys.certificate_key("00" * 16),)),
    Question("ReadCertificate", (CERTIFICATE_ID,), ()),
    Question("ReadCertificate", (CERTIFICATE_ID,), (keys.certificate_key(CERTIFICATE_ID), keys.batch_key("00" * 16))),
    Question("ReadCertificate", (CERTIFICATE_ID,), (keys.certificate_key(CERTIFICATE_ID),), (("a", "b"),)),
    batch_question("00" * 16),
    member_question("00" * 16, "00" * 32),
]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: f"{one.function}-{len(one.args)}-{len(one.keys)}")
def test_endorsements_of_another_question(city: Consortium, of_one: StatusList, question: Question) -> None:
    attested = city.attest(question, city.record().to_bytes())
    assert verdict(city.trust, city.receipt(attested), DOCUMENT, of_one) is Verdict.ALTERED


def test_endorsements_of_something_that_writes_or_was_refused_or_of_nothing(
    city: Consortium, of_one: StatusList
) -> None:
    question = certificate_question(CERTIFICATE_ID)
    for options in ({"status": 500}, {"status": 201}, {"reads": {question.keys[0]: None}}):
        attested = city.attest(question, city.record().to_bytes(), **options)  # type: ignore[arg-type]
        assert verdict(city.trust, city.receipt(attested), DOCUMENT, of_one) is Verdict.ALTERED
    assert verdict(city.trust, city.receipt(_writing(city)), DOCUMENT, of_one) is Verdict.ALTERED


def _writing(city: Consortium) -> bytes:
    """The endorsements of a read that would write as well."""
    plain = parse_transaction(city.attested())
    key = keys.certificate_key(CERTIFICATE_ID)
    sets = {"registry": NamespaceSet(reads={key: Version(6, 0)}, writes={key: Write(key, b"x")})}
    payload = build_response_payload(
        proposal_hash=plain.proposal.hash,
        chaincode="registry",
        chaincode_version="1",
        status=200,
        message="",
        payload=plain.response.payload,
        result=encode(sets),
        event=b"",
    )
    signed = [
        Endorsement(one.endorser, city.peers[msp].sign(payload + one.endorser))
        for msp, one in zip((CITY, NISHITETSU), plain.endorsements, strict=True)
    ]
    return assemble(parse_headers(plain.proposal.header, plain.proposal.payload), payload, signed)


@pytest.mark.parametrize("endorsers", [(), (CITY,), (NISHITETSU,), (TRIVALLEY,), (NISHITETSU, TRIVALLEY)])
def test_not_enough_organisations_for_a_batch(
    city: Consortium, batch: Batched, of_batch: StatusList, endorsers: tuple[str, ...]
) -> None:
    attested = city.attest(batch_question(batch.record.batch_id), batch.record.to_bytes(), endorsers=endorsers)
    receipt = replace(batch.receipts[THIRD], attestation=attested)
    assert verdict(city.trust, receipt, batch.documents[THIRD], of_batch) is Verdict.UNCONFIRMED


def test_members_that_changed(city: Consortium, batch: Batched) -> None:
    leaf = batch.receipts[THIRD].leaf.hex()
    for status, expected in (
        (Status.REVOKED, Verdict.REVOKED),
        (Status.SUSPENDED, Verdict.SUSPENDED),
        (Status.SUPERSEDED, Verdict.SUPERSEDED),
        (Status.ACTIVE, Verdict.GENUINE),
    ):
        change = StatusRecord(batch.record.batch_id, leaf, THIRD, CITY, ISSUED, "cd" * 32, status, Reason.UNSPECIFIED)
        listed = batch_list(city, batch, change)
        found = [
            verdict(city.trust, receipt, document, listed)
            for receipt, document in zip(batch.receipts, batch.documents, strict=True)
        ]
        assert found == [expected if number == THIRD else Verdict.GENUINE for number in range(5)]


def test_other_forms_of_the_same_receipt(city: Consortium, batch: Batched, of_batch: StatusList) -> None:
    data, document = batch.receipts[THIRD].to_bytes(), batch.documents[THIRD]
    values = json.loads(data)
    for other in (
        json.dumps(values).encode(),
        data + b"\n",
        b" " + data,
        json.dumps({**values, "more": 1}, separators=(",", ":"), sort_keys=True).encode(),
        data.replace(b'"index":2', b'"index":2.0'),
        data.replace(b'"index":2', b'"index":2,"index":2'),
        data.replace(b'"salt":"5a', b'"salt":"5A'),
    ):
        assert other != data
        assert verdict_of_bytes(city.trust, other, document, of_batch) is Verdict.ALTERED
    assert isinstance(Receipt.from_bytes(data).inclusion, Inclusion)
