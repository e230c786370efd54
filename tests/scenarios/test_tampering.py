"""Whatever is changed in a document or a receipt: never genuine."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest

from network.profiles import load_profile
from node_client import ConnectionProfile, Gateway
from node_client.certificates import canonical
from node_client.certificates._sync.client import RegistryClient
from node_client.certificates.document import Document
from node_client.certificates.errors import FormatError
from node_client.certificates.receipt import Receipt
from node_client.certificates.trust import Trust
from node_client.certificates.verification import Verdict, Verifier
from node_client.protocol.proposal import new_nonce
from tests.conftest import Commands


@contextmanager
def registry(commands: Commands, profile: str = "") -> Iterator[RegistryClient]:
    user = load_profile(commands.folder, profile)
    trust = Trust.from_bytes(user.trust.read_bytes())
    connection = ConnectionProfile.load(user.connection)
    with Gateway.from_profile(connection, user.organisation, user.user) as gateway:
        yield RegistryClient(gateway.get_network(trust.ledger.channel), trust)


class Case:
    """A genuine certificate, and the ledger's fresh answer for it, which is used again and again."""

    def __init__(self, commands: Commands) -> None:
        path = commands.document("a.pdf", b"a document")
        commands.ok("issue", path.name, "--reference", str(commands.home))
        self.document = Document.of_file(path)
        self.data = (commands.home / "a.pdf.receipt.json").read_bytes()
        self.receipt = Receipt.from_bytes(self.data)
        self.nonce = new_nonce()
        with registry(commands) as client:
            self.trust = client.trust
            self.answer = client.attest(self.receipt.certificate_id, self.nonce)

    def verdict(self, data: bytes, *, document: Document | None = None, trust: Trust | None = None) -> Verdict:
        try:
            receipt = Receipt.from_bytes(data)
        except FormatError:
            return Verdict.ALTERED
        return self.verdict_of(receipt, document=document, trust=trust)

    def verdict_of(self, receipt: Receipt, *, document: Document | None = None, trust: Trust | None = None) -> Verdict:
        verifier = Verifier(document or self.document, receipt, trust or self.trust)
        verifier.check_receipt()
        verifier.check_record(self.answer, self.nonce)
        return verifier.result().verdict


@pytest.fixture
def case(commands: Commands) -> Case:
    case = Case(commands)
    assert case.verdict(case.data) is Verdict.GENUINE
    return case


def test_changed_byte_of_a_receipt(case: Case) -> None:
    for place in range(len(case.data)):
        for change in (0x01, 0x20):
            changed = bytearray(case.data)
            changed[place] ^= change
            assert case.verdict(bytes(changed)) is not Verdict.GENUINE


def test_missing_and_added_bytes_of_a_receipt(case: Case) -> None:
    for place in range(0, len(case.data), 7):
        assert case.verdict(case.data[:place] + case.data[place + 1 :]) is not Verdict.GENUINE
        assert case.verdict(case.data[:place] + b"0" + case.data[place:]) is not Verdict.GENUINE
        assert case.verdict(case.data[:place]) is not Verdict.GENUINE


def test_changed_document(case: Case) -> None:
    for content in (b"", b"a documenT", b"a document ", b"a documen"):
        assert case.verdict(case.data, document=Document.of_bytes(content)) is Verdict.ALTERED


@pytest.mark.parametrize("field", ["mediaType", "sha256", "issuer", "issueDate", "type", "size", "certificateId"])
def test_well_formed_receipt_with_another_statement(case: Case, field: str) -> None:
    values = json.loads(case.data)
    other = {
        "mediaType": "text/plain",
        "sha256": "0" * 64,
        "issuer": "NishitetsuMSP",
        "issueDate": "2020-01-01",
        "type": "taxation",
        "size": 5,
        "certificateId": "0" * 32,
    }[field]
    values["statement"][field] = other
    if field == "certificateId":
        values["certificateId"] = other
    assert case.verdict(canonical.encode(values)) is Verdict.ALTERED


def test_added_validity(case: Case) -> None:
    statement = replace(case.receipt.statement, valid_until=date.today() + timedelta(days=9))
    assert case.verdict_of(replace(case.receipt, statement=statement)) is Verdict.ALTERED


