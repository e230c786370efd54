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
        """Whether an orderer leads the others of a channel; None when it does not say. Raises AdminError."""
        value = self._metric(channel, "consensus_etcdraft_is_leader", "consensus_BFT_is_leader")
        return None if value is None else value == 1

    def knows_leader(self, channel: str) -> bool:
        """Whether an orderer has heard who leads a channel since it was started. Raises AdminError."""
        return bool(self._metric(channel, "consensus_etcdraft_leader_changes", "consensus_BFT_leader_id"))

    def _metric(self, channel: str, *names: str) -> float | None:
        """The value of the first of these metrics that the node has for a channel."""
        text = self._accepted(self._rest.call("GET", "/metrics")).text
        for name in names:
            for labels, value in metrics.samples(text, name):
                if labels.get("channel") == channel:
                    return value
        return None

    def _accepted(self, answer: RestAnswer) -> RestAnswer:
        if answer.status >= 300:
            raise AdminError(self._rest.endpoint.address, answer.status, answer.text)
        return answer
