# Generated from _async/operations.py by scripts/generate_sync.py: change that file instead.
"""A node's operations endpoint (`core/operations/system.go`)."""

from node_client.admin import metrics
from node_client.admin._sync.transport import Rest
from node_client.admin.rest import RestAnswer, RestEndpoint
from node_client.errors import AdminError


class Operations:
    """A node's operations endpoint."""

    def __init__(self, endpoint: RestEndpoint) -> None:
        self._rest = Rest(endpoint)

    def check_health(self) -> None:
        """Raises AdminError: the node does not answer, or says that it is not well."""
        self._accepted(self._rest.call("GET", "/healthz"))

    def leads(self, channel: str) -> bool | None:
        """Whether an orderer leads a channel's Raft cluster; None when it does not say. Raises AdminError."""
        answer = self._accepted(self._rest.call("GET", "/metrics"))
        for labels, value in metrics.samples(answer.text, "consensus_etcdraft_is_leader"):
            if labels.get("channel") == channel:
                return value == 1
        return None

    def _accepted(self, answer: RestAnswer) -> RestAnswer:
        if answer.status >= 300:
            raise AdminError(self._rest.endpoint.address, answer.status, answer.text)
        return answer
