"""When a block is cut. Source: Fabric's `orderer/common/blockcutter/blockcutter.go`."""

from node_client.protocol.config import BatchSize
from node_client.protocol.transaction import open_envelope


class BatchCutter:
    """Collects envelopes into batches.

    Attributes:
        size: the limits of the channel's configuration, which may change.
    """

    def __init__(self, size: BatchSize) -> None:
        self.size = size
        self._pending: list[bytes] = []
        self._pending_bytes = 0

    @property
    def pending(self) -> bool:
        """Whether envelopes wait for a batch to be cut."""
        return bool(self._pending)

    def ordered(self, envelope: bytes) -> list[list[bytes]]:
        """Take an envelope; the batches that are cut by it, at most two.

        An envelope beyond the preferred size makes a batch of its own. Its size is that of payload and signature, as
        Fabric counts it.
        """
        size = sum(map(len, open_envelope(envelope)))
        batches = []
        if size > self.size.preferred_max_bytes:
            if self._pending:
                batches.append(self.cut())
            return [*batches, [envelope]]
        if self._pending_bytes + size > self.size.preferred_max_bytes:
            batches.append(self.cut())
        self._pending.append(envelope)
        self._pending_bytes += size
        if len(self._pending) >= self.size.max_message_count:
            batches.append(self.cut())
        return batches

    def cut(self) -> list[bytes]:
        """The batch as it is now; what follows begins a new one."""
        batch, self._pending, self._pending_bytes = self._pending, [], 0
        return batch
