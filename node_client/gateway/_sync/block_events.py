# Generated from _async/block_events.py by scripts/generate_sync.py: change that file instead.
"""Requests for blocks as they are committed."""

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, TypeVar

from node_client.gateway import deliver
from node_client.gateway._sync.events import EventsRequest
from node_client.gateway._sync.transport import Responses
from node_client.gateway.deliver import BlockAndPrivateData, FilteredBlock
from node_client.gateway.position import Position
from node_client.protocol.block import Block
from node_client.protocol.transaction import envelope

E = TypeVar("E")


class _DeliverRequest(EventsRequest[E]):
    method = ""

    @property
    def serialized(self) -> bytes:
        """The request as official clients exchange it, with its signature if it has one: `common.Envelope`."""
        return envelope(self.data, self._signature)

    def begin(self, timeout: float | None) -> Responses[Any]:
        """Send the request, and give the stream that answers it."""
        return self._transport.deliver(self.method, deliver.seek_envelope(self.data, self.signature), timeout)

    @abstractmethod
    def read(self, response: Any) -> Iterable[tuple[Position, E]]:
        """The block in an answer, with the position behind it."""


class BlockEventsRequest(_DeliverRequest[Block]):
    """A request for blocks. `data` is the `common.Payload` that is signed."""

    method = "Deliver"

    def read(self, response: Any) -> Iterable[tuple[Position, Block]]:
        """The block in an answer, with the position behind it."""
        block = deliver.read_block(response)
        yield Position(block.number + 1), block


class FilteredBlockEventsRequest(_DeliverRequest[FilteredBlock]):
    """A request for filtered blocks. `data` is the `common.Payload` that is signed."""

    method = "DeliverFiltered"

    def read(self, response: Any) -> Iterable[tuple[Position, FilteredBlock]]:
        """The block in an answer, with the position behind it."""
        block = deliver.read_filtered_block(response)
        yield Position(block.number + 1), block


class BlockAndPrivateDataEventsRequest(_DeliverRequest[BlockAndPrivateData]):
    """A request for blocks with private data. `data` is the `common.Payload` that is signed."""

    method = "DeliverWithPrivateData"

    def read(self, response: Any) -> Iterable[tuple[Position, BlockAndPrivateData]]:
        """The block in an answer, with the position behind it."""
        found = deliver.read_block_and_private_data(response)
        yield Position(found.block.number + 1), found
