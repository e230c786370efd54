"""A node's HTTP endpoints. Written twice: `_async/transport.py` is its twin."""

from node_client.admin import rest
from node_client.admin.rest import RestAnswer, RestEndpoint


class Rest:
    """Calls to one endpoint, each on a connection of its own."""

    def __init__(self, endpoint: RestEndpoint) -> None:
        self.endpoint = endpoint

    def call(self, method: str, path: str, body: bytes = b"", content_type: str = "") -> RestAnswer:
        """Make a call. Raises AdminError: there was no answer."""
        return rest.call(self.endpoint, method, path, body, content_type)
