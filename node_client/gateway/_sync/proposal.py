# Generated from _async/proposal.py by scripts/generate_sync.py: change that file instead.
"""A proposal to run a function."""

from collections.abc import Sequence

from node_client.errors import EndorseError
from node_client.gateway import requests
from node_client.gateway._sync.transaction import Transaction
from node_client.gateway._sync.transport import Transport
from node_client.gateway.session import Session
from node_client.gateway.signable import Signable
from node_client.protocol import proposal as parts
from node_client.protocol.errors import ProtocolError


class Proposal(Signable):
    """A proposal to run a function.

    Attributes:
        data: the proposal's bytes, which are signed.
        channel: the channel that it is for.
        transaction_id: the id of the transaction that it may become.
        organizations: MSP ids; where there are any, only their peers run or endorse it.

    Args:
        content: `data`, taken apart, where that has been done.
    """

    def __init__(
        self,
        session: Session,
        transport: Transport,
        data: bytes,
        organizations: Sequence[str] = (),
        signature: bytes = b"",
        *,
        content: parts.Proposal | None = None,
    ) -> None:
        super().__init__(session, data, signature)
        self._transport = transport
        self._content = content or parts.parse_proposal(data)
        self.channel = self._content.channel
        self.transaction_id = self._content.transaction_id
        self.organizations = tuple(organizations)

    @property
    def serialized(self) -> bytes:
        """The proposal as official clients exchange it, with its signature if it has one."""
        return requests.proposed_transaction(self.transaction_id, self.data, self._signature, self.organizations)

    def evaluate(self, *, timeout: float | None = None) -> bytes:
        """Run the function on one peer and give its result; nothing is written. Nobody signs the answer.

        Args:
            timeout: seconds, instead of the gateway's deadline.

        Raises:
            EvaluateError: it could not be run, or refused.
        """
        request = requests.evaluate_request(
            self.channel, self.transaction_id, self.data, self.signature, self.organizations
        )
        response = self._transport.evaluate(request, timeout)
        return response.result.payload

    def endorse(self, *, timeout: float | None = None) -> Transaction:
        """Have the function run by the peers whose endorsements its effects need. Nothing is written yet.

        Args:
            timeout: seconds, instead of the gateway's deadline.

        Raises:
            EndorseError: it could not be run, was refused, the peers do not agree, or the gateway answers with
                another transaction than the one that was proposed.
        """
        request = requests.endorse_request(
            self.channel, self.transaction_id, self.data, self.signature, self.organizations
        )
        response = self._transport.endorse(request, timeout)
        payload = response.prepared_transaction.payload
        try:
            transaction = Transaction(self._session, self._transport, payload, proposal=self._content)
        except ProtocolError as error:
            raise self._refused(f"the gateway's transaction cannot be read: {error}") from error
        proposed = transaction.content.proposal
        if proposed is not self._content and proposed.hash != self._content.hash:
            raise self._refused("the gateway's transaction is not the one that was proposed")
        return transaction

    def _refused(self, message: str) -> EndorseError:
        return EndorseError("INTERNAL", message, transaction_id=self.transaction_id)
