"""Status lists: their bits as W3C has them, and that nobody but issuer and organisations together makes one."""

import base64
import gzip
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.x509 import load_der_x509_certificate

from chaincode.registry.model.records import BatchRecord, StatusRecord
from chaincode.registry.model.status import Reason, Status
from node_client.certificates import status_bits
from node_client.certificates.errors import AttestationError, StatusListError
from node_client.certificates.status_list import StatusList, make
from node_client.certificates.statuses import BATCH, CERTIFICATE, Subject
from node_client.identity.identity import Identity
from node_client.identity.signer import CURVE_ORDERS
from tests.unit.node_client.certificates.consortium import (
    BATCH_ID,
    CERTIFICATE_ID,
    CITY,
    ISSUED,
    NISHITETSU,
    TRIVALLEY,
    Consortium,
    role,
)

SUBJECT = Subject(BATCH, BATCH_ID)
SIZE = 200_000


@pytest.fixture(scope="module")
def city() -> Consortium:
    return Consortium()


def changed(index: int, status: Status) -> StatusRecord:
    return StatusRecord(BATCH_ID, f"{index:064x}", index, CITY, ISSUED, "cd" * 32, status, Reason.UNSPECIFIED)


CHANGED = (changed(0, Status.REVOKED), changed(131_077, Status.SUSPENDED), changed(SIZE - 1, Status.SUPERSEDED))


def attested(city: Consortium, *statuses: StatusRecord, subject: Subject = SUBJECT, **options: object) -> bytes:
    batch = BatchRecord(BATCH_ID, "ab" * 32, SIZE, CITY, ISSUED, "cd" * 32)
    answer = {"batch": batch.to_dict(), "statuses": [one.to_dict() for one in statuses]}
    data = json.dumps(answer, separators=(",", ":"), sort_keys=True).encode()
    return city.attest(subject.question, data, **options)  # type: ignore[arg-type]


def listed(city: Consortium, *statuses: StatusRecord) -> StatusList:
    return make(SUBJECT, attested(city, *statuses), city.trust, city.identity, city.issuer.signer)


