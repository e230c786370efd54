"""Issuing certificates: from a document to a receipt, through every interruption.

How a certificate comes onto the ledger exactly once is told in `settling`.
"""

import asyncio
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from weakref import WeakValueDictionary

from chaincode.registry.model import codes
from chaincode.registry.model.commitment import commitment, new_salt
from chaincode.registry.model.ids import new_id
from node_client.certificates import attestation
from node_client.certificates._async.client import AsyncRegistryClient
from node_client.certificates.certificate_type import DEFAULT_TYPE
from node_client.certificates.document import Document
from node_client.certificates.errors import (
    AttestationError,
    DocumentError,
    LedgerMismatch,
    ReferenceTaken,
    RegisterError,
    RegistryRefusal,
    not_attested,
)
from node_client.certificates.questions import certificate_answer, certificate_question
from node_client.certificates.receipt import Receipt
from node_client.certificates.receipt_file import receipt_path, require_free, write_receipt
from node_client.certificates.register import ATTESTED, Register, Row
from node_client.certificates.settling import Settler
from node_client.certificates.statement import Statement
from node_client.certificates.target import Target
from node_client.gateway._async.gateway import AsyncGateway
from node_client.gateway._async.transaction import AsyncTransaction
from node_client.gateway.pipeline import Pipeline


@dataclass(frozen=True, kw_only=True)
class Request:
    """A certificate to issue.

    Attributes:
        document: the file.
        reference: the caller's own name for the certificate; by default the document's digest and type.
        folder: where its receipt goes; by default beside the document.
        supersedes: the certificate that it replaces, as `Target.to_text` gives it.
    """

    document: Path
    type: str = DEFAULT_TYPE
    reference: str = ""
    valid_until: date | None = None
    folder: Path | None = None
    supersedes: str | None = None


@dataclass(frozen=True)
class Issued:
    """A certificate that is on the ledger, and where its receipt is."""

    certificate_id: str
    transaction_id: str
    receipt: Path
    already: bool


class Issuer:
    """Issues certificates for one organisation.

    Args:
        gateway: connected as an issuer.
        client: the registry over that gateway.
        register: the organisation's register.
        pipeline: submits, and tells how transactions end.
    """

    def __init__(
        self, gateway: AsyncGateway, client: AsyncRegistryClient, register: Register, pipeline: Pipeline
    ) -> None:
        self._gateway = gateway
        self._client = client
        self._register = register
        self._settler = Settler(gateway, _Certificates(client, register), pipeline.submit)
        # Each lives as long as somebody holds it or waits for it.
        self._locks: WeakValueDictionary[str | Path, asyncio.Lock] = WeakValueDictionary()

    async def issue(self, request: Request) -> Issued:
        """Issue a certificate, or finish what an earlier run began.

        Raises:
            DocumentError: the document cannot be used.
            ReferenceTaken: the reference stands for other content.
            ReceiptConflict: something else is where the receipt would go; nothing was written.
            ReceiptNotWritten: the certificate is issued, but its receipt could not be written.
            LedgerMismatch: the register belongs to another ledger.
            RegistryRefusal, EndorseError, CommitError: nothing was written.
            OutcomeUnknown: whether it was written is not known; issuing the same again finds out.
        """
        document = await asyncio.to_thread(Document.of_file, request.document)
        if not document.size:
            raise DocumentError(f"{request.document} is empty")
        reference = request.reference or f"{document.sha256}:{request.type}"
        target = receipt_path(request.document, request.folder)
        # One at a time for a reference, and for a receipt's place, so that the second one sees the first.
        async with self._lock(reference), self._lock(target.absolute()):
            row = self._register.find_reference(reference)
            require_free(target, row.certificate_id if row else "")
            already = row is not None and row.state == ATTESTED
            if row is None:
                row = await self._prepare(request, document, reference)
            self._require_same(row, request, document)
            receipt = receipt_of(await self._settler.settle(row))
            await asyncio.to_thread(write_receipt, target, receipt)
        return Issued(row.certificate_id, receipt.transaction_id, target, already)

    def _lock(self, key: str | Path) -> asyncio.Lock:
        return self._locks.setdefault(key, asyncio.Lock())

    async def _prepare(self, request: Request, document: Document, reference: str) -> Row:
        statement = Statement(
            certificate_id=new_id(),
            type=request.type,
            issuer=self._gateway.identity.msp_id,
            issue_date=date.today(),
            document=document,
            ledger=self._client.trust.ledger,
            valid_until=request.valid_until,
        )
        return await self._register.prepare(
            certificate_id=statement.certificate_id,
            reference=reference,
            statement=statement.to_bytes(),
            salt=new_salt(),
            supersedes=request.supersedes,
        )

    def _require_same(self, row: Row, request: Request, document: Document) -> None:
        statement = Statement.from_bytes(row.statement)
        if statement.ledger != self._client.trust.ledger:
            raise LedgerMismatch("the register belongs to another ledger", "use another profile, or another register")
        wanted = (document.sha256, document.size, request.type, request.valid_until, request.supersedes)
        kept = statement.document
        found = (kept.sha256, kept.size, statement.type, statement.valid_until, row.supersedes)
        if wanted != found:
            raise ReferenceTaken(
                f"the reference stands for certificate {row.certificate_id}, which has other content",
                "use another --reference, or the document and options of that certificate",
            )


