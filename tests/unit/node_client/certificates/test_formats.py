"""Statements, receipts and trust files: one encoding each, and nothing else is read."""

import hashlib
import json
from datetime import date
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from node_client.certificates import canonical
from node_client.certificates.canonical import Fields
from node_client.certificates.document import Document
from node_client.certificates.errors import FormatError, ReceiptError, StatementError, TrustError
from node_client.certificates.receipt import Receipt
from node_client.certificates.statement import Ledger, Statement
from node_client.certificates.trust import Trust

STATEMENT = Statement(
    certificate_id="0123456789abcdef" * 2,
    type="income",
    issuer="CityMSP",
    issue_date=date(2026, 4, 1),
    document=Document("ab" * 32, 1234, "application/pdf"),
    ledger=Ledger("cd" * 32, "certificates", "registry"),
    valid_until=date(2026, 6, 30),
)
# Written by hand from RFC 8785: names in order, no spaces.
STATEMENT_TEXT = (
    '{"certificateId":"0123456789abcdef0123456789abcdef","issueDate":"2026-04-01","issuer":"CityMSP",'
    '"ledger":{"chaincode":"registry","channel":"certificates","firstBlock":"' + "cd" * 32 + '"},'
    '"mediaType":"application/pdf","schema":"certledger/v1/statement","sha256":"' + "ab" * 32 + '","size":1234,'
    '"type":"income","validUntil":"2026-06-30"}'
)
RECEIPT = Receipt(statement=STATEMENT, salt=bytes(range(32)), transaction_id="ef" * 32, attestation=b"\x0a\x00")


def test_statement_is_canonical_json() -> None:
    assert STATEMENT.to_bytes().decode() == STATEMENT_TEXT
    assert Statement.from_bytes(STATEMENT_TEXT.encode()) == STATEMENT


def test_commitment_is_as_designed() -> None:
    expected = hashlib.sha256(b"certledger/v1/commitment" + b"\0" + bytes(range(32)) + STATEMENT_TEXT.encode())
    assert RECEIPT.commitment == expected.hexdigest()


def test_receipt_round_trip() -> None:
    data = RECEIPT.to_bytes()
    assert Receipt.from_bytes(data) == RECEIPT
    assert set(json.loads(data)) == {
        "schema",
        "statement",
        "salt",
        "certificateId",
        "transactionId",
        "attestation",
    }


@pytest.mark.parametrize(
    "text",
    [
        STATEMENT_TEXT + "\n",
        " " + STATEMENT_TEXT,
        STATEMENT_TEXT.replace(",", ", ", 1),
        STATEMENT_TEXT.replace("1234", "1234.0"),
        STATEMENT_TEXT.replace("1234", "-1"),
        STATEMENT_TEXT.replace("1234", "true"),
        STATEMENT_TEXT.replace('"1234"', '"x"').replace('"size":1234', '"size":"1234"'),
        STATEMENT_TEXT.replace('"size":1234', '"size":1234,"size":1234'),
        STATEMENT_TEXT.replace('"size":1234,', ""),
        STATEMENT_TEXT.replace('"type"', '"aaaa"'),
        STATEMENT_TEXT.replace("}", ',"zz":1}', 2),
        STATEMENT_TEXT.replace('"income"', '""'),
        STATEMENT_TEXT.replace('"income"', '"a\\u0007b"'),
        STATEMENT_TEXT.replace('"income"', json.dumps("x" * 101)),
        STATEMENT_TEXT.replace("0123456789abcdef", "0123456789ABCDEF"),
        STATEMENT_TEXT.replace("application/pdf", "pdf"),
        STATEMENT_TEXT.replace("2026-04-01", "20260401"),
        STATEMENT_TEXT.replace("2026-04-01", "2026-02-30"),
        STATEMENT_TEXT.replace("v1/statement", "v2/statement"),
        STATEMENT_TEXT.replace("certificates", "certificate\\u0073"),
        "[]",
        "null",
        "",
        "[" * 100_000,
        '{"a":NaN}',
        '{"a":1e999}',
    ],
    ids=range(26),
)
def test_what_is_not_exactly_a_statement_is_refused(text: str) -> None:
    with pytest.raises(StatementError):
        Statement.from_bytes(text.encode())


@pytest.mark.parametrize(
    "change",
    [
        {"salt": "00" * 31},
        {"salt": "00" * 33},
        {"salt": "AA" * 32},
        {"salt": "zz" * 32},
        {"salt": " " + "00" * 32},
        {"transactionId": "00"},
        {"attestation": "CgA"},
        {"attestation": "CgB="},  # bits behind the end that no byte has
        {"attestation": "C g A ="},
        {"certificateId": "0" * 32},
        {"batch": {}},
        {"extra": "x"},
        {"schema": "certledger/v1/statement"},
        {"statement": []},
    ],
    ids=str,
)
def test_what_is_not_exactly_a_receipt_is_refused(change: dict[str, Any]) -> None:
    values = {**json.loads(RECEIPT.to_bytes()), **change}
    with pytest.raises(ReceiptError):
        Receipt.from_bytes(canonical.encode(values))


@given(st.binary(max_size=200))
def test_garbage_is_refused(data: bytes) -> None:
    for read in (Statement.from_bytes, Receipt.from_bytes, Trust.from_bytes):
        with pytest.raises(FormatError):
            read(data)


def test_too_large_is_refused() -> None:
    with pytest.raises(ReceiptError):
        Receipt.from_bytes(b" " * (canonical.MAX_SIZE + 1))


@given(
    st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=100),
    st.integers(0, 2**53 - 1),
    st.dates(),
    st.none() | st.dates(),
)
def test_every_statement_is_read_as_it_was_written(kind: str, size: int, day: date, until: date | None) -> None:
    statement = Statement(
        certificate_id="ab" * 16,
        type=kind,
        issuer="CityMSP",
        issue_date=day,
        document=Document("00" * 32, size, "text/plain"),
        ledger=STATEMENT.ledger,
        valid_until=until,
    )
    assert Statement.from_bytes(statement.to_bytes()) == statement


def test_fields_are_taken_once() -> None:
    fields = Fields({"a": "x"}, TrustError, "it")
    assert fields.text("a") == "x"
    with pytest.raises(TrustError, match="it: a is missing"):
        fields.text("a")
    fields.end()


def test_trust_needs_organisations_and_a_policy() -> None:
    with pytest.raises(TrustError):
        Trust.create(STATEMENT.ledger, [], b"")
    with pytest.raises(TrustError):
        Trust.create(STATEMENT.ledger, [b"garbage"], b"")
    with pytest.raises(TrustError):
        Trust(STATEMENT.ledger, ())


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), PLAIN))
def test_the_fast_encoding_is_that_of_the_rfc(values: dict[str, Any]) -> None:
    assert canonical.encode(values) == rfc8785.dumps(values)


@pytest.mark.parametrize("value", [2**53, -(2**53), float("nan"), "\ud800", {"\ud800": 1}, {1: 2}, b"x"])
def test_what_json_cannot_have_is_refused(value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        canonical.encode({"a": value})
