"""Statements written from a template are those that RFC 8785 gives."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from node_client.anchoring.template import Kind
from node_client.certificates.document import Document
from node_client.certificates.statement import Ledger, Statement

texts = st.text(min_size=1, max_size=30) | st.sampled_from(
    ['","sha256":"', '"sha256":"' + "0" * 64 + '","size":1,', "髙﨑𠮷", "\\", '"', "\u2028", "\x7f", "{0}", "%s"]
)
dates = st.dates()


@given(
    type=texts,
    media_type=texts,
    issue_date=dates,
    valid_until=st.none() | dates,
    issuer=texts,
    ledger=st.builds(Ledger, texts, texts, texts),
    certificate_id=st.binary(min_size=16, max_size=16),
    sha256=st.binary(min_size=32, max_size=32),
    size=st.integers(1, 2**53 - 1),
)
def test_a_template_gives_the_canonical_encoding(
    type: str,
    media_type: str,
    issue_date: date,
    valid_until: date | None,
    issuer: str,
    ledger: Ledger,
    certificate_id: bytes,
    sha256: bytes,
    size: int,
) -> None:
    kind = Kind.create(
        type=type,
        media_type=media_type,
        issue_date=issue_date,
        valid_until=valid_until,
        issuer=issuer,
        ledger=ledger,
    )
    expected = Statement(
        certificate_id=certificate_id.hex(),
        type=type,
        issuer=issuer,
        issue_date=issue_date,
        document=Document(sha256.hex(), size, media_type),
        ledger=ledger,
        valid_until=valid_until,
    )
    assert kind.statement(certificate_id.hex(), sha256.hex(), size) == expected.to_bytes()
