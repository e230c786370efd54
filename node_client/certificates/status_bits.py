"""The bits of a status list, as W3C's Bitstring Status List v1.0 encodes them (§2.2, §3.3).

Two bits a member, the first member's on the left: statusSize is 2, statusPurpose is `message`.
"""

import base64
import binascii
import gzip
import zlib
from collections.abc import Iterable

from chaincode.registry.model.status import Status

BITS = {Status.ACTIVE: 0, Status.REVOKED: 1, Status.SUSPENDED: 2, Status.SUPERSEDED: 3}
MESSAGES = {number: status.value for status, number in BITS.items()}
LEAST = 131_072  # members: a short list would tell which one is asked for
_PER_BYTE = 4


def bits_of(size: int, changed: Iterable[tuple[int, Status]]) -> bytes:
    """The bits of a list with so many members, of which these have changed."""
    data = bytearray(-(-max(size, LEAST) // _PER_BYTE))
    for index, status in changed:
        byte, place = divmod(index, _PER_BYTE)
        shift = 6 - 2 * place
        data[byte] = data[byte] & ~(3 << shift) | BITS[status] << shift
    return bytes(data)


def status_at(bits: bytes, index: int) -> Status:
    """A member's status."""
    byte, place = divmod(index, _PER_BYTE)
    number = bits[byte] >> (6 - 2 * place) & 3
    return Status(MESSAGES[number])


def encode(bits: bytes) -> str:
    """`encodedList`: gzip, then base64url without padding, with multibase's `u` before it."""
    return "u" + base64.urlsafe_b64encode(gzip.compress(bits, mtime=0)).rstrip(b"=").decode()


def decode(text: str, most: int) -> bytes:
    """The bits in an `encodedList`.

    Args:
        most: bytes that they may have.

    Raises:
        ValueError: it is none, or longer.
    """
    if not text.startswith("u"):
        raise ValueError("not in base64url")
    try:
        packed = base64.b64decode(text[1:] + "=" * (-len(text[1:]) % 4), altchars=b"-_", validate=True)
        reader = zlib.decompressobj(wbits=31)
        bits = reader.decompress(packed, most + 1)
    except (binascii.Error, zlib.error) as error:
        raise ValueError("not a compressed list") from error
    if len(bits) > most or not reader.eof or reader.unused_data:
        raise ValueError("not a compressed list of this size")
    return bits
