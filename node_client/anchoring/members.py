"""Certificates of batches in the register, and their receipts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from chaincode.registry.model.ids import is_id
from node_client.anchoring.batches import Batch, Batches
from node_client.anchoring.receipt_template import ReceiptTemplate
from node_client.anchoring.template import Kind
from node_client.anchoring.tree import HEIGHT, WIDTH, PathReader, TreeBuilder, root_of, split
from node_client.certificates.errors import RegisterError
from node_client.certificates.receipt import Inclusion, Receipt
from node_client.certificates.reference import document_reference, reference_key
from node_client.certificates.register import ATTESTED, Register, usable
from node_client.certificates.statement import Statement

_SPAN = """
SELECT m.member, m.body, m.size, m.reference, k.type, k.head, k.tail
FROM members m JOIN kinds k USING (kind) WHERE m.member BETWEEN ? AND ? ORDER BY m.member
"""

_BLANK = """
UPDATE members SET line = 0, kind = NULL, size = NULL, body = substr(body, -32), reference = NULL WHERE member = ?
"""


@dataclass(frozen=True)
class Member:
    """A certificate of a batch.

    Attributes:
        member: its number in the register.
        sha256: of the document.
        size: of the document, in bytes.
        given: the caller's reference; None where there is none.
        leaf: its leaf's hash.
        kind: what its statement has in common with others.
    """

    member: int
    id: bytes
    salt: bytes
    sha256: bytes
    size: int
    given: str | None
    leaf: bytes
    kind: Kind

    @property
    def certificate_id(self) -> str:
        """The certificate's id."""
        return self.id.hex()

    @property
    def reference(self) -> str:
        """What it goes by: the caller's own, or the document's digest and the type."""
        return self.given if self.given is not None else document_reference(self.sha256.hex(), self.kind.type)

    @property
    def statement(self) -> bytes:
        """The statement's bytes."""
        return self.kind.statement(self.certificate_id, self.sha256.hex(), self.size)


