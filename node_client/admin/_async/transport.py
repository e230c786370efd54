"""A node's HTTP endpoints for asyncio. Written twice: `_sync/transport.py` is its twin."""

import asyncio

from node_client.admin import rest
from node_client.admin.rest import RestAnswer, RestEndpoint


class AsyncRest:
    """Calls to one endpoint, each on a connection of its own."""

    def __init__(self, endpoint: RestEndpoint) -> None:
        self.endpoint = endpoint

    async def call(self, method: str, path: str, body: bytes = b"", content_type: str = "") -> RestAnswer:
        """Make a call. Raises AdminError: there was no answer."""
        return await asyncio.to_thread(rest.call, self.endpoint, method, path, body, content_type)
