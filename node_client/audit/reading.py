"""Reading a channel's blocks from a peer."""

from collections.abc import Iterator

from node_client.certificates import patience
from node_client.errors import EventsError
from node_client.gateway._sync.network import Network
from node_client.protocol.block import Block


def read_blocks(network: Network, start: int, height: int, *, peer: str = "the peer") -> Iterator[Block]:
    """The blocks from one on, up to a height that the peer has reached.

    A peer that stalls is not waited for without an end. Who reads may take its time between two blocks: only a stream
    that has given none at all, within a time in which nothing but the next block was waited for, has stalled.

    Args:
        peer: how messages call it.

    Raises:
        EventsError: the peer does not give them.
    """
    while start < height:
        opened_at = start
        try:
            with network.block_events(start_block=start, timeout=patience.PATIENCE) as events:
                for block in events:
                    yield block
                    start = block.number + 1
                    if start >= height:
                        return
            raise EventsError("UNAVAILABLE", f"{peer} has {height} blocks, and ended the stream before block {start}")
        except EventsError as error:
            if error.code != "DEADLINE_EXCEEDED":
                raise
            if start == opened_at:
                text = f"{peer} has {height} blocks, and did not give block {start} in {patience.PATIENCE:g} seconds"
                raise EventsError(error.code, text, details=error.details) from error