def test_expired_from_the_day_after_the_last_one(commands: Commands) -> None:
    path, last = commands.document("a"), date.today() + timedelta(days=3)
    commands.ok("issue", path.name, "--valid-until", last.isoformat())
    receipt, nonce = Receipt.from_bytes((commands.home / "a.receipt.json").read_bytes()), new_nonce()
    with registry(commands) as client:
        answer = client.attest(receipt.certificate_id, nonce)
        trust = client.trust
    for today, verdict in ((last, Verdict.GENUINE), (last + timedelta(days=1), Verdict.EXPIRED)):
        verifier = Verifier(Document.of_file(path), receipt, trust, now=datetime.combine(today, time(12)).astimezone())
        verifier.check_receipt()
        verifier.check_record(answer, nonce)
        assert verifier.result().verdict is verdict


def test_another_ledger(case: Case) -> None:
    for change in ({"first_block": "0" * 64}, {"channel": "other"}, {"chaincode": "other"}):
        ledger = replace(case.trust.ledger, **change)
        assert case.verdict(case.data, trust=replace(case.trust, ledger=ledger)) is not Verdict.GENUINE


def test_answer_to_another_question(case: Case) -> None:
    verifier = Verifier(case.document, case.receipt, case.trust)
    verifier.check_receipt()
    verifier.check_record(case.answer, new_nonce())
    assert verifier.result().verdict is Verdict.UNCONFIRMED
    verifier.check_record(case.receipt.attestation, case.nonce)
    assert verifier.result().verdict is Verdict.UNCONFIRMED


def test_nothing_is_genuine_without_the_ledger(case: Case) -> None:
    verifier = Verifier(case.document, case.receipt, case.trust)
    assert verifier.result().verdict is Verdict.UNCONFIRMED
    verifier.check_receipt()
    assert verifier.result().verdict is Verdict.UNCONFIRMED
    verifier.check_failure("no network")
    assert verifier.result().verdict is Verdict.UNCONFIRMED


def test_old_attestation_after_a_revocation(case: Case, commands: Commands) -> None:
    """The receipt's attestation was made while the certificate was active: it must not count as the answer now."""
    commands.ok("revoke", case.receipt.certificate_id, "--reason", "keyCompromise")
    with registry(commands, "trivalley-verifier") as client:
        assert client.verify(case.document, case.receipt).verdict is Verdict.REVOKED


def test_changed_byte_of_the_answer(case: Case) -> None:
    for place in range(0, len(case.answer), 5):
        changed = bytearray(case.answer)
        changed[place] ^= 1
        verifier = Verifier(case.document, case.receipt, case.trust)
        verifier.check_receipt()
        verifier.check_record(bytes(changed), case.nonce)
        assert verifier.result().verdict is not Verdict.GENUINE


def test_one_organisation_alone_proves_nothing(case: Case) -> None:
    from fabric_protos.common import common_pb2
    from fabric_protos.peer import transaction_pb2

    for keep in (0, 1):
        payload = common_pb2.Payload.FromString(case.answer)
        transaction = transaction_pb2.Transaction.FromString(payload.data)
        action = transaction_pb2.ChaincodeActionPayload.FromString(transaction.actions[0].payload)
        endorsements = list(action.action.endorsements)
        assert len(endorsements) == 2
        del action.action.endorsements[:]
        action.action.endorsements.extend([endorsements[keep]] * 2)
        transaction.actions[0].payload = action.SerializeToString()
        payload.data = transaction.SerializeToString()
        verifier = Verifier(case.document, case.receipt, case.trust)
        verifier.check_receipt()
        verifier.check_record(payload.SerializeToString(), case.nonce)
        assert verifier.result().verdict is Verdict.UNCONFIRMED


def test_changed_trust_file(case: Case) -> None:
    data = case.trust.to_bytes()
    for place in range(0, len(data), 3):
        changed = bytearray(data)
        changed[place] ^= 1
        with pytest.raises(FormatError):
            Trust.from_bytes(bytes(changed))


def test_attestation_of_another_certificate(case: Case, commands: Commands) -> None:
    (other,) = commands.ok("issue", commands.document("b").name)
    with registry(commands) as client:
        attestation = client.attest(other["certificateId"])
    values = {**json.loads(case.data), "attestation": base64.b64encode(attestation).decode()}
    assert case.verdict(canonical.encode(values)) is Verdict.ALTERED


def test_every_profile_reads(commands: Commands) -> None:
    document = commands.document("a")
    commands.ok("issue", document.name)
    for profile in sorted(Path(commands.folder.path / "profiles").glob("*.json")):
        assert commands("verify", document.name, "--profile", profile.stem).status == 0
