"""Batches in the register, and their way to the ledger."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chaincode.registry.model import codes
from chaincode.registry.model.records import BatchRecord
from node_client.anchoring.run import SEALED, SHIFT, Run
from node_client.certificates import attestation
from node_client.certificates._async.client import AsyncRegistryClient
from node_client.certificates.errors import (
    AttestationError,
    LedgerMismatch,
    RegisterError,
    RegistryRefusal,
    not_attested,
)
from node_client.certificates.questions import batch_answer, batch_question
from node_client.certificates.register import ATTESTED, COMMITTED, ENDORSED, PREPARED, Register, usable
from node_client.gateway._async.transaction import AsyncTransaction


@dataclass(frozen=True)
class Batch:
    """A batch; the fields are the table's columns in their order.

    Attributes:
        first: the number of its first certificate in the register.
        run: the run that it belongs to.
        state: prepared, endorsed (its signed envelope is kept), committed, attested (its receipts can be made).
    """

    first: int
    run: int
    batch_id: str
    size: int
    root: bytes
    state: str
    transaction_id: str | None
    envelope: bytes | None
    attestation: bytes | None


SENDING, DONE = "sending", "done"


def state_of(run: Run, batches: Sequence[Batch]) -> str:
    """How far a run is: reading, sending, done (its receipts can be made), or given-up."""
    if run.state != SEALED:
        return run.state
    return DONE if all(batch.state == ATTESTED for batch in batches) else SENDING


class Batches:
    """The batches of a register.

    Args:
        register: the register.
    """

    def __init__(self, register: Register) -> None:
        self._register = register

    def of_run(self, run: int) -> list[Batch]:
        """A run's batches, in their order."""
        return list(
            self._rows("SELECT * FROM batches WHERE first BETWEEN ? AND ?", run << SHIFT, ((run + 1) << SHIFT) - 1)
        )

    def all(self) -> list[Batch]:
        """Every batch, in the order of the runs."""
        return list(self._rows("SELECT * FROM batches ORDER BY first"))

    def of_member(self, member: int) -> Batch | None:
        """The batch of a certificate, by the certificate's number in the register."""
        for batch in self._rows("SELECT * FROM batches WHERE first <= ? ORDER BY first DESC LIMIT 1", member):
            return batch if member < batch.first + batch.size else None
        return None

    def now(self, batch: Batch) -> Batch:
        """A batch as the register has it at this moment. Raises RegisterError when it is gone."""
        for now in self._rows("SELECT * FROM batches WHERE id = ?", batch.batch_id):
            return now
        raise RegisterError("a batch is no longer in the register")

    def _rows(self, query: str, *values: int | str) -> Iterator[Batch]:
        with usable(self._register.path):
            rows = self._register.reader.execute(query, values).fetchall()
        return (Batch(*row) for row in rows)

    async def endorsed(self, batch: Batch, transaction_id: str, envelope: bytes) -> Batch:
        """Keep the signed envelope that is about to be submitted, unless another process has kept one."""
        query = "UPDATE batches SET state = ?, transaction_id = ?, envelope = ? WHERE first = ? AND state = ?"
        return await self._change(batch, query, ENDORSED, transaction_id, envelope, batch.first, PREPARED)

    async def not_written(self, batch: Batch, transaction_id: str) -> Batch:
        """Go back to prepared: this transaction is known to have written nothing."""
        query = (
            "UPDATE batches SET state = ?, transaction_id = NULL, envelope = NULL"
            " WHERE first = ? AND transaction_id = ? AND state = ?"
        )
        return await self._change(batch, query, PREPARED, batch.first, transaction_id, ENDORSED)

    async def committed(self, batch: Batch, transaction_id: str) -> Batch:
        """The batch is on the ledger, written by this transaction. The envelope is needed no longer."""
        query = "UPDATE batches SET state = ?, transaction_id = ?, envelope = NULL WHERE first = ? AND state IN (?, ?)"
        return await self._change(batch, query, COMMITTED, transaction_id, batch.first, PREPARED, ENDORSED)

    async def attested(self, batch: Batch, attestation: bytes) -> Batch:
        """Keep an attestation, which replaces an earlier one."""
        query = "UPDATE batches SET state = ?, attestation = ? WHERE first = ? AND state IN (?, ?)"
        return await self._change(batch, query, ATTESTED, attestation, batch.first, COMMITTED, ATTESTED)

    async def _change(self, batch: Batch, query: str, *values: str | int | bytes) -> Batch:
        def write(connection: sqlite3.Connection) -> None:
            connection.execute(query, values)

        await self._register.write(write)
        return self.now(batch)


class BatchSteps:
    """The steps of a batch on its way to the ledger.

    Args:
        client: the registry.
        batches: where its states are kept.
    """

    def __init__(self, client: AsyncRegistryClient, batches: Batches) -> None:
        self._client = client
        self._batches = batches
        self.endorsed = batches.endorsed
        self.not_written = batches.not_written
        self.committed = batches.committed
        self.attested = batches.attested

    def name(self, batch: Batch) -> str:
        """How messages call it."""
        return f"batch {batch.batch_id}"

    async def endorse(self, batch: Batch) -> AsyncTransaction:
        """Have its anchoring endorsed."""
        return await self._client.endorse_anchor(batch.batch_id, batch.root.hex(), batch.size)

    async def written(self, batch: Batch) -> str | None:
        """The id of the transaction that anchored it; None when the ledger does not have it."""
        try:
            record = await self._client.read_batch(batch.batch_id)
        except RegistryRefusal as refusal:
            if refusal.code != codes.NOT_FOUND:
                raise
            return None
        self._require_same(batch, record)
        return record.transaction_id

    async def attest(self, batch: Batch) -> bytes:
        """Have its record attested, and believe only what a verifier will believe."""
        data = await self._client.attest_batch(batch.batch_id)
        try:
            answer = attestation.verify(data, batch_question(batch.batch_id), self._client.trust)
            record = batch_answer(answer, batch.batch_id)
        except AttestationError as error:
            raise not_attested(self.name(batch), error) from error
        self._require_same(batch, record)
        if record.transaction_id != batch.transaction_id:
            raise LedgerMismatch(f"the ledger's record of {self.name(batch)} is not the one of the register")
        return data

    def _require_same(self, batch: Batch, record: BatchRecord) -> None:
        if (record.root, record.size) != (batch.root.hex(), batch.size):
            raise LedgerMismatch(f"the ledger has another batch with the id {batch.batch_id}")