class _Certificates:
    """The steps of a certificate on its way to the ledger."""

    def __init__(self, client: AsyncRegistryClient, register: Register) -> None:
        self._client = client
        self._register = register

    def name(self, row: Row) -> str:
        return f"certificate {row.certificate_id}"

    async def endorse(self, row: Row) -> AsyncTransaction:
        committed = commitment(row.salt, row.statement)
        if row.supersedes:
            old = Target.from_text(row.supersedes)
            if old.inclusion is None:
                return await self._client.endorse_supersede(old.certificate_id, row.certificate_id, committed)
            return await self._client.endorse_supersede_member(old.inclusion, old.leaf, row.certificate_id, committed)
        return await self._client.endorse_issue(row.certificate_id, committed)

    async def written(self, row: Row) -> str | None:
        try:
            record = await self._client.read(row.certificate_id)
        except RegistryRefusal as refusal:
            if refusal.code != codes.NOT_FOUND:
                raise
            return None
        if record.commitment != commitment(row.salt, row.statement):
            raise LedgerMismatch(f"the ledger has another certificate with the id {row.certificate_id}")
        return record.transaction_id

    async def attest(self, row: Row) -> bytes:
        return await attest(self._client, row)

    async def endorsed(self, row: Row, transaction_id: str, envelope: bytes) -> Row:
        return await self._register.endorsed(row.certificate_id, transaction_id, envelope)

    async def not_written(self, row: Row, transaction_id: str) -> Row:
        return await self._register.not_written(row.certificate_id, transaction_id)

    async def committed(self, row: Row, transaction_id: str) -> Row:
        return await self._register.committed(row.certificate_id, transaction_id)

    async def attested(self, row: Row, attestation: bytes) -> Row:
        return await self._register.attested(row.certificate_id, attestation)


async def attest(client: AsyncRegistryClient, row: Row) -> bytes:
    """Have a certificate's record attested, and believe only what a verifier will believe.

    Raises:
        LedgerMismatch: the network does not attest it as the trust file demands, or as something else.
        RegistryRefusal, EndorseError: it could not be asked.
    """
    data = await client.attest(row.certificate_id)
    try:
        answer = attestation.verify(data, certificate_question(row.certificate_id), client.trust)
        record = certificate_answer(answer, row.certificate_id)
    except AttestationError as error:
        raise not_attested(f"certificate {row.certificate_id}", error) from error
    if (record.commitment, record.transaction_id) != (commitment(row.salt, row.statement), row.transaction_id):
        raise LedgerMismatch(f"the ledger's record of certificate {row.certificate_id} is not the one of the register")
    return data


def receipt_of(row: Row) -> Receipt:
    """The receipt of a certificate that has been attested.

    Raises:
        RegisterError: it has not been issued yet.
    """
    if row.state != ATTESTED or row.attestation is None or row.transaction_id is None:
        raise RegisterError(f"certificate {row.certificate_id} has not been issued yet", "issue it again")
    return Receipt(
        statement=Statement.from_bytes(row.statement),
        salt=row.salt,
        transaction_id=row.transaction_id,
        attestation=row.attestation,
    )
