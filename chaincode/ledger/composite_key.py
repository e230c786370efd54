"""Composite keys, as Fabric's shims form them.

A composite key is U+0000, then the object type and every attribute, each followed by U+0000. Simple keys may not
begin with U+0000, so the two never meet. Source: fabric-chaincode-go `shim/stub.go`.
"""

from collections.abc import Sequence

MIN_CODE_POINT = "\u0000"
MAX_CODE_POINT = "\U0010ffff"
NAMESPACE = "\u0000"


def create_composite_key(object_type: str, attributes: Sequence[str]) -> str:
    """Join the object type and the attributes into one key.

    Raises:
        ValueError: a part is not valid Unicode text or contains U+0000 or U+10FFFF.
    """
    for part in (object_type, *attributes):
        if MIN_CODE_POINT in part or MAX_CODE_POINT in part:
            raise ValueError("parts of a composite key may not contain U+0000 or U+10FFFF")
        part.encode()
    return NAMESPACE + "".join(part + MIN_CODE_POINT for part in (object_type, *attributes))


def split_composite_key(key: str) -> tuple[str, list[str]]:
    """The object type and the attributes of a composite key.

    Raises:
        ValueError: the key is not a composite one.
    """
    if not key.startswith(NAMESPACE) or not key.endswith(MIN_CODE_POINT) or len(key) < 2:
        raise ValueError("not a composite key")
    object_type, *attributes = key[1:-1].split(MIN_CODE_POINT)
    return object_type, attributes


def composite_range(object_type: str, attributes: Sequence[str]) -> tuple[str, str]:
    """Start and end of the range that holds every composite key beginning with these parts."""
    start = create_composite_key(object_type, attributes)
    return start, start + MAX_CODE_POINT
