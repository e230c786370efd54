"""Bringing something onto the ledger exactly once, through every interruption.

It goes prepared → endorsed → committed → attested, and each state is durable in the register before the next step. A
new transaction is never made while the outcome of an old one is unknown: the identical envelope is submitted again,
which is harmless, and the transaction's status is asked by its id.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

from node_client.certificates.errors import NotAttestedYet, OutcomeUnknown, RegistryRefusal, overtaken
from node_client.certificates.register import ATTESTED, COMMITTED, ENDORSED, PREPARED
from node_client.errors import CommitError, CommitStatusError, EndorseError, GatewayError, SubmitError
from node_client.gateway._async.gateway import AsyncGateway
from node_client.gateway._async.transaction import AsyncTransaction
from node_client.gateway.requests import Status

ATTEMPTS = 5  # new transactions for one thing, when earlier ones are known to have written nothing


class Pending(Protocol):
    """Something on its way to the ledger, as the register has it."""

    @property
    def state(self) -> str:
        """One of the register's states."""

    @property
    def transaction_id(self) -> str | None:
        """Of the transaction that is kept, or that wrote it."""

    @property
    def envelope(self) -> bytes | None:
        """The signed transaction, from endorsed until committed."""


One = TypeVar("One", bound=Pending)


class Steps(Protocol[One]):
    """What is particular to one kind of things. Every step but `endorse`, `written` and `attest` is the register's."""

    def name(self, one: One) -> str:
        """How messages call it."""

    async def endorse(self, one: One) -> AsyncTransaction:
        """Have the writing endorsed."""

    async def written(self, one: One) -> str | None:
        """The id of the transaction that wrote it; None when the ledger does not have it.

        Raises:
            LedgerMismatch: the ledger has something else in its place.
        """

    async def attest(self, one: One) -> bytes:
        """Have the record attested, and believe only what a verifier will believe."""

    async def endorsed(self, one: One, transaction_id: str, envelope: bytes) -> One:
        """Keep the envelope that is about to be submitted, unless another process has kept one."""

    async def not_written(self, one: One, transaction_id: str) -> One:
        """Go back to prepared: this transaction is known to have written nothing."""

    async def committed(self, one: One, transaction_id: str) -> One:
        """It is on the ledger, written by this transaction."""

    async def attested(self, one: One, attestation: bytes) -> One:
        """Keep the attestation."""


class Settler(Generic[One]):
    """Brings things of one kind onto the ledger.

    Args:
        gateway: connected as an issuer.
        steps: what is particular to the kind.
        submit: submits a transaction and tells how it ended, as a pipeline does where there are many. For `resolve`
            alone, what only asks how a transaction ended.
    """

    def __init__(
        self,
        gateway: AsyncGateway,
        steps: Steps[One],
        submit: Callable[[AsyncTransaction], Awaitable[Status]] | None = None,
    ) -> None:
        self._gateway = gateway
        self._steps = steps
        self._submit_one = submit or _submit_alone

    async def settle(self, one: One) -> One:
        """Go on from wherever it is until it is attested.

        Raises:
            LedgerMismatch: the ledger does not belong to the register, or does not agree with it.
            RegistryRefusal, EndorseError, CommitError: nothing was written.
            NotAttestedYet: it is written; doing the same again attests it.
            OutcomeUnknown: whether it was written is not known; doing the same again finds out.
        """
        attempts = 0
        while one.state != ATTESTED:
            if one.state == PREPARED:
                attempts += 1
                try:
                    transaction = await self._steps.endorse(one)
                except EndorseError as error:
                    if attempts == ATTEMPTS or not overtaken(error):
                        raise
                    continue
                one = await self._steps.endorsed(one, transaction.transaction_id, transaction.envelope)
            elif one.state == ENDORSED:
                one = await self._submit(one, last=attempts >= ATTEMPTS)
            elif one.state == COMMITTED:
                one = await self._steps.attested(one, await self._attest(one))
        return one

    async def resolve(self, one: One) -> One:
        """Find out what became of something that may have been submitted, and have it attested when it is written.

        Returns:
            It, attested when it is written; else prepared, unless another process has gone on with it.

        Raises:
            LedgerMismatch, NotAttestedYet, OutcomeUnknown: as `settle`.
            EvaluateError: the ledger could not be asked who wrote it.
        """
        if one.state == ENDORSED:
            one = await self._submit(one, last=False)
        return await self.settle(one) if one.state == COMMITTED else one

    async def _attest(self, one: One) -> bytes:
        try:
            return await self._steps.attest(one)
        except (EndorseError, RegistryRefusal) as error:
            # A peer that is behind does not even find it: that must not pass for a refusal to write it.
            text = f"{self._steps.name(one)} is on the ledger, and the organisations do not attest it now: {error}"
            raise NotAttestedYet(one.transaction_id or "", text) from error

    async def _submit(self, one: One, *, last: bool) -> One:
        """Submit the kept envelope, for the first time or again, and find out what became of it."""
        transaction = self._gateway.transaction_from_envelope(one.envelope or b"")
        try:
            status = await self._submit_one(transaction)
        except (SubmitError, CommitStatusError) as error:
            # Orderers refuse for minutes what they have ordered before, BFT's do. Then the ledger has it.
            with suppress(GatewayError):
                if (writer := await self._steps.written(one)) is not None:
                    return await self._steps.committed(one, writer)
            text = f"whether {self._steps.name(one)} was written is not known: {error.reason}"
            raise OutcomeUnknown(transaction.transaction_id, text) from error
        if status.successful:
            return await self._steps.committed(one, transaction.transaction_id)
        # It is not valid and wrote nothing. Whether another one did, the ledger says.
        writer = await self._steps.written(one)
        if writer is not None:
            return await self._steps.committed(one, writer)
        one = await self._steps.not_written(one, transaction.transaction_id)
        if last:
            raise CommitError(transaction.transaction_id, status.name, status.block_number)
        return one


async def _submit_alone(transaction: AsyncTransaction) -> Status:
    return await (await transaction.submit()).status()
