"""The registry's transactions.

Writes need the attribute `certledger.role` = issuer in a certificate of an MSP that may issue, and touch only what
that MSP issued; reads need the role issuer, auditor or verifier, or an admin's certificate. Writing the same thing
twice is one write: the repeat answers with the record that is there. Ids, commitments and enumerated codes are the
only arguments, for arguments stay in blocks for ever.
"""

import json
from datetime import UTC, datetime
from typing import Any, ClassVar, TypeVar

from chaincode.contract import Context, Contract, ContractError, evaluate, submit
from chaincode.ledger.composite_key import create_composite_key
from chaincode.registry import access
from chaincode.registry.arguments import (
    MAX_BATCH_SIZE,
    require_digest,
    require_id,
    require_proof,
    require_reason,
)
from chaincode.registry.model import codes, keys, merkle
from chaincode.registry.model.records import BatchRecord, CertificateRecord, StatusRecord
from chaincode.registry.model.status import Reason, Status, may_become

MAX_PAGE = 1000

_ENCODER = json.JSONEncoder(separators=(",", ":"), sort_keys=True)

Record = TypeVar("Record", CertificateRecord, BatchRecord, StatusRecord)


class Registry(Contract):
    """Certificates of a consortium.

    Args:
        issuer_msps: the MSPs that may issue.
    """

    name: ClassVar[str] = "registry"

    def __init__(self, issuer_msps: frozenset[str]) -> None:
        self._issuer_msps = issuer_msps

    # Single certificates

    @submit
    async def issue_certificate(self, context: Context, certificate_id: str, commitment: str) -> bytes:
        """Put a certificate's commitment on the ledger."""
        self._require_issuer(context)
        record = self._new_certificate(context, certificate_id, commitment)
        existing = await self._find(context, keys.certificate_key(certificate_id), CertificateRecord)
        if existing:
            return _unless_different(existing, record)
        data = await self._put(context, keys.certificate_key(certificate_id), record)
        _announce(context, codes.CERTIFICATE_ISSUED, certificateId=certificate_id, status=record.status)
        return data

    @submit
    async def revoke_certificate(self, context: Context, certificate_id: str, reason: str) -> bytes:
        """Revoke a certificate for good."""
        return await self._change(
            context, certificate_id, Status.REVOKED, require_reason(reason), codes.CERTIFICATE_REVOKED
        )

    @submit
    async def suspend_certificate(self, context: Context, certificate_id: str, reason: str) -> bytes:
        """Suspend a certificate until it is reinstated."""
        return await self._change(
            context, certificate_id, Status.SUSPENDED, require_reason(reason), codes.CERTIFICATE_SUSPENDED
        )

    @submit
    async def reinstate_certificate(self, context: Context, certificate_id: str) -> bytes:
        """Make a suspended certificate active again."""
        return await self._change(context, certificate_id, Status.ACTIVE, None, codes.CERTIFICATE_REINSTATED)

    @submit
    async def supersede_certificate(
        self, context: Context, certificate_id: str, new_id: str, new_commitment: str
    ) -> bytes:
        """Replace a certificate with a new one. Answers with the new record."""
        self._require_issuer(context)
        require_id(certificate_id, "certificateId")
        successor = self._new_certificate(context, new_id, new_commitment, "new", supersedes=certificate_id)
        record = await self._existing(context, keys.certificate_key(certificate_id), CertificateRecord, certificate_id)
        access.require_owner(context.client_identity, record.issuer_msp, "certificateId", certificate_id)
        existing = await self._find(context, keys.certificate_key(new_id), CertificateRecord)
        if existing:
            return _unless_different(existing, successor)
        _require_transition(record.status, Status.SUPERSEDED, certificate_id)
        replaced = record.with_status(Status.SUPERSEDED, Reason.SUPERSEDED, superseded_by=new_id)
        await self._put(context, keys.certificate_key(certificate_id), replaced)
        data = await self._put(context, keys.certificate_key(new_id), successor)
        _announce(
            context,
            codes.CERTIFICATE_SUPERSEDED,
            certificateId=certificate_id,
            supersededBy=new_id,
            status=replaced.status,
        )
        return data

    @evaluate
    async def read_certificate(self, context: Context, certificate_id: str) -> bytes:
        """A certificate's record."""
        access.require_reader(context.client_identity)
        key = keys.certificate_key(require_id(certificate_id, "certificateId"))
        return (await self._existing(context, key, CertificateRecord, certificate_id)).to_bytes()

    @evaluate
    async def verify_certificate(self, context: Context, certificate_id: str, commitment: str) -> dict[str, Any]:
        """Whether the ledger has this commitment for the certificate, and its status."""
        access.require_reader(context.client_identity)
        key = keys.certificate_key(require_id(certificate_id, "certificateId"))
        record = await self._existing(context, key, CertificateRecord, certificate_id)
        matches = record.commitment == require_digest(commitment, "commitment")
        return {"certificateId": certificate_id, "matches": matches, "status": record.status}

    @evaluate
    async def get_certificate_history(self, context: Context, certificate_id: str) -> list[dict[str, Any]]:
        """Every version of a certificate's record, newest first."""
        access.require_reader(context.client_identity)
        key = keys.certificate_key(require_id(certificate_id, "certificateId"))
        history = []
        async with await context.stub.get_history_for_key(key) as rows:
            async for row in rows:
                record = CertificateRecord.from_bytes(row.value).to_dict() if row.value else None
                history.append({"transactionId": row.tx_id, "at": _rfc3339(row.timestamp), "record": record})
        if not history:
            raise ContractError(codes.NOT_FOUND, "no such certificate", "certificateId", certificate_id)
        return history

    @evaluate
    async def list_certificates(self, context: Context, page_size: int, bookmark: str) -> dict[str, Any]:
        """One page of records in the order of their ids; an empty bookmark begins and ends the list."""
        return await self._page(context, keys.CERTIFICATE, CertificateRecord, page_size, bookmark)

    # Batches

    @submit
    async def anchor_batch(self, context: Context, batch_id: str, root: str, size: int) -> bytes:
        """Put a batch's root on the ledger."""
        self._require_issuer(context)
        if not 1 <= size <= MAX_BATCH_SIZE:
            raise ContractError(codes.BAD_ARGUMENT, "size must be at least 1")
        record = BatchRecord(
            batch_id=require_id(batch_id, "batchId"),
            root=require_digest(root, "root"),
            size=size,
            issuer_msp=context.client_identity.msp_id,
            anchored_at=_rfc3339(context.timestamp),
            transaction_id=context.tx_id,
        )
        existing = await self._find(context, keys.batch_key(batch_id), BatchRecord)
        if existing:
            same = (existing.root, existing.size, existing.issuer_msp) == (root, size, record.issuer_msp)
            if same:
                return existing.to_bytes()
            raise ContractError(codes.ALREADY_EXISTS, "another batch has this id", "batchId", batch_id)
        data = await self._put(context, keys.batch_key(batch_id), record)
        _announce(context, codes.BATCH_ANCHORED, batchId=batch_id, size=size)
        return data

    @evaluate
    async def read_batch(self, context: Context, batch_id: str) -> bytes:
        """A batch's record."""
        access.require_reader(context.client_identity)
        return (await self._existing_batch(context, batch_id)).to_bytes()

    @submit
    async def revoke_member(self, context: Context, batch_id: str, leaf: str, proof: str, reason: str) -> bytes:
        """Revoke a member of a batch for good."""
        return await self._change_member(
            context, batch_id, leaf, proof, Status.REVOKED, require_reason(reason), codes.CERTIFICATE_REVOKED
        )

    @submit
    async def suspend_member(self, context: Context, batch_id: str, leaf: str, proof: str, reason: str) -> bytes:
        """Suspend a member of a batch until it is reinstated."""
        return await self._change_member(
            context, batch_id, leaf, proof, Status.SUSPENDED, require_reason(reason), codes.CERTIFICATE_SUSPENDED
        )

    @submit
    async def reinstate_member(self, context: Context, batch_id: str, leaf: str, proof: str) -> bytes:
        """Make a suspended member of a batch active again."""
        return await self._change_member(
            context, batch_id, leaf, proof, Status.ACTIVE, None, codes.CERTIFICATE_REINSTATED
        )

    @submit
    async def supersede_member(
        self, context: Context, batch_id: str, leaf: str, proof: str, new_id: str, new_commitment: str
    ) -> bytes:
        """Replace a member of a batch with a new certificate. Answers with the new record."""
        self._require_issuer(context)
        successor = self._new_certificate(context, new_id, new_commitment, "new", supersedes=f"{batch_id}/{leaf}")
        existing = await self._find(context, keys.certificate_key(new_id), CertificateRecord)
        if existing:
            return _unless_different(existing, successor)
        await self._change_member(
            context, batch_id, leaf, proof, Status.SUPERSEDED, Reason.SUPERSEDED, codes.CERTIFICATE_SUPERSEDED, new_id
        )
        return await self._put(context, keys.certificate_key(new_id), successor)

    @evaluate
    async def read_member(self, context: Context, batch_id: str, leaf: str) -> dict[str, Any]:
        """A batch's record and the status of the member with this leaf hash, null while it is unchanged.

        That the leaf is in the batch is not shown by this: the receipt's inclusion proof does.
        """
        access.require_reader(context.client_identity)
        batch = await self._existing_batch(context, batch_id)
        key = keys.status_key(batch_id, require_digest(leaf, "leaf"))
        status = await self._find(context, key, StatusRecord)
        return {"batch": batch.to_dict(), "status": status.to_dict() if status else None}

    @evaluate
    async def read_status_list(self, context: Context, batch_id: str) -> dict[str, Any]:
        """A batch's record and the status of every member that has changed, in the order of their leaf hashes."""
        access.require_reader(context.client_identity)
        batch = await self._existing_batch(context, batch_id)
        async with await context.stub.get_state_by_partial_composite_key(keys.STATUS, [batch_id]) as rows:
            statuses = [StatusRecord.from_bytes(row.value).to_dict() async for row in rows]
        return {"batch": batch.to_dict(), "statuses": statuses}

    @evaluate
    async def list_batches(self, context: Context, page_size: int, bookmark: str) -> dict[str, Any]:
        """One page of batches in the order of their ids; an empty bookmark begins and ends the list."""
        return await self._page(context, keys.BATCH, BatchRecord, page_size, bookmark)

    # What they share

    async def _page(
        self, context: Context, kind: str, record: type[CertificateRecord | BatchRecord], page_size: int, bookmark: str
    ) -> dict[str, Any]:
        access.require_reader(context.client_identity)
        if not 1 <= page_size <= MAX_PAGE:
            raise ContractError(codes.BAD_ARGUMENT, f"pageSize must be from 1 to {MAX_PAGE}")
        first = create_composite_key(kind, [require_id(bookmark, "bookmark")]) if bookmark else ""
        page = await context.stub.get_state_by_partial_composite_key_with_pagination(kind, [], page_size, first)
        records = [record.from_bytes(row.value).to_dict() for row in page.rows]
        following = context.stub.split_composite_key(page.bookmark)[1][0] if page.bookmark else ""
        return {"records": records, "bookmark": following}

    def _require_issuer(self, context: Context) -> None:
        access.require_issuer(context.client_identity, self._issuer_msps)

    def _new_certificate(
        self, context: Context, certificate_id: str, commitment: str, prefix: str = "", supersedes: str | None = None
    ) -> CertificateRecord:
        return CertificateRecord(
            certificate_id=require_id(certificate_id, "newId" if prefix else "certificateId"),
            commitment=require_digest(commitment, "newCommitment" if prefix else "commitment"),
            issuer_msp=context.client_identity.msp_id,
            issued_at=_rfc3339(context.timestamp),
            transaction_id=context.tx_id,
            supersedes=supersedes,
        )

    async def _find(self, context: Context, key: str, kind: type[Record]) -> Record | None:
        data = await context.stub.get_state(key)
        return kind.from_bytes(data) if data else None

    async def _existing(self, context: Context, key: str, kind: type[Record], value: str) -> Record:
        record = await self._find(context, key, kind)
        if record is None:
            raise ContractError(codes.NOT_FOUND, "no such certificate", "certificateId", value)
        return record

    async def _existing_batch(self, context: Context, batch_id: str) -> BatchRecord:
        record = await self._find(context, keys.batch_key(require_id(batch_id, "batchId")), BatchRecord)
        if record is None:
            raise ContractError(codes.NOT_FOUND, "no such batch", "batchId", batch_id)
        return record

    async def _put(self, context: Context, key: str, record: CertificateRecord | BatchRecord | StatusRecord) -> bytes:
        data = record.to_bytes()
        await context.stub.put_state(key, data)
        return data

    async def _change(
        self, context: Context, certificate_id: str, status: Status, reason: Reason | None, event: str
    ) -> bytes:
        self._require_issuer(context)
        key = keys.certificate_key(require_id(certificate_id, "certificateId"))
        record = await self._existing(context, key, CertificateRecord, certificate_id)
        access.require_owner(context.client_identity, record.issuer_msp, "certificateId", certificate_id)
        if (record.status, record.reason) == (status, reason):
            return record.to_bytes()
        _require_transition(record.status, status, certificate_id)
        changed = record.with_status(status, reason)
        data = await self._put(context, key, changed)
        _announce(context, event, certificateId=certificate_id, status=status, reason=reason)
        return data

    async def _change_member(
        self,
        context: Context,
        batch_id: str,
        leaf: str,
        proof: str,
        status: Status,
        reason: Reason | None,
        event: str,
        superseded_by: str | None = None,
    ) -> bytes:
        self._require_issuer(context)
        batch = await self._existing_batch(context, batch_id)
        access.require_owner(context.client_identity, batch.issuer_msp, "batchId", batch_id)
        digest = bytes.fromhex(require_digest(leaf, "leaf"))
        place = require_proof(proof)
        if not merkle.verify_inclusion(digest, place.index, batch.size, place.path, bytes.fromhex(batch.root)):
            raise ContractError(codes.BAD_PROOF, "the proof does not show the leaf in this batch", "batchId", batch_id)
        key = keys.status_key(batch_id, leaf)
        current = await self._find(context, key, StatusRecord)
        now = current.status if current else Status.ACTIVE
        if current and (current.status, current.reason, current.superseded_by) == (status, reason, superseded_by):
            return current.to_bytes()
        _require_transition(now, status, leaf, "leaf")
        record = StatusRecord(
            batch_id=batch_id,
            leaf=leaf,
            index=place.index,
            issuer_msp=batch.issuer_msp,
            changed_at=_rfc3339(context.timestamp),
            transaction_id=context.tx_id,
            status=status,
            reason=reason,
            superseded_by=superseded_by,
        )
        data = await self._put(context, key, record)
        _announce(context, event, batchId=batch_id, leaf=leaf, status=status, reason=reason, supersededBy=superseded_by)
        return data


def _unless_different(existing: CertificateRecord, wanted: CertificateRecord) -> bytes:
    if existing.same_issue(wanted):
        return existing.to_bytes()
    raise ContractError(
        codes.ALREADY_EXISTS, "another certificate has this id", "certificateId", existing.certificate_id
    )


def _require_transition(current: Status, following: Status, value: str, argument: str = "certificateId") -> None:
    if current.final:
        raise ContractError(codes.FINAL_STATUS, f"it is {current}, which is final", argument, value)
    if not may_become(current, following):
        raise ContractError(codes.BAD_TRANSITION, f"it is {current} and cannot become {following}", argument, value)


def _announce(context: Context, name: str, **values: Any) -> None:
    payload = {key: value for key, value in values.items() if value is not None}
    context.stub.set_event(name, _ENCODER.encode(payload).encode())


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