def forged(city: Consortium, attestation: bytes, *, holder: object = None, **changes: object) -> StatusList:
    """A list that its signer signed, whatever is in it."""
    signer = holder or city.issuer
    unsigned = replace(listed(city), attestation=attestation, certificate=signer.certificate, **changes)  # type: ignore[attr-defined]
    der = signer.sign(unsigned.signed_part())  # type: ignore[attr-defined]
    r, s = decode_dss_signature(der)
    return replace(unsigned, signature=r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def test_bits_stand_where_the_recommendation_puts_them() -> None:
    bits = status_bits.bits_of(5, [(0, Status.REVOKED), (1, Status.SUSPENDED), (4, Status.SUPERSEDED)])
    assert bits[:3] == bytes([0b01_10_00_00, 0b11_00_00_00, 0])
    assert len(bits) == 131_072 * 2 // 8
    assert [status_bits.status_at(bits, index) for index in range(6)] == [
        Status.REVOKED,
        Status.SUSPENDED,
        Status.ACTIVE,
        Status.ACTIVE,
        Status.SUPERSEDED,
        Status.ACTIVE,
    ]


def test_encoded_lists_are_what_others_decode() -> None:
    bits = status_bits.bits_of(9, [(8, Status.REVOKED)])
    text = status_bits.encode(bits)
    assert text[0] == "u"
    assert gzip.decompress(base64.urlsafe_b64decode(text[1:] + "==")) == bits
    assert status_bits.decode(text, len(bits)) == bits
    with pytest.raises(ValueError, match="of this size"):
        status_bits.decode(text, len(bits) - 1)


def test_a_list_that_unpacks_without_end_is_refused() -> None:
    bomb = status_bits.encode(bytes(200_000_000))
    with pytest.raises(ValueError, match="of this size"):
        status_bits.decode(bomb, 1000)


def test_the_list_is_a_credential_that_any_verifier_reads(city: Consortium) -> None:
    header, payload, signature = listed(city, *CHANGED).to_bytes().split(b".")

    def part(text: bytes) -> bytes:
        return base64.urlsafe_b64decode(text + b"==")

    values, credential = json.loads(part(header)), json.loads(part(payload))
    assert (values["alg"], values["typ"]) == ("ES256", "vc+jwt")
    key = load_der_x509_certificate(base64.b64decode(values["x5c"][0])).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    r, s = (int.from_bytes(half, "big") for half in (part(signature)[:32], part(signature)[32:]))
    key.verify(encode_dss_signature(r, s), header + b"." + payload, ec.ECDSA(hashes.SHA256()))
    assert credential["type"] == ["VerifiableCredential", "BitstringStatusListCredential"]
    subject = credential["credentialSubject"]
    assert (subject["type"], subject["statusPurpose"]) == ("BitstringStatusList", "message")
    bits = gzip.decompress(base64.urlsafe_b64decode(subject["encodedList"][1:] + "=="))
    assert {index: status_bits.status_at(bits, index) for index in (0, 1, 131_077, SIZE - 1)} == {
        0: Status.REVOKED,
        1: Status.ACTIVE,
        131_077: Status.SUSPENDED,
        SIZE - 1: Status.SUPERSEDED,
    }


def test_a_list_is_read_back_from_its_one_form(city: Consortium) -> None:
    made = listed(city, *CHANGED)
    found = StatusList.from_bytes(made.to_bytes())
    assert found == made
    assert found.statuses(city.trust).changed == {one.leaf: (one.status, one.reason) for one in CHANGED}


def test_the_other_signature_of_the_pair_is_refused(city: Consortium) -> None:
    made = listed(city)
    s = CURVE_ORDERS["secp256r1"] - int.from_bytes(made.signature[32:], "big")
    other = replace(made, signature=made.signature[:32] + s.to_bytes(32, "big"))
    with pytest.raises(StatusListError, match="signature"):
        other.statuses(city.trust)


def test_the_issuer_alone_cannot_leave_out_a_revocation(city: Consortium) -> None:
    made = listed(city, *CHANGED)
    without = forged(city, made.attestation, valid_from=made.valid_from, encoded=listed(city).encoded)
    with pytest.raises(StatusListError, match="not what was attested"):
        without.statuses(city.trust)


def test_the_issuer_alone_attests_nothing(city: Consortium) -> None:
    for endorsers in ((CITY,), (NISHITETSU, TRIVALLEY)):
        made = forged(city, attested(city, endorsers=endorsers))
        with pytest.raises(AttestationError):
            made.statuses(city.trust)


def test_an_old_answer_gets_no_new_time(city: Consortium) -> None:
    older, newer = listed(city), listed(city, *CHANGED)
    with pytest.raises(StatusListError, match="time"):
        forged(city, older.attestation, valid_from=newer.valid_from + timedelta(hours=1)).statuses(city.trust)


@pytest.mark.parametrize(("msp", "kind"), [(CITY, "auditor"), (NISHITETSU, "issuer")])
def test_nobody_but_the_issuer_signs(city: Consortium, msp: str, kind: str) -> None:
    holder = city.issue(msp, "client", extensions=[role(kind)])
    answer = attested(city, creator=Identity(msp, holder.pem).serialized)
    with pytest.raises(StatusListError, match="no issuer|not of the organisation"):
        make(SUBJECT, answer, city.trust, Identity(msp, holder.pem), holder.signer)


def test_a_signer_that_was_revoked_signs_nothing(city: Consortium) -> None:
    made = listed(city)
    with pytest.raises(StatusListError, match="revoked"):
        made.statuses(city.trusting(revoked={CITY: city.issuer}))


def test_an_answer_for_one_batch_is_none_for_another(city: Consortium) -> None:
    other = Subject(BATCH, "11" * 16)
    for answer in (attested(city), attested(city, subject=other)):
        with pytest.raises(AttestationError):
            make(other, answer, city.trust, city.identity, city.issuer.signer)
    with pytest.raises(AttestationError):
        make(Subject(CERTIFICATE, CERTIFICATE_ID), attested(city), city.trust, city.identity, city.issuer.signer)


def test_every_changed_byte_is_refused(city: Consortium) -> None:
    data = StatusList.from_bytes(listed(city, *CHANGED).to_bytes()).to_bytes()
    for place in range(0, len(data), 3):
        changed_data = bytearray(data)
        changed_data[place] ^= 0x01
        with pytest.raises((StatusListError, AttestationError)):
            StatusList.from_bytes(bytes(changed_data)).statuses(city.trust)
