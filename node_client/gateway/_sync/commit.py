# Generated from _async/commit.py by scripts/generate_sync.py: change that file instead.
"""A question after a transaction's outcome."""

from node_client.errors import CommitError
from node_client.gateway import requests
from node_client.gateway._sync.transport import Transport
from node_client.gateway.requests import Status
from node_client.gateway.session import Session
from node_client.gateway.signable import Signable


class Commit(Signable):
    """A transaction of which the outcome can be asked.

    Attributes:
        data: the `gateway.CommitStatusRequest`, which is signed.
        channel, transaction_id: where the transaction belongs, and its id.

    Raises:
        ProtocolError: `data` is no such request.
    """

    def __init__(self, session: Session, transport: Transport, data: bytes, signature: bytes = b"") -> None:
        super().__init__(session, data, signature)
        self._transport = transport
        self.channel, self.transaction_id = requests.commit_status_parts(data)

    @property
    def serialized(self) -> bytes:
        """The question as official clients exchange it, with its signature if it has one."""
        return requests.signed_commit_status(self.data, self._signature).SerializeToString()

    def status(self, *, timeout: float | None = None) -> Status:
        """Wait until the transaction is in a block, and say how it ended.

        Args:
            timeout: seconds, instead of the gateway's deadline.

        Raises:
            CommitStatusError: that could not be had; the transaction may have committed.
        """
        request = requests.signed_commit_status(self.data, self.signature)
        response = self._transport.commit_status(request, self.transaction_id, timeout)
        return requests.status(self.transaction_id, response)

    def require_valid(self, *, timeout: float | None = None) -> Status:
        """Wait until the transaction is in a block, valid.

        Args:
            timeout: seconds, instead of the gateway's deadline.

        Raises:
            CommitError: it is not valid; nothing was written.
            CommitStatusError: the outcome could not be had.
        """
        status = self.status(timeout=timeout)
        if not status.successful:
            raise CommitError(self.transaction_id, status.name, status.block_number)
        return status
