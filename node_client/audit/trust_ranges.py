"""What a trust file says, read from the channel's blocks: who the organisations were, and whose word was needed."""

from dataclasses import dataclass, field

from node_client.audit.replay import Replay
from node_client.certificates.errors import TrustError
from node_client.certificates.statement import Ledger
from node_client.certificates.trust import Trust, TrustRange
from node_client.protocol.definitions import read_definition


@dataclass
class TrustRanges:
    """Collects, block by block, what has held for a chaincode.

    A range begins with the block that puts it into force: what stands in that block is attested under it. The first
    one begins with block 0, for before it nothing could be attested.

    Attributes:
        ledger: the ledger and the chaincode that it is about.
    """

    ledger: Ledger
    _ranges: list[TrustRange] = field(default_factory=list)
    _seen: tuple[object, bytes] | None = None

    def take(self, replay: Replay) -> None:
        """Look at what holds after the block that was judged last."""
        config, definition = replay.config, read_definition(replay.state, self.ledger.chaincode)
        if config is None or definition is None or self._seen == (config, definition.policy):
            return
        self._seen = (config, definition.policy)
        _, policy = config.application_policy(definition.policy)
        msps = tuple(msp.config for msp in config.msp_manager.msps.values())
        if not self._ranges or (msps, policy) != (self._ranges[-1].msps, self._ranges[-1].policy):
            self._ranges.append(TrustRange(replay.height - 1 if self._ranges else 0, msps, policy))

    def result(self) -> Trust:
        """The trust file so far. Raises TrustError when the chaincode has not been defined."""
        if not self._ranges:
            raise TrustError(f"the channel {self.ledger.channel} has no chaincode {self.ledger.chaincode}")
        return Trust(self.ledger, tuple(self._ranges))
