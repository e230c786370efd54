"""What a trust file says, read from the channel's blocks: who the organisations were, and whose word was needed."""

from dataclasses import dataclass, field, replace

from node_client.audit.replay import Replay
from node_client.certificates.errors import TrustError
from node_client.certificates.statement import Ledger
from node_client.certificates.trust import Trust, TrustRange
from node_client.protocol.definitions import read_definition


def in_force(replay: Replay, chaincode: str) -> TrustRange | None:
    """What holds for a chaincode after the block that was judged last; None when it has not been defined."""
    config, definition = replay.config, read_definition(replay.state, chaincode)
    if config is None or definition is None:
        return None
    _, policy = config.application_policy(definition.policy)
    return TrustRange(replay.height - 1, tuple(msp.config for msp in config.msp_manager.msps.values()), policy)


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
    _seen: tuple[object, object] | None = None

    def take(self, replay: Replay) -> None:
        """Look at what holds after the block that was judged last."""
        seen = (replay.config, read_definition(replay.state, self.ledger.chaincode))
        if self._seen == seen:
            return
        self._seen = seen
        found = in_force(replay, self.ledger.chaincode)
        if found and not self._ranges:
            self._ranges.append(replace(found, from_block=0))
        elif found and not found.same_rules(self._ranges[-1]):
            self._ranges.append(found)

    def result(self) -> Trust:
        """The trust file so far. Raises TrustError when the chaincode has not been defined."""
        if not self._ranges:
            raise TrustError(f"the channel {self.ledger.channel} has no chaincode {self.ledger.chaincode}")
        return Trust(self.ledger, tuple(self._ranges))
