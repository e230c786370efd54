"""One range being read, and the record of what was seen of it for the phantom check at commit.

Source: Fabric's `core/ledger/kvledger/txmgmt/txmgr/query_executor.go` (`resultsItr`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from chaincode.ledger import merkle_summary
from chaincode.ledger.read_write_set import RangeQuery
from chaincode.ledger.state import Version


@dataclass
class Scan:
    """A range of a namespace; iterating reads it, and only what was read is recorded.

    Args:
        namespace: of the range's keys.
        rows: key, value and version of the range as it is committed.
        start, end: the range that was asked for.
    """

    namespace: str
    rows: Iterator[tuple[str, bytes, Version]]
    start: str
    end: str
    _seen: list[tuple[str, Version]] = field(default_factory=list)
    _exhausted: bool = False

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        return self

    def __next__(self) -> tuple[str, bytes]:
        row = next(self.rows, None)
        if row is None:
            self._exhausted = True
            raise StopIteration
        key, value, version = row
        self._seen.append((key, version))
        return key, value

    def bookmark(self) -> str:
        """The key at which a later page goes on, empty at the range's end; looking at it is no read."""
        row = next(self.rows, None)
        return row[0] if row else ""

    def query(self) -> RangeQuery:
        """The record. A range that was not read to its end is bounded by the last key that was seen."""
        end = self.end if self._exhausted else (self._seen[-1][0] if self._seen else "")
        if len(self._seen) > merkle_summary.MAX_DEGREE:
            merkle = merkle_summary.summarise(self._seen)
            return RangeQuery(self.start, end, self._exhausted, merkle=merkle)
        return RangeQuery(self.start, end, self._exhausted, tuple(self._seen))
