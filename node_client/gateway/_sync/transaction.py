# Generated from _async/transaction.py by scripts/generate_sync.py: change that file instead.
"""An endorsed transaction."""

from node_client.gateway import requests
from node_client.gateway._sync.commit import Commit
from node_client.gateway._sync.transport import Transport
from node_client.gateway.session import Session
from node_client.gateway.signable import Signable
from node_client.protocol.proposal import Proposal
from node_client.protocol.transaction import envelope, parse_transaction


class Transaction(Signable):
    """An endorsed transaction, to be signed and submitted.

    Attributes:
        data: the unsigned `common.Payload`, which is signed. With its endorsements it proves what the endorsers
            answered, even when it is never submitted.
        content: the same, taken apart.
        channel, transaction_id: where it belongs, and its id.
        result: what the function returned.

    Raises:
        ProtocolError: `data` is no transaction.
    """

    def __init__(
        self,
        session: Session,
        transport: Transport,
        data: bytes,
        signature: bytes = b"",
        *,
        proposal: Proposal | None = None,
    ) -> None:
        super().__init__(session, data, signature)
        self._transport = transport
        self.content = parse_transaction(data, known=proposal)
        self.channel = self.content.proposal.channel
        self.transaction_id = self.content.proposal.transaction_id
        self.result = self.content.response.payload

    @property
    def serialized(self) -> bytes:
        """The transaction as official clients exchange it, with its signature if it has one."""
        return requests.prepared_transaction(self.transaction_id, self.data, self._signature)

    @property
    def envelope(self) -> bytes:
        """The signed transaction as it is submitted. Keep it to be able to send the same again."""
        return envelope(self.data, self.signature)

    def submit(self, *, timeout: float | None = None) -> Commit:
        """Hand the transaction to the orderers.

        Args:
            timeout: seconds, instead of the gateway's deadline.

        Raises:
            SubmitError: whether they have it is not known. Submitting this same transaction again is harmless.
        """
        request = requests.submit_request(self.channel, self.transaction_id, self.data, self.signature)
        self._transport.submit(request, timeout)
        return self.commit

    @property
    def commit(self) -> Commit:
        """What asks how the transaction ended, for one that may have been submitted before."""
        creator = self._session.identity.serialized
        data = requests.commit_status_request(self.channel, self.transaction_id, creator)
        return Commit(self._session, self._transport, data)
