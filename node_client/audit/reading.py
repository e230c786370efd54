"""Reading a channel's blocks from a peer."""

from collections.abc import Iterator

from node_client.gateway._sync.network import Network
from node_client.protocol.block import Block


def read_blocks(network: Network, start: int, height: int) -> Iterator[Block]:
    """The blocks from one on, up to a height that the peer has reached.

    Raises:
        EventsError: the peer does not give them.
    """
    if start >= height:
        return
    with network.block_events(start_block=start) as events:
        for block in events:
            yield block
            if block.number + 1 >= height:
                return