class Members:
    """The certificates of a register's batches.

    Args:
        register: the register.
    """

    def __init__(self, register: Register) -> None:
        self._register = register
        self.batches = Batches(register)

    def find(self, name: str) -> Member | None:
        """A certificate, by its id or by what it goes by."""
        if is_id(name):
            return self._find("SELECT member FROM by_id WHERE id = ?", bytes.fromhex(name))
        return self._find("SELECT member FROM by_reference WHERE key = ?", reference_key(name))

    def _find(self, query: str, key: str | bytes) -> Member | None:
        with usable(self._register.path):
            row = self._register.reader.execute(query, (key,)).fetchone()
        found = self._span(row[0], row[0]) if row else ()
        return next(iter(found), None)

    def _span(self, first: int, last: int) -> Iterator[Member]:
        with usable(self._register.path):
            rows = self._register.reader.execute(_SPAN, (first, last))
            for number, body, size, given, *kind in rows:
                yield Member(number, body[32:48], body[48:80], body[:32], size, given, body[80:], Kind(*kind))

    def of_batch(self, batch: Batch) -> Iterator[Member]:
        """A batch's certificates, in their order; erased ones are left out."""
        return self._span(batch.first, batch.first + batch.size - 1)

    def inclusion(self, member: Member) -> Inclusion:
        """A certificate's place in its batch. Raises RegisterError when its run is not complete."""
        return self._inclusion(self._batch(member), member)

    def receipt(self, member: Member) -> Receipt:
        """A certificate's receipt.

        Raises:
            RegisterError: its batch is not on the ledger yet.
        """
        batch = self._batch(member)
        return _receipt(batch, member, self._inclusion(batch, member))

    def receipts(self, batches: Sequence[Batch]) -> Iterator[tuple[Member, Receipt]]:
        """The receipts of whole batches, one after another; erased certificates have none.

        Raises:
            RegisterError: a batch is not on the ledger yet.
        """
        for batch in batches:
            paths = PathReader(self._tiles(batch), batch.size)
            for member in self.of_batch(batch):
                index = member.member - batch.first
                inclusion = Inclusion(batch.batch_id, index, batch.size, tuple(paths.path(index)))
                yield member, _receipt(batch, member, inclusion)

    def encoded_receipts(self, batches: Sequence[Batch]) -> Iterator[tuple[Member, bytes]]:
        """As `receipts`, encoded: a hundred thousand a second."""
        for batch in batches:
            paths = PathReader(self._tiles(batch), batch.size)
            template: ReceiptTemplate | None = None
            for member in self.of_batch(batch):
                if template is None:
                    transaction_id, attestation = _require_attested(batch)
                    template = ReceiptTemplate(
                        batch_id=batch.batch_id,
                        size=batch.size,
                        transaction_id=transaction_id,
                        attestation=attestation,
                        kind=member.kind,
                    )
                index = member.member - batch.first
                path = paths.path(index)
                yield member, template.fill(member.certificate_id, member.salt, member.statement, index, path)

    def root(self, batch: Batch) -> bytes:
        """The root over the leaves that the register has of a batch. Raises RegisterError when it lacks some."""
        builder, tile = TreeBuilder(lambda *_: None), self._tiles(batch)
        for place in range(-(-batch.size // WIDTH)):
            leaves = tile(0, place)
            if len(leaves) != min(WIDTH, batch.size - place * WIDTH):
                raise RegisterError(f"the register lacks certificates of batch {batch.batch_id}")
            builder.add(root_of(leaves))
        return builder.finish()

    def _batch(self, member: Member) -> Batch:
        batch = self.batches.of_member(member.member)
        if batch is None:
            raise RegisterError(f"certificate {member.certificate_id} has not been anchored yet", "run anchor again")
        return batch

    def _inclusion(self, batch: Batch, member: Member) -> Inclusion:
        index = member.member - batch.first
        path = PathReader(self._tiles(batch), batch.size).path(index)
        return Inclusion(batch.batch_id, index, batch.size, tuple(path))

    def _tiles(self, batch: Batch) -> Callable[[int, int], Sequence[bytes]]:
        def tile(level: int, place: int) -> Sequence[bytes]:
            with usable(self._register.path):
                if not level:
                    first = batch.first + (place << HEIGHT)
                    last = min(first + WIDTH, batch.first + batch.size) - 1
                    query = "SELECT substr(body, -32) FROM members WHERE member BETWEEN ? AND ? ORDER BY member"
                    return [leaf for (leaf,) in self._register.reader.execute(query, (first, last))]
                query = "SELECT hashes FROM tiles WHERE first = ? AND level = ? AND tile = ?"
                row = self._register.reader.execute(query, (batch.first, level, place)).fetchone()
            if row is None:
                raise RegisterError(f"the register lacks a part of batch {batch.batch_id}", "restore it from a backup")
            return split(row[0])

        return tile

    def erase(self, member: Member) -> None:
        """Forget a certificate. Its leaf's hash stays: others' proofs need it, and it tells nothing."""

        self._register.forget(
            ("DELETE FROM by_id WHERE id = ?", (member.id,)),
            ("DELETE FROM by_reference WHERE key = ?", (reference_key(member.reference),)),
            (_BLANK, (member.member,)),
        )


def _receipt(batch: Batch, member: Member, inclusion: Inclusion) -> Receipt:
    transaction_id, attestation = _require_attested(batch)
    return Receipt(
        statement=Statement.from_bytes(member.statement),
        salt=member.salt,
        transaction_id=transaction_id,
        attestation=attestation,
        inclusion=inclusion,
    )


def _require_attested(batch: Batch) -> tuple[str, bytes]:
    if batch.state != ATTESTED or batch.attestation is None or batch.transaction_id is None:
        raise RegisterError(f"batch {batch.batch_id} is not on the ledger yet", "run the same anchor command again")
    return batch.transaction_id, batch.attestation
