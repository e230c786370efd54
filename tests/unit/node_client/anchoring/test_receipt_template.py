"""Receipts written from a template are those that a receipt's own encoding gives."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from node_client.anchoring.receipt_template import ReceiptTemplate
from node_client.anchoring.template import Kind
from node_client.certificates.receipt import Inclusion, Receipt
from node_client.certificates.statement import Statement
from tests.unit.node_client.anchoring.registers import LEDGER

TYPES = st.sampled_from(["income", "所得課税証明書 𠮷", 'a"b\\c', '","size":1},', "0" * 64, '"certificateId":"', "{}"])
hashes = st.binary(min_size=32, max_size=32)


def kind(type: str, valid_until: date | None) -> Kind:
    return Kind.create(
        type=type,
        media_type="application/pdf",
        issue_date=date(2026, 4, 1),
        valid_until=valid_until,
        issuer="CityMSP",
        ledger=LEDGER,
    )


@given(
    first=TYPES,
    type=TYPES,
    valid_until=st.none() | st.just(date(2026, 6, 30)),
    certificate_id=st.binary(min_size=16, max_size=16).map(bytes.hex),
    salt=hashes,
    sha256=hashes.map(bytes.hex),
    size=st.integers(1, 2**53 - 1),
    index=st.integers(0, 2**40),
    path=st.lists(hashes, max_size=4),
    attestation=st.binary(min_size=1, max_size=50),
)
def test_a_template_gives_the_receipts_encoding(
    first: str,
    type: str,
    valid_until: date | None,
    certificate_id: str,
    salt: bytes,
    sha256: str,
    size: int,
    index: int,
    path: list[bytes],
    attestation: bytes,
) -> None:
    template = ReceiptTemplate(
        batch_id="ab" * 16, size=2**40, transaction_id="cd" * 32, attestation=attestation, kind=kind(first, None)
    )
    statement = kind(type, valid_until).statement(certificate_id, sha256, size)
    expected = Receipt(
        statement=Statement.from_bytes(statement),
        salt=salt,
        transaction_id="cd" * 32,
        attestation=attestation,
        inclusion=Inclusion("ab" * 16, index, 2**40, tuple(path)),
    )
    assert template.fill(certificate_id, salt, statement, index, path) == expected.to_bytes()
