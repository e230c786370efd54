# Generated from _async/signable.py by scripts/generate_sync.py: change that file instead.
"""What is signed: a proposal, a transaction, a commit status request, an events request.

Each has `data`, the bytes, and `digest`, what a signature is made over. A signature is made by the connection's signer
when it is needed, unless one was given: signing elsewhere is no separate mode.
"""

from collections.abc import Iterator, Sequence

from node_client.errors import CommitError
from node_client.gateway import requests
from node_client.gateway._sync.transport import Transport
from node_client.gateway.requests import ChaincodeEvent, Status
from node_client.gateway.session import Session
from node_client.protocol.proposal import parse_proposal
from node_client.protocol.transaction import envelope


class _Signable:
    def __init__(self, session: Session, transport: Transport, data: bytes, signature: bytes | None = None) -> None:
        self._session = session
        self._transport = transport
        self._signature = signature
        self.data = data

    @property
    def digest(self) -> bytes:
        """What the signature is made over: the hash of `data`."""
        return self._session.hash.digest(self.data)

    @property
    def signature(self) -> bytes:
        """The signature, made now if there is none. Raises NotSigned without a signer."""
        if self._signature is None:
            self._signature = self._session.sign(self.digest)
        return self._signature


class Proposal(_Signable):
    """A proposal to run a function."""

    def __init__(
        self,
        session: Session,
        transport: Transport,
        data: bytes,
        organizations: Sequence[str],
        signature: bytes | None,
    ) -> None:
        super().__init__(session, transport, data, signature)
        self._organizations = tuple(organizations)
        self.transaction_id = parse_proposal(data).transaction_id

    def evaluate(self) -> bytes:
        """Run the function on one peer and give its result; nothing is written.

        Raises:
            EvaluateError: it could not be run, or refused.
        """
        request = requests.evaluate_request(self.data, self.signature, self._organizations)
        response = self._transport.evaluate(request)
        return response.result.payload

    def endorse(self) -> "Transaction":
        """Have the function run by the peers whose endorsements its effects need.

        Raises:
            EndorseError: it could not be run, was refused, or the peers do not agree.
        """
        request = requests.endorse_request(self.data, self.signature, self._organizations)
        response = self._transport.endorse(request)
        return Transaction(self._session, self._transport, requests.endorsed_payload(response))


class Transaction(_Signable):
    """An endorsed transaction, not yet submitted. `data` is the unsigned `common.Payload`."""

    def __init__(self, session: Session, transport: Transport, data: bytes, signature: bytes | None = None) -> None:
        super().__init__(session, transport, data, signature)
        self.channel, self.transaction_id, self.result = requests.transaction_result(data)

    @property
    def envelope(self) -> bytes:
        """The signed transaction as it is submitted. Keep it to be able to send the same again."""
        return envelope(self.data, self.signature)

    def submit(self) -> "Commit":
        """Hand the transaction to the orderers.

        Raises:
            SubmitError: whether they have it is not known. Sending the same again is harmless.
        """
        request = requests.submit_request(self.channel, self.transaction_id, self.data, self.signature)
        self._transport.submit(request)
        creator = self._session.identity.serialized
        data = requests.commit_status_request(self.channel, self.transaction_id, creator)
        return Commit(self._session, self._transport, data)


class Commit(_Signable):
    """A submitted transaction, of which the outcome can be asked."""

    def __init__(self, session: Session, transport: Transport, data: bytes, signature: bytes | None = None) -> None:
        super().__init__(session, transport, data, signature)
        self.channel, self.transaction_id = requests.commit_status_parts(data)

    def status(self) -> Status:
        """Wait until the transaction is in a block, and say how it ended.

        Raises:
            CommitStatusError: that could not be had; the transaction may have committed.
        """
        request = requests.signed_commit_status(self.data, self.signature)
        response = self._transport.commit_status(request, self.transaction_id)
        return requests.status(self.transaction_id, response)

    def require_valid(self) -> Status:
        """Wait until the transaction is in a block, valid.

        Raises:
            CommitError: it is not valid; nothing was written.
            CommitStatusError: the outcome could not be had.
        """
        status = self.status()
        if not status.successful:
            raise CommitError(self.transaction_id, status.name, status.block_number)
        return status


class ChaincodeEventsRequest(_Signable):
    """A request for chaincode events."""

    def events(self) -> Iterator[ChaincodeEvent]:
        """The events, until the iteration is ended.

        Raises:
            EventsError: the stream could not be opened, or broke.
        """
        request = requests.signed_events(self.data, self.signature)
        for response in self._transport.events(request):
            for event in requests.events(response):
                yield event
