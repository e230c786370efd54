# Generated from _async/network.py by scripts/generate_sync.py: change that file instead.
"""A channel, and the contracts on it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from node_client.errors import EventsError
from node_client.gateway import requests
from node_client.gateway._sync.signable import ChaincodeEventsRequest, Commit, Proposal
from node_client.gateway._sync.transport import Transport
from node_client.gateway.checkpointer import Checkpointer
from node_client.gateway.requests import ChaincodeEvent, Status
from node_client.gateway.session import Session
from node_client.protocol.proposal import build_proposal


class Contract:
    """A chaincode on a channel, or one of the contracts in it."""

    def __init__(self, session: Session, transport: Transport, channel: str, chaincode: str, name: str = "") -> None:
        self._session = session
        self._transport = transport
        self._channel = channel
        self._name = name
        self.chaincode = chaincode

    def evaluate(self, function: str, *args: str | bytes, organizations: Sequence[str] = ()) -> bytes:
        """Run a function on one peer and give its result; nothing is written. The answer is signed by nobody.

        Raises:
            EvaluateError: it could not be run, or refused.
        """
        return self.new_proposal(function, *args, organizations=organizations).evaluate()

    def submit(
        self,
        function: str,
        *args: str | bytes,
        transient: Mapping[str, bytes] | None = None,
        organizations: Sequence[str] = (),
    ) -> bytes:
        """Run a function, have it endorsed and ordered, and wait until its writes are on the ledger.

        Returns:
            The function's result.

        Raises:
            EndorseError, CommitError: nothing was written.
            SubmitError, CommitStatusError: whether something was written is not known.
        """
        proposal = self.new_proposal(function, *args, transient=transient, organizations=organizations)
        transaction = proposal.endorse()
        commit = transaction.submit()
        commit.require_valid()
        return transaction.result

    def new_proposal(
        self,
        function: str,
        *args: str | bytes,
        transient: Mapping[str, bytes] | None = None,
        organizations: Sequence[str] = (),
        nonce: bytes | None = None,
        timestamp: datetime | None = None,
    ) -> Proposal:
        """A proposal, to be taken step by step.

        Args:
            function: the function's name.
            args: its arguments.
            transient: data for endorsers that does not enter the transaction.
            organizations: MSP ids; only their peers run or endorse it.
            nonce: random bytes of the caller's own, which make an endorsed answer fresh.
            timestamp: the submitter's time; now by default.
        """
        called = f"{self._name}:{function}" if self._name else function
        data = build_proposal(
            channel=self._channel,
            chaincode=self.chaincode,
            args=[arg.encode() if isinstance(arg, str) else arg for arg in (called, *args)],
            creator=self._session.identity.serialized,
            nonce=nonce,
            transient=transient,
            timestamp=timestamp,
            tls_certificate_hash=self._session.tls_certificate_hash,
        )
        return Proposal(self._session, self._transport, data, organizations, None)


class Network:
    """A channel as one gateway sees it."""

    def __init__(self, session: Session, transport: Transport, channel: str) -> None:
        self._session = session
        self._transport = transport
        self.channel = channel

    def get_contract(self, chaincode: str, name: str = "") -> Contract:
        """A chaincode; with a name, one of the contracts in it."""
        return Contract(self._session, self._transport, self.channel, chaincode, name)

    def new_commit(self, transaction_id: str) -> Commit:
        """A commit status request for a transaction of which only the id is known."""
        creator = self._session.identity.serialized
        data = requests.commit_status_request(self.channel, transaction_id, creator)
        return Commit(self._session, self._transport, data)

    def commit_status(self, transaction_id: str) -> Status:
        """How a transaction ended; waits for it when it is in no block yet. Raises CommitStatusError."""
        return self.new_commit(transaction_id).status()

    def new_chaincode_events_request(
        self, chaincode: str, *, start_block: int | None = None, after_transaction_id: str = ""
    ) -> ChaincodeEventsRequest:
        """A request for a chaincode's events.

        Args:
            start_block: the first block; without one, blocks from now on.
            after_transaction_id: skip the start block's transactions up to this one.
        """
        creator = self._session.identity.serialized
        data = requests.events_request(self.channel, chaincode, creator, start_block, after_transaction_id)
        return ChaincodeEventsRequest(self._session, self._transport, data)

    def chaincode_events(
        self,
        chaincode: str,
        *,
        start_block: int | None = None,
        checkpointer: Checkpointer | None = None,
        attempts: int = 0,
    ) -> Iterator[ChaincodeEvent]:
        """A chaincode's events, until the iteration is ended.

        Args:
            start_block: the first block; without one, blocks from now on.
            checkpointer: where to go on instead, if it remembers something. It is the caller who checkpoints.
            attempts: after a lost connection, how often to connect again before giving up. The stream goes on after
                the last event that was given, each event once; events of before the first one may be missed when
                no start was named.

        Raises:
            EventsError: the stream could not be opened, or broke and the attempts are used up.
        """
        start, after = start_block, ""
        if checkpointer is not None and checkpointer.block_number is not None:
            start, after = checkpointer.block_number, checkpointer.transaction_id
        left = attempts
        while True:
            request = self.new_chaincode_events_request(chaincode, start_block=start, after_transaction_id=after)
            try:
                for event in request.events():
                    start, after, left = event.block_number, event.transaction_id, attempts
                    yield event
                return
            except EventsError as error:
                if not left or not error.unreachable:
                    raise
                left -= 1
