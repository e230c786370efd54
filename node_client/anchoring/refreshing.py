"""New attestations for receipts: under the organisations' certificates of today."""

from collections.abc import AsyncIterator, Sequence

from node_client.anchoring.batches import Batch, Batches, BatchSteps
from node_client.certificates._async.client import AsyncRegistryClient
from node_client.certificates.errors import RegisterError
from node_client.certificates.issuing import attest
from node_client.certificates.register import ATTESTED, COMMITTED, Register, Row


async def refresh_batches(
    client: AsyncRegistryClient, register: Register, batches: Sequence[Batch]
) -> AsyncIterator[Batch]:
    """Have batches attested anew: all receipts of a batch are new with it.

    Raises:
        RegisterError: a batch is not on the ledger yet.
        LedgerMismatch: the network does not attest it as the trust file demands, or as something else.
        RegistryRefusal, EndorseError: it could not be asked.
    """
    kept = Batches(register)
    steps = BatchSteps(client, kept)
    for batch in batches:
        if batch.state not in (COMMITTED, ATTESTED):
            raise RegisterError(f"batch {batch.batch_id} is not on the ledger yet", "run the same anchor command again")
        yield await kept.attested(batch, await steps.attest(batch))


async def refresh_certificate(client: AsyncRegistryClient, register: Register, row: Row) -> Row:
    """Have a certificate that was issued alone attested anew. Raises as `refresh_batches`."""
    if row.state not in (COMMITTED, ATTESTED):
        raise RegisterError(f"certificate {row.certificate_id} has not been issued yet", "issue it again")
    return await register.attested(row.certificate_id, await attest(client, row))
