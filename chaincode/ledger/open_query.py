"""A query's results on their way to the chaincode, batch by batch.

Source: Fabric's `core/chaincode/query_response_generator.go`. How far a batch reads ahead decides what is recorded as
read, so it is the same here: a batch is only given away once the row after it has been read.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

BATCH = 100  # rows that one message holds, `MaxResultLimit`
TOTAL_QUERY_LIMIT = 100_000  # rows that a query gives in all, `ledger.state.totalQueryLimit` of the sample core.yaml


@dataclass
class OpenQuery:
    """An iterator that a chaincode has open.

    Args:
        rows: the results, serialised; taking one may record it as read.
        limit: how many it gives in all.
    """

    rows: Iterator[bytes]
    limit: int
    _pending: list[bytes] = field(default_factory=list)
    _taken: int = 0

    def batch(self) -> tuple[list[bytes], bool]:
        """The next rows, and whether there are more."""
        while (row := self._next()) is not None:
            if len(self._pending) == BATCH:
                full, self._pending = self._pending, [row]
                return full, True
            self._pending.append(row)
        return self._rest(), False

    def page(self) -> list[bytes]:
        """All rows up to the limit, in one batch."""
        while (row := self._next()) is not None:
            self._pending.append(row)
        return self._rest()

    def _next(self) -> bytes | None:
        if self._taken >= self.limit:
            return None
        row = next(self.rows, None)
        if row is not None:
            self._taken += 1
        return row

    def _rest(self) -> list[bytes]:
        rest, self._pending = self._pending, []
        return rest
