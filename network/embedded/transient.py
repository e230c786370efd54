"""Private data between endorsement and commit: what endorsers simulated, until its transaction is in a block."""

from collections import OrderedDict
from collections.abc import Mapping

MAX_TRANSACTIONS = 10_000

PrivateSets = Mapping[tuple[str, str], bytes]


class TransientStore:
    """Private write sets by transaction id, the oldest given up first."""

    def __init__(self) -> None:
        self._sets: OrderedDict[str, dict[tuple[str, str], bytes]] = OrderedDict()

    def put(self, tx_id: str, sets: PrivateSets) -> None:
        """Keep what a simulation of this transaction would write, by namespace and collection."""
        if sets:
            self._sets.setdefault(tx_id, {}).update(sets)
            while len(self._sets) > MAX_TRANSACTIONS:
                self._sets.popitem(last=False)

    def take(self, tx_id: str) -> PrivateSets:
        """What is kept for this transaction; it is kept no longer."""
        return self._sets.pop(tx_id, {})
