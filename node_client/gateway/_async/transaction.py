"""An endorsed transaction."""

from node_client.gateway import requests
from node_client.gateway._async.commit import AsyncCommit
from node_client.gateway._async.transport import AsyncTransport
from node_client.gateway.session import Session
from node_client.gateway.signable import Signable
from node_client.protocol.proposal import Proposal
from node_client.protocol.transaction import envelope, parse_transaction


class AsyncTransaction(Signable):
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
        transport: AsyncTransport,
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

    async def submit(self, *, timeout: float | None = None) -> AsyncCommit:
        """Hand the transaction to the orderers.

        Args:
            timeout: seconds, instead of the gateway's deadline.

        Raises:
            SubmitError: whether they have it is not known. Submitting this same transaction again is harmless.
        """
        request = requests.submit_request(self.channel, self.transaction_id, self.data, self.signature)
        await self._transport.submit(request, timeout)
        return self.commit

    @property
    def commit(self) -> AsyncCommit:
        """What asks how the transaction ended, for one that may have been submitted before."""
        creator = self._session.identity.serialized
        data = requests.commit_status_request(self.channel, self.transaction_id, creator)
        return AsyncCommit(self._session, self._transport, data)
