"""A contract, whose functions are called."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from node_client.gateway._async.proposal import AsyncProposal
from node_client.gateway._async.transport import AsyncTransport
from node_client.gateway.session import Session
from node_client.protocol.proposal import make_proposal


class AsyncContract:
    """A chaincode on a channel, or one of the contracts in it.

    Attributes:
        chaincode: the chaincode's name.
        name: the contract's name; empty for the chaincode's default contract.
    """

    def __init__(
        self, session: Session, transport: AsyncTransport, channel: str, chaincode: str, name: str = ""
    ) -> None:
        self._session = session
        self._transport = transport
        self._channel = channel
        self.chaincode = chaincode
        self.name = name

    async def evaluate(
        self,
        function: str,
        *args: str | bytes,
        transient: Mapping[str, bytes] | None = None,
        organizations: Sequence[str] = (),
        timeout: float | None = None,
    ) -> bytes:
        """Run a function on one peer and give its result; nothing is written. The answer is signed by nobody.

        Args:
            function, args, transient, organizations: see `new_proposal`.
            timeout: seconds, instead of the gateway's deadline.

        Raises:
            EvaluateError: it could not be run, or refused.
        """
        proposal = self.new_proposal(function, *args, transient=transient, organizations=organizations)
        return await proposal.evaluate(timeout=timeout)

    async def submit(
        self,
        function: str,
        *args: str | bytes,
        transient: Mapping[str, bytes] | None = None,
        organizations: Sequence[str] = (),
    ) -> bytes:
        """Run a function, have it endorsed and ordered, and wait until its writes are on the ledger.

        Args:
            function, args, transient, organizations: see `new_proposal`.

        Returns:
            The function's result.

        Raises:
            EndorseError, CommitError: nothing was written.
            SubmitError, CommitStatusError: whether something was written is not known.
        """
        proposal = self.new_proposal(function, *args, transient=transient, organizations=organizations)
        transaction = await proposal.endorse()
        commit = await transaction.submit()
        await commit.require_valid()
        return transaction.result

    def new_proposal(
        self,
        function: str,
        *args: str | bytes,
        transient: Mapping[str, bytes] | None = None,
        organizations: Sequence[str] = (),
        nonce: bytes | None = None,
        timestamp: datetime | None = None,
    ) -> AsyncProposal:
        """A proposal, to be taken step by step.

        Args:
            function: the function's name.
            args: its arguments.
            transient: data for endorsers that does not enter the transaction.
            organizations: MSP ids; only their peers run or endorse it.
            nonce: random bytes of the caller's own, which make an endorsed answer fresh.
            timestamp: the submitter's time; now by default.
        """
        called = f"{self.name}:{function}" if self.name else function
        proposal = make_proposal(
            channel=self._channel,
            chaincode=self.chaincode,
            args=[arg.encode() if isinstance(arg, str) else arg for arg in (called, *args)],
            creator=self._session.identity.serialized,
            nonce=nonce,
            transient=transient,
            timestamp=timestamp,
            tls_certificate_hash=self._session.tls_certificate_hash,
        )
        return AsyncProposal(self._session, self._transport, proposal.data, organizations, content=proposal)
