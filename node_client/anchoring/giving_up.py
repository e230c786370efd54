"""Giving up a run that is not finished.

What may be on the ledger is not given up: only batches that were never sent, or whose transaction is known to have
written nothing. Whoever gives a run up does not want it on the ledger, so nothing is sent to find out: a transaction is
asked for by its id, and while nobody can tell what became of it its batch stays as it is. The same anchoring run again
finishes such a batch, and giving up again asks again.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from node_client.anchoring.batches import Batch, Batches, BatchSteps
from node_client.anchoring.run import SEALED
from node_client.anchoring.runs import RunStore
from node_client.certificates._async.client import AsyncRegistryClient
from node_client.certificates.errors import OutcomeUnknown, RegisterError
from node_client.certificates.register import ATTESTED, COMMITTED, ENDORSED, Register
from node_client.certificates.settling import Settler
from node_client.gateway._async.gateway import AsyncGateway
from node_client.gateway._async.transaction import AsyncTransaction
from node_client.gateway.requests import Status

ASKING = 5.0  # seconds in which a peer must know a transaction that is in a block


@dataclass(frozen=True)
class GivenUp:
    """What came of giving up a run.

    Attributes:
        certificates, batches: how many are no longer in the register.
        kept: batches that are on the ledger; their receipts stay.
        unknown: why of other batches nobody can tell whether they are.
    """

    certificates: int
    batches: int
    kept: tuple[Batch, ...] = ()
    unknown: tuple[OutcomeUnknown, ...] = ()


def resolver(
    gateway: AsyncGateway, client: AsyncRegistryClient, register: Register
) -> Callable[[Batch], Awaitable[Batch]]:
    """What finds out what became of a batch that may have been sent, without sending it: `Settler.resolve`."""
    return Settler(gateway, BatchSteps(client, Batches(register)), _ask).resolve


async def _ask(transaction: AsyncTransaction) -> Status:
    return await transaction.commit.status(timeout=ASKING)


async def give_up(register: Register, name: str, resolve: Callable[[Batch], Awaitable[Batch]]) -> GivenUp:
    """Give up a run that is not finished.

    Args:
        name: the run's.
        resolve: what `resolver` gives; called only with batches that may have been sent.

    Raises:
        NotInRegister: there is no such run.
        RegisterError: all of it is on the ledger.
        Exception: what `resolve` raises, but for OutcomeUnknown; nothing was given up then.
    """
    batches = Batches(register)
    with RunStore(register.path) as store:
        run = store.require(name)
        before = batches.of_run(run.run)
        if run.state == SEALED and all(batch.state == ATTESTED for batch in before):
            raise RegisterError(f"the run {name} is on the ledger: there is nothing to give up")
        reasons = {}
        for batch in before:
            if batch.state in (ENDORSED, COMMITTED):
                try:
                    await resolve(batch)
                except OutcomeUnknown as error:
                    reasons[batch.batch_id] = error
        certificates, count = store.give_up(run)
    left = batches.of_run(run.run)
    return GivenUp(
        certificates,
        count,
        tuple(batch for batch in left if batch.state in (COMMITTED, ATTESTED)),
        tuple(reasons.get(batch.batch_id) or _sent_meanwhile(batch) for batch in left if batch.state == ENDORSED),
    )


def _sent_meanwhile(batch: Batch) -> OutcomeUnknown:
    return OutcomeUnknown(batch.transaction_id or "", f"batch {batch.batch_id} is being sent by another command")
