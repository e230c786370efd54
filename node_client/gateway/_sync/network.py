# Generated from _async/network.py by scripts/generate_sync.py: change that file instead.
"""A channel, as the network that shares it."""

from node_client.gateway import deliver, requests
from node_client.gateway._sync.block_events import (
    BlockAndPrivateDataEventsRequest,
    BlockEventsRequest,
    FilteredBlockEventsRequest,
)
from node_client.gateway._sync.commit import Commit
from node_client.gateway._sync.contract import Contract
from node_client.gateway._sync.events import ChaincodeEventsRequest, EventsRequest, EventStream
from node_client.gateway._sync.transport import Transport
from node_client.gateway.checkpointer import Checkpointer
from node_client.gateway.deliver import BlockAndPrivateData, FilteredBlock
from node_client.gateway.options import Resume
from node_client.gateway.position import Position
from node_client.gateway.requests import ChaincodeEvent, Status
from node_client.gateway.session import Session
from node_client.protocol.block import Block
from node_client.protocol.ledger_queries import QSCC, chain_info


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

    def commit_status(self, transaction_id: str, *, timeout: float | None = None) -> Status:
        """How a transaction ended, of which only the id is known; waits while it is in no block yet.

        Args:
            timeout: seconds, instead of the gateway's deadline.

        Raises:
            CommitStatusError: that could not be had.
        """
        return self.new_commit(transaction_id).status(timeout=timeout)

    def pause(self, seconds: float) -> None:
        """Wait, for peers that are behind say."""
        self._transport.pause(seconds)

    def height(self) -> int:
        """How many blocks the gateway's peer has. Raises EvaluateError."""
        return chain_info(self.get_contract(QSCC).evaluate("GetChainInfo", self.channel)).height

    def new_chaincode_events_request(
        self, chaincode: str, *, start_block: int | None = None, after_transaction_id: str = ""
    ) -> ChaincodeEventsRequest:
        """A request for a chaincode's events.

        Args:
            start_block: the first block; without one, blocks from now on.
            after_transaction_id: go on after this transaction, wherever it is.
        """
        creator = self._session.identity.serialized
        data = requests.events_request(self.channel, chaincode, creator, start_block, after_transaction_id)
        return ChaincodeEventsRequest(self._session, self._transport, data)

    def new_block_events_request(self, *, start_block: int | None = None) -> BlockEventsRequest:
        """A request for blocks, from the start block or from now on."""
        return BlockEventsRequest(self._session, self._transport, self._seek(start_block))

    def new_filtered_block_events_request(self, *, start_block: int | None = None) -> FilteredBlockEventsRequest:
        """A request for filtered blocks, from the start block or from now on."""
        return FilteredBlockEventsRequest(self._session, self._transport, self._seek(start_block))

    def new_block_and_private_data_events_request(
        self, *, start_block: int | None = None
    ) -> BlockAndPrivateDataEventsRequest:
        """A request for blocks with the organisation's private data, from the start block or from now on."""
        return BlockAndPrivateDataEventsRequest(self._session, self._transport, self._seek(start_block))

    def chaincode_events(
        self,
        chaincode: str,
        *,
        start_block: int | None = None,
        after_transaction_id: str = "",
        checkpoint: Checkpointer | None = None,
        resume: Resume | None = None,
        timeout: float | None = None,
    ) -> EventStream[ChaincodeEvent]:
        """A chaincode's events. Those of invalid transactions are not among them.

        Args:
            start_block: the first block; without one, blocks from now on.
            after_transaction_id: go on after this transaction.
            checkpoint: where to go on instead, if it remembers something. It is for the caller to checkpoint each
                event that has been dealt with.
            resume: how to go on by itself when the connection is lost; without it, iterating raises.
            timeout: seconds after which the stream ends with DEADLINE_EXCEEDED, instead of the gateway's deadline.
        """

        def request(position: Position) -> EventsRequest[ChaincodeEvent]:
            return self.new_chaincode_events_request(
                chaincode, start_block=position.block, after_transaction_id=position.after
            )

        position = _first(checkpoint, start_block, after_transaction_id)
        return EventStream(self._transport, request, position, timeout=timeout, resume=resume, network=self)

    def block_events(
        self,
        *,
        start_block: int | None = None,
        checkpoint: Checkpointer | None = None,
        resume: Resume | None = None,
        timeout: float | None = None,
    ) -> EventStream[Block]:
        """Blocks as they are committed. Arguments are those of `chaincode_events`."""

        def request(position: Position) -> EventsRequest[Block]:
            return self.new_block_events_request(start_block=position.block)

        position = _first(checkpoint, start_block)
        return EventStream(self._transport, request, position, timeout=timeout, resume=resume, network=self)

    def filtered_block_events(
        self,
        *,
        start_block: int | None = None,
        checkpoint: Checkpointer | None = None,
        resume: Resume | None = None,
        timeout: float | None = None,
    ) -> EventStream[FilteredBlock]:
        """Blocks as they are committed, without content. Arguments are those of `chaincode_events`."""

        def request(position: Position) -> EventsRequest[FilteredBlock]:
            return self.new_filtered_block_events_request(start_block=position.block)

        position = _first(checkpoint, start_block)
        return EventStream(self._transport, request, position, timeout=timeout, resume=resume, network=self)

    def block_and_private_data_events(
        self,
        *,
        start_block: int | None = None,
        checkpoint: Checkpointer | None = None,
        resume: Resume | None = None,
        timeout: float | None = None,
    ) -> EventStream[BlockAndPrivateData]:
        """Blocks with the organisation's private data. Arguments are those of `chaincode_events`."""

        def request(position: Position) -> EventsRequest[BlockAndPrivateData]:
            return self.new_block_and_private_data_events_request(start_block=position.block)

        position = _first(checkpoint, start_block)
        return EventStream(self._transport, request, position, timeout=timeout, resume=resume, network=self)

    def _seek(self, start_block: int | None) -> bytes:
        session = self._session
        return deliver.seek_payload(
            self.channel, session.identity.serialized, start_block, session.tls_certificate_hash
        )


def _first(checkpoint: Checkpointer | None, start_block: int | None, after_transaction_id: str = "") -> Position:
    if checkpoint is not None and checkpoint.block_number is not None:
        return Position(checkpoint.block_number, checkpoint.transaction_id)
    return Position(start_block, after_transaction_id)
