"""Statements that differ in few fields, written without encoding each anew.

The canonical JSON of statements of one kind (type, media type, dates, issuer, ledger) differs only in the certificate's
id and in the document's digest and size. Two texts make a kind: `head` stands between the id and the digest, `tail`
after the size. They are kept in the register, so that a statement's bytes can be told without this program's version.
"""

from dataclasses import dataclass
from datetime import date

from node_client.certificates.document import Document
from node_client.certificates.statement import Ledger, Statement

OPENING = '{"certificateId":"'
SIZE = '","size":'

_ID, _DIGEST, _SIZE = "0" * 32, "0" * 64, 1


@dataclass(frozen=True)
class Kind:
    """What the statements of one kind have in common.

    Attributes:
        type: what is certified.
        head, tail: the texts between which the rest stands.
    """

    type: str
    head: str
    tail: str

    @classmethod
    def create(
        cls, *, type: str, media_type: str, issue_date: date, valid_until: date | None, issuer: str, ledger: Ledger
    ) -> "Kind":
        """The kind of statements that say this."""
        statement = Statement(
            certificate_id=_ID,
            type=type,
            issuer=issuer,
            issue_date=issue_date,
            document=Document(_DIGEST, _SIZE, media_type),
            ledger=ledger,
            valid_until=valid_until,
        )
        # In the order of RFC 8785 nothing stands before the id, nor anything but the size after the digest and before
        # the type. What could hold the digest's text itself stands on either side and is left whole.
        text = statement.to_bytes().decode()
        marker = f'"sha256":"{_DIGEST}{SIZE}{_SIZE},'
        before, _, after = text.removeprefix(OPENING + _ID).partition(marker)
        return cls(type, f'{before}"sha256":"', f",{after}")

    def statement(self, certificate_id: str, sha256: str, size: int) -> bytes:
        """A statement's bytes.

        Args:
            certificate_id, sha256: in hex.
            size: of the document, in bytes.
        """
        return f"{OPENING}{certificate_id}{self.head}{sha256}{SIZE}{size}{self.tail}".encode()
