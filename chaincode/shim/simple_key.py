"""Simple keys: those that are not composite, and so do not begin with U+0000."""

from chaincode.ledger.composite_key import NAMESPACE

FIRST_SIMPLE_KEY = "\u0001"  # a range without a start begins after the composite keys


def simple_range(start: str, end: str) -> tuple[str, str]:
    """Start and end as a peer is asked for them.

    Raises:
        ValueError: one of them lies among the composite keys (Go's `validateSimpleKeys`).
    """
    if start.startswith(NAMESPACE) or end.startswith(NAMESPACE):
        raise ValueError("a simple key may not begin with U+0000")
    return start or FIRST_SIMPLE_KEY, end
